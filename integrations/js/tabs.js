/*
 * Owns the sharing of one connection among tabs.  Called by pimap-client.js.
 * Invariant: the tab that holds the lock leads: it has the connection, and
 * tells the other tabs the news.
 */


/* In milliseconds: a leader that has not answered then is frozen. */
const ANSWER = 5000;


export class Tabs {
    leads = false;

    #name;
    #silence;
    #on;
    #channel;
    #release;
    #timer;

    /* "on" has lead(), follow() and heard(note).  The leader tells of its
       pings, so "silence", in milliseconds, is longer than their interval. */

    constructor(name, silence, on) {
        this.#name = `pimap:${name}`;
        this.#silence = silence;
        this.#on = on;
    }

    join() {
        this.#channel = new BroadcastChannel(this.#name);
        this.#channel.onmessage = ({ data }) => this.#hear(data);
        this.#queue();
        this.ask();
    }

    leave() {
        clearTimeout(this.#timer);
        this.leads = false;
        this.#release = this.#release?.();
        this.#channel = this.#channel?.close();
    }

    tell(note) {
        this.#channel?.postMessage(note);
    }

    /* A tab in sight does not wait for a leader that is frozen. */

    ask() {
        if (this.leads || !this.#channel) {
            return;
        }

        this.tell({ hello: true });
        clearTimeout(this.#timer);

        this.#timer = setTimeout(() => {
            if (globalThis.document?.visibilityState === 'visible') {
                this.#queue(true);
            }
        }, ANSWER);
    }

    #hear(note) {
        if (note.state || note.message) {               /* a leader lives */
            clearTimeout(this.#timer);
            this.#timer = setTimeout(() => this.ask(), this.#silence);
        }

        this.#on.heard(note);
    }

    async #queue(steal) {
        const channel = this.#channel;
        const abort = new AbortController();
        let held = false;

        this.#release?.();
        this.#release = () => abort.abort();

        try {
            await navigator.locks.request(this.#name,
                steal ? { steal } : { signal: abort.signal }, () =>
                new Promise((done) => {
                    if (channel !== this.#channel) {
                        return done();
                    }

                    clearTimeout(this.#timer);
                    this.leads = held = true;
                    this.#release = done;
                    this.#on.lead();
                }));

        } catch {
            /* left before its turn, or another tab has stolen the lock */

            if (held && channel === this.#channel) {
                this.leads = false;
                this.#on.follow();
                this.#queue();
            }
        }
    }
}
