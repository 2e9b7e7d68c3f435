/*
 * Owns the updates that have no result yet.  Called by pimap-client.js.
 * Invariant: an update keeps its id and its device, so that the server carries
 * it out once, however often it is sent.
 */

import { backOff, PimapError, refused } from './error.js';


const MAX_PENDING = 1000;

/* In seconds: how long a request waits for a result that comes no other way */
const WAIT = 20;


export class Updates {
    #options;
    #login;
    #on;
    #pending = new Map();       /* in the order of update() */
    #busy = false;

    /* "on" has send(entry): true if a connection takes it; device(). */

    constructor(options, login, on) {
        this.#options = options;
        this.#login = login;
        this.#on = on;
    }

    /* A promise of the result */

    async add(given) {
        const { id = randomId() } = given;
        const update = { id, ...given };
        const entry = this.#pending.get(id) ?? { id, failures: 0, denied: 0,
            device: this.#on.device(), update, text: JSON.stringify(update) };

        entry.result ??= new Promise((resolve, reject) =>
            Object.assign(entry, { resolve, reject }));

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

        this.#run();
    }

    fail(error) {
        this.#pending.forEach((entry) => this.#settle(entry, error));
    }

    #settle(entry, result) {
        this.#pending.delete(entry.id);

        if (result instanceof Error) {
            entry.reject(result);
        } else {
            entry.resolve(result);
        }
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
        const { updates, fetch, credentials } = this.#options;
        const lost = entry.device !== this.#on.device();

        try {
            const answer = await fetch(updates + (updates.includes('?') ? '&'
                : '?') + `device=${encodeURIComponent(entry.device)}`, {
                method: 'POST', credentials, body: entry.text,
                headers: { 'Content-Type': 'application/json',
                    ...lost && { Prefer: `wait=${WAIT}` },
                    ...await this.#login.headers() } });

            if (!answer.ok) {
                throw await refused(answer);
            }

            const [result] = (await answer.json()).updates;

            entry.failures = entry.denied = 0;
            this.hear({ ...result, event: result.event ?? result.status });
            entry.sent = !lost;

        } catch (error) {
            if (error.final || error.status === 401
                && (!this.#login.drop() || ++entry.denied > 2))
            {
                this.#settle(entry, error);

            } else {
                await pause((error.after ?? 0) + backOff(++entry.failures));
                entry.sent = false;
            }
        }
    }
}


const pause = (time) => new Promise((done) => setTimeout(done, time));

export const randomId = () => Array.from({ length: 4 }, () =>
    Math.random().toString(36).slice(2, 8)).join('');
