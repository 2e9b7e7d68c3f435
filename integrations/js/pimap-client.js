/*
 * Owns a client of ngx_pimap_module: events come in, updates go out.  Called
 * by the page or program.  Invariant: each event is dispatched once, in the
 * order of the log; what may be missing is a "resync".
 */

import { Connection } from './connection.js';
import { PimapError } from './error.js';
import { Login } from './login.js';
import { watchPage } from './page.js';
import { Tabs } from './tabs.js';
import { randomId, Updates } from './updates.js';

export { PimapError };


export class PimapEvent extends Event {
    constructor(type, name, data, id = '') {
        super(type);
        Object.assign(this, { name, data, id });
    }
}


export class Pimap extends EventTarget {
    state = 'connecting';
    transport;
    device;
    lastEventId;

    #connection;
    #updates;
    #tabs;
    #unwatch;                   /* of the page, while it is watched */
    #hidden;
    #own;                       /* where a name of ours is stored, or none */

    constructor(url, options = {}) {
        super();

        const { WebSocket, EventSource } = globalThis;
        const all = { ping: 45, grace: 30, WebSocket, EventSource,
            fetch: (...request) => fetch(...request),
            transports: ['websocket', 'stream', 'eventsource', 'poll'],
            ...options, url: absolute(url),
            credentials: options.withCredentials ? 'include' : 'same-origin' };

        all.updates &&= absolute(all.updates);

        const login = new Login(all);

        this.#connection = new Connection(all, login, {
            message: (message) => this.#tell({ message }),
            state: (error) => this.#tell(this.#note(error)),
            renamed: () => this.#rename() });

        this.#updates = new Updates(all, login, {
            device: () => this.device,
            send: (entry) => this.#send(entry) });

        if (all.share && globalThis.navigator?.locks) {
            this.#tabs = new Tabs(all.share, 1000 * (all.ping + all.grace), {
                lead: () => this.#connect(),
                follow: () => this.#connection.close('connecting'),
                heard: (note) => this.#hear(note) });
        }

        this.#own = !all.device && [this.#tabs ? 'localStorage'
            : 'sessionStorage', `pimap:${all.share ?? ''}`];
        this.device = all.device ?? stored(...this.#own);
        this.lastEventId = all.lastEventId ?? '';

        this.#hidden = all.hidden;

        queueMicrotask(() => this.state === 'connecting' && this.open());
    }

    /* Also after "superseded", "error" and close() */

    open() {
        this.#unwatch ??= watchPage(this.#hidden, {
            wake: (network) => this.#wake(network),
            sleep: () => this.#sleep('sleeping') });

        if (!this.#tabs || this.#tabs.leads) {
            this.#connect();

        } else {
            this.#tabs.leave();
            this.#show({ state: 'connecting' });
            this.#tabs.join();
            this.#tabs.tell({ open: true });
        }
    }

    close() {
        this.#sleep('closed');
        this.#unwatch = this.#unwatch?.();
        this.#updates.fail(new PimapError('closed'));
    }

    async update(update) {
        if (/closed|error|superseded/.test(this.state)) {
            throw new PimapError(this.state);
        }

        return this.#updates.add(update);
    }

