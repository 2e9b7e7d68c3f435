/*
 * Owns requests by fetch(), and their addresses.  Called by login.js,
 * transports.js, updates.js and connection.js.  Invariant: an answer that is a
 * refusal is an error.
 */

import { refused } from './error.js';


export async function request({ fetch, credentials }, address, given) {
    const answer = await fetch(address, { credentials, cache: 'no-store',
        ...given });

    if (!answer.ok) {
        throw await refused(answer);
    }

    return answer;
}


/* The object of an answer that comes soon: without it the request ends. */

export const ask = async (options, address, given) =>
    (await request(options, address, { signal: AbortSignal.timeout(60_000),
        ...given })).json();


/* The address with these parameters; those without a value are left out. */

export const withQuery = (url, query) =>
    Object.entries(query).reduce((address, [name, value]) =>
        value === undefined || value === '' ? address : address
            + (address.includes('?') ? '&' : '?') + name + '='
            + [value].flat().map(encodeURIComponent).join(','), url);
