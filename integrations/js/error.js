/*
 * Owns the errors of the client.  Called by all files.  Invariant: an error of
 * an answer has its status; its detail is the server's.
 */

/* In milliseconds: a timer takes no longer time than 24 days. */
const DAY = 86_400_000;


export class PimapError extends Error {
    name = 'PimapError';

    /* "given" has status, detail, "after" of Retry-After in milliseconds, and
       "final", which is true if the same request gets the same answer. */

    constructor(message, given) {
        super(message);
        Object.assign(this, { detail: message,
            final: /^4(?!01|08|25|29)/.test(given?.status) }, given);
    }
}


/* Retry-After is a number of seconds or a date. */

export async function refused(answer) {
    const { status, headers } = answer;
    const { detail } = await answer.json().catch(() => ({}));
    const after = headers.get('Retry-After');
    const time = after * 1000 || Date.parse(after) - Date.now();

    return new PimapError(detail ?? `HTTP ${status}`, { status,
        after: time > 0 ? Math.min(time, DAY)
            : status === 429 ? 120_000 : 0 });
}


/* Half of it to one and a half, so that many don't come back together. */

export const jitter = (time) => time * (0.5 + Math.random());

/* One second after the first failure, then two, up to five minutes. */

export const backOff = (failures) =>
    jitter(Math.min(300_000, 500 * 2 ** failures));