    #connect() {
        this.#connection.id = this.lastEventId;
        this.#connection.device = this.device;
        this.#connection.open();
    }

    #wake(network) {
        if (this.state === 'sleeping') {
            this.open();

        } else if (this.#tabs && !this.#tabs.leads) {
            this.#tabs.ask();

        } else {
            this.#connection.wake(network);
        }
    }

    /* A page that was superseded must not come back when it is in sight. */

    #sleep(state) {
        this.#tabs?.leave();

        if (state === 'closed' || !/closed|error|superseded/.test(this.state))
        {
            this.#connection.close(state);
            this.#show({ state });
        }
    }

    /* A copy of this tab has the same name. */

    #rename() {
        return this.#own && (this.device = this.#connection.device
            = stored(...this.#own, true));
    }

    /* True if a connection, of this tab or of the leader, takes an update. */

    #send({ device, text }) {
        if (this.#tabs && !this.#tabs.leads) {
            this.#tabs.tell({ update: JSON.parse(text) });
            return true;
        }

        return device === this.device
            && this.#connection.send(text);
    }

    #note(error) {
        const { state, transport, id, device } = this.#connection;

        return { state, transport, id, device, error };
    }

    /* News of this tab's own connection, for all tabs */

    #tell(note) {
        if (this.#tabs?.leads) {
            this.#tabs.tell(note);
        }

        this.#show(note);
    }

    /* News of another tab */

    #hear(note) {
        if (!this.#tabs.leads) {
            this.#show(note);

        } else if (note.hello) {
            this.#tabs.tell(this.#note());

        } else if (note.open) {
            /error|superseded/.test(this.state) && this.#connect();

        } else if (note.update) {
            const tell = (answer) => this.#tabs.tell({ answer: { ...answer,
                update: note.update.id } });

            this.update(note.update).then(
                (result) => tell({ ...result, event: 'UpdateResult' }),
                (error) => tell({ ...error, event: 'refused' }));
        }
    }

    #show({ state, message, answer, error, id, ...rest }) {
        if (answer) {
            this.#updates.hear(answer);

        } else if (message) {
            this.#dispatch(message);

        } else if (state && state !== this.state) {
            Object.assign(this, { ...rest, state });
            this.#changed(id, error);
        }
    }

    #changed(id, error) {
        if (this.state === 'parked') {
            const reason = !this.lastEventId ? 'start'
                : this.#later(id) && 'missed';

            this.#event('parked', { transport: this.transport }, id);

            if (reason && this.state === 'parked') {    /* not closed */
                this.#dispatch({ event: 'resync', reason, id });
            }

            this.#updates.again();

        } else if (/retry|error|superseded/.test(this.state)) {
            const cause = new PimapError(error?.message ?? this.state, error);

            this.#event(this.state, cause);

            if (this.state !== 'retry') {
                this.#updates.fail(cause);
            }
        }
    }

    /* An id comes after the last one, or is one of another log.  A tab that
       has begun to lead may repeat what the one before has told. */

    #later(id) {
        const [, log, n] = place(id);
        const [, last, m] = place(this.lastEventId);

        return id && (log !== last || +n > +m);
    }

    #dispatch(message) {
        const { id, event } = message;

        if (id && event !== 'resync' && !this.#later(id)) {
            return;
        }

        this.lastEventId = id || this.lastEventId;
        this.#updates.hear(message);

        if (event === 'resync') {
            this.#updates.again(true);
        }

        if (!/^(ping|position|retry|accepted|refused|unknown)$/.test(event)) {
            const data = content(message);

            this.#event(event, data, id);
            this.#event('*', data, id, event);
        }
    }

    #event(type, data, id, name = type) {
        this.dispatchEvent(new PimapEvent(type, name, data, id));
    }
}


function absolute(url) {
    return new URL(url, globalThis.location).href;
}


const place = (id = '') => /^(.*?)-?(\d*)$/.exec(id);


/* The publisher's object: the server puts the log's id in front of it, or puts
   it into "data" if it has an id itself. */

function content({ id, ...object }) {
    const { event, data } = object;
    const jmap = event === 'state' || event === 'calendarAlert';

    if (data?.id !== undefined
        && (data.event === event || jmap && data['@type']))
    {
        return data;
    }

    if (jmap) {
        delete object.event;
    }

    return object;
}


/* A tab keeps the name of its device over a reload. */

function stored(storage, key, anew) {
    const name = randomId();

    try {
        const names = globalThis[storage];

        return !anew && names[key] || (names[key] = name);
    } catch {               /* there is none, it is full or forbidden */
        return name;
    }
}
