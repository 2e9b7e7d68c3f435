/*
 * Owns the parked response of a client: chooses the transport, comes back with
 * the last id, and notices silence.  Called by pimap-client.js.  Invariant:
 * there is one link at a time, and no attempt without a pause before it.
 */

import { backOff, jitter, PimapError } from './error.js';
import { withQuery } from './request.js';
import { transports } from './transports.js';


/* In milliseconds: until a response must have begun; after that it has been
   good; until a better transport is tried again; some days, which a timer
   takes, if there are no pings. */
const BEGIN = 15_000;
const STEADY = 10_000;
const BETTER = 600_000;
const NEVER = 1e9;

/* Further attempts after a login that was refused */
const MAX_DENIED = 2;


export class Connection {
    state = 'closed';
    id;
    device;
    transport;

    #options;
    #login;
    #on;
    #kinds;
    #at = 0;                    /* the transport in use, of #kinds */
    #failures = 0;
    #denied = 0;
    #proven;                    /* the transport that has parked */
    #interval;                  /* of pings, as asked for, or as told */
    #heard = 0;
    #asked = 0;                 /* the server asked for the pause */
    #timer;
    #link;

    /* "on" has message(message); state(error) at a change; renamed(): true if
       the device has another name now. */

    constructor(options, login, on) {
        this.#options = options;
        this.#login = login;
        this.#on = on;
        this.#interval = options.ping;
        this.#kinds = options.transports.filter((kind) => login.fits(kind)
            && (kind === 'websocket' ? options.WebSocket
                : kind !== 'eventsource' || options.EventSource
                    && options.events));

        if (!this.#kinds.length) {
            throw new PimapError('no transport fits');
        }
    }

    open() {
        const kind = this.transport = this.#kinds[this.#at];

        this.#drop();

        const abort = new AbortController();
        const link = this.#link = { ...this.#options,
            wait: this.#options.ping || 300, retry: 0, kind,
            signal: abort.signal, stop: () => abort.abort(),
            address: (query) => this.#address({ ...link.query, ...query }),
            login: async () => {
                link.query = await this.#login.query(kind);
                link.headers = await this.#login.headers();
            },
            text: (text, and) => {
                try {
                    const data = JSON.parse(text);

                    link.take(and && data.id ? { ...and, data }
                        : { ...data, ...and });
                } catch (error) {
                    link.end(error);
                }
            },
            take: (message) => link === this.#link && this.#take(message),
            pause: () => link === this.#link && this.#set('retry', {}),
            end: (error) => link === this.#link
                && this.#ended(link, error) };

        this.#set('connecting');

        (async () => {
            await link.login();         /* the user may have to type it */
            link.tried = true;

            if (link === this.#link) {
                this.#watch();
                await transports[kind](link);
            }
        })().catch(link.end);
    }

    close(state) {
        this.#drop();
        this.#set(state);
    }

    /* The network may be another one, or time has passed.  A pause that the
       server asked for is kept. */

    wake(network) {
        if (this.state === 'retry' ? !this.#asked : network && this.#link
            || this.state === 'parked'
            && Date.now() - this.#heard > this.#silence())
        {
            this.open();
        }
    }

    /* True if an update goes with this connection. */

    send(text) {
        const send = this.state === 'parked' && this.#link.send;

        return send && (send(text), true);
    }

    #address(query) {
        const { url, ping, types, mailboxes, collections, events }
            = this.#options;

        return withQuery(url, { types, mailboxes, collections, events, ping,
            device: this.device, 'last-event-id': this.id, ...query });
    }

    #set(state, error) {
        if (this.state !== state) {
            this.state = state;
            this.#on.state(error);
        }
    }

    #drop() {
        const link = this.#link;

        clearTimeout(this.#timer);
        this.#link = undefined;
        link?.stop();
    }

    #silence() {
        const { kind, wait, began } = this.#link;
        const interval = kind === 'poll' ? wait : this.#interval;

        return !began ? BEGIN
            : interval ? 1000 * (interval + this.#options.grace) : NEVER;
    }

    /* Timers are slow in a hidden page, so the time is compared, too. */

    #watch() {
        const link = this.#link;

        clearTimeout(this.#timer);
        this.#heard = Date.now();
        this.#timer = setTimeout(() => this.#silent(link), this.#silence());
    }

    /* Before the first ping, the server's interval may be longer than the one
       that was asked for. */

    #silent(link) {
        link.silent = true;

        if (link.began && !link.pinged) {
            this.#interval = Math.min(2 * this.#interval, 3600);
        }

        link.end();
    }

    #take(message) {
        const link = this.#link;
        const { event, id } = message;

        link.retry = message.retry ?? link.retry;

        if (id && event !== 'superseded') {
            this.id = id;
        }

        if (event === 'parked') {
            link.began ??= Date.now();
            this.#proven = link.kind;
            this.#denied = 0;

        } else if (event === 'ping') {
            link.pinged = true;
            this.#interval = +message.interval || this.#interval;
        }

        this.#watch();

        if (event === 'parked') {
            this.#set('parked');

        } else if (event !== 'superseded') {
            if (event === 'expired') {
                this.#login.drop();
            }

            this.#on.message(message);

        } else if (this.#on.renamed()) {
            link.end();

        } else {
            this.close('superseded');
        }

        if (this.#at && link === this.#link
            && Date.now() - link.began > BETTER)
        {
            this.#at = 0;
            this.open();
        }
    }

    #ended(link, error) {
        const good = Date.now() - link.began > STEADY && !link.silent;
        const status = error?.status;
        const after = error?.after || 0;
        const cause = { status, message: error?.message ?? 'lost' };

        this.#drop();

        if (!link.began) {
            this.#login.forget();
        }

        this.#failures = good ? 0 : this.#failures + 1;

        if (error?.final || status === 401 && (!this.#login.drop()
            || ++this.#denied > MAX_DENIED))
        {
            return this.#set('error', cause);
        }

        /* Another transport, if this one may be the reason.  A server that
           restarts is none. */

        if (!good && !status && link.tried
            && (link.silent || this.#failures > 2
                || !link.began && this.#proven !== link.kind))
        {
            this.#at = (this.#at + 1) % this.#kinds.length;
        }

        this.#asked = link.retry || after;

        const pause = Math.max(link.retry, after + jitter(after / 4),
            backOff(this.#failures));

        this.#timer = setTimeout(() => this.open(), pause);
        this.#set('retry', { ...cause, pause });
    }
}
