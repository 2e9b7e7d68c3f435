/*
 * Owns the token and the ticket of a client.  Called by pimap-client.js and
 * updates.js.  Invariant: a token travels in a header, a ticket in the query.
 */

import { ask } from './request.js';


/* A ticket that ends within this time, in ms, is not used again. */
const LEEWAY = 5000;

/* The ways to park that can send headers */
const HEADERS = /stream|poll/;


export class Login {
    #options;
    #token;                     /* a promise of it */
    #ticket = {};

    /* The options token, ticket, headers, credentials and fetch */

    constructor(options) {
        this.#options = options;
    }

    /* True if this way to park can log in. */

    fits(kind) {
        const { token, headers, ticket } = this.#options;

        return HEADERS.test(kind) || ticket || !token && !headers;
    }

    /* The login has ended.  False: there is no way to another one. */

    drop() {
        this.#token = undefined;
        this.forget();

        return this.#options.ticket || this.#options.token?.call;
    }

    /* A ticket may be of a server that is gone. */

    forget() {
        this.#ticket = {};
    }

    /* The events and an update may ask at the same time: for one token. */

    async headers() {
        const { token, headers } = this.#options;
        const asked = this.#token ??= (async () => token?.call ? token()
            : token)().catch((error) => {
            this.#token = undefined;
            throw error;
        });
        const got = await asked;

        return { ...headers, ...got && { Authorization: `Bearer ${got}` } };
    }

    /* The parameters of a query that a way to park needs. */

    async query(kind) {
        const { token, ticket } = this.#options;

        if (!ticket || token && HEADERS.test(kind)) {
            return {};
        }

        if (!(this.#ticket.expires * 1000 - LEEWAY > Date.now())) {
            const got = await (ticket.call ? ticket() : ask(this.#options,
                ticket, { headers: await this.headers() }));

            this.#ticket = got.ticket ? got : { ticket: got };
        }

        return { ticket: this.#ticket.ticket };
    }
}
