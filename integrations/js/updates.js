/*
 * Owns the updates that have no result yet.  Called by pimap-client.js.
 * Invariant: an update keeps its id and its device, so that the server carries
 * it out once, however often it is sent.
 */

import { backOff, PimapError } from './error.js';
import { ask, withQuery } from './request.js';


const MAX_PENDING = 1000;

/* In seconds: how long a request waits for a result that comes no other way */
const PREFER = 'wait=20';


export class Updates {
    #options;
    #login;
    #on;
    #pending = new Map();       /* in the order of update() */
    #busy = false;
    #wake;                      /* ends a pause, if there is one */

    /* "on" has send(entry): true if a connection takes it; device(). */

    constructor(options, login, on) {
        this.#options = options;
        this.#login = login;
        this.#on = on;
    }

    /* A promise of the result */

    async add(given) {
        const { id = randomId() } = given;
        const entry = this.#pending.get(id) ?? { id, failures: 0, denied: 0,
            device: this.#on.device(),
            text: JSON.stringify({ ...given, id }) };

        entry.result ??= new Promise((resolve) => {
            entry.resolve = resolve;
        });

        this.#pending.set(id, entry);

        if (this.#pending.size > MAX_PENDING) {
            this.#settle(entry, new PimapError('too many updates'));
        }

        this.#run();

        return entry.result;
    }

    /* An answer or a result among the events */

    hear({ event, id, update, ...result }) {
        const entry = this.#pending.get(update);

        if (!entry) {
            return;
        }

        if (event === 'UpdateResult') {
            this.#settle(entry, { update, ...result });

        } else if (event === 'accepted') {
            entry.accepted = true;

        } else if (event === 'refused') {
            this.#settle(entry, new PimapError(result.detail, result));

        } else if (event === 'unknown') {
            setTimeout(() => this.again(), backOff(++entry.failures));
        }
    }

    /* After a break: what was not accepted.  All: its result may be lost. */

    again(all) {
        for (const entry of this.#pending.values()) {
            entry.sent &&= entry.accepted && !all;
        }

        this.#wake?.();
        this.#run();
    }

    fail(error) {
        this.#pending.forEach((entry) => this.#settle(entry, error));
        this.#wake?.(true);
    }

    #settle(entry, result) {
        this.#pending.delete(entry.id);

        entry.resolve(result instanceof Error ? Promise.reject(result)
            : result);
    }

    /* One after another, because their order may matter. */

    async #run() {
        if (this.#busy) {
            return;
        }

        this.#busy = true;

        for (const entry of this.#pending.values()) {
            while (!entry.sent && this.#pending.has(entry.id)) {
                entry.sent = true;

                if (this.#options.updates) {
                    await this.#post(entry);

                } else if (!this.#on.send(entry)) {
                    entry.sent = false;             /* until it is parked */
                    break;
                }
            }
        }

        this.#busy = false;
    }

    async #post(entry) {
        const { device, text } = entry;
        const lost = device !== this.#on.device();

        try {
            const headers = { 'Content-Type': 'application/json',
                ...lost && { Prefer: PREFER },
                ...await this.#login.headers() };
            const { updates: [result] } = await ask(this.#options,
                withQuery(this.#options.updates, { device }),
                { method: 'POST', body: text, headers });

            entry.failures = entry.denied = 0;
            this.hear({ ...result, event: result.event ?? result.status });
            entry.sent = !lost;

        } catch (error) {
            if (error?.final || error?.status === 401
                && (!this.#login.drop() || ++entry.denied > 2))
            {
                this.#settle(entry, error);

            } else {
                await this.#pause(error?.after || 0,
                    backOff(++entry.failures));
                entry.sent = false;
            }
        }
    }

    /* It ends when the client is parked again, unless the server has asked
       for it, and when it is closed. */

    #pause(asked, time) {
        return new Promise((done) => {
            const timer = setTimeout(done, asked + time);

            this.#wake = (closed) => (closed || !asked)
                && done(clearTimeout(timer));
        });
    }
}

export const randomId = () => '....'.replace(/./g, () =>
    Math.random().toString(36).slice(2, 8));
