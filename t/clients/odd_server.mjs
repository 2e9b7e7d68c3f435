/*
 * Owns a server in the same program for pimap-client, with the answers that a
 * test has chosen.  Called by t/clients/hostile.mjs.  Invariant: timers of the
 * client run 20 times as fast.
 */

import { Pimap } from '../../integrations/js/pimap-client.js';

export const FAST = 20;
const later = globalThis.setTimeout;
export const sleep = (ms) => new Promise((done) => later(done, ms));

/* The longest time that a client waits for, in ms of its own */
export const timers = { longest: 0 };

globalThis.setTimeout = (act, ms, ...given) => {
    timers.longest = Math.max(timers.longest, ms ?? 0);
    return later(act, ms > 2 ** 31 - 1 ? 1 : ms / FAST, ...given);
};

AbortSignal.timeout = (ms) => {
    const abort = new AbortController();

    later(() => abort.abort(new DOMException('late', 'TimeoutError')),
        ms / FAST).unref();
    return abort.signal;
};

export const bytes = (text) => new TextEncoder().encode(text);
export const parked = '{"id":"1-1","event":"parked","retry":100}\n';
export const good = '{"id":"1-2","event":"Good"}\n';

/* A response that stays open after these parts, or ends */

export const stream = (parts, { open = true } = {}) => new Response(
    new ReadableStream({
        start(controller) {
            parts.forEach((part) => controller.enqueue(bytes(part)));
            open || controller.close();
        } }));

/* Each request gets the next answer, and the last one again and again. */

export function client(answers, options = {}) {
    const requests = [];
    const pimap = new Pimap('http://x/events', { transports: ['stream'],
        fetch: async (url, given) => {
            requests.push({ url: String(url), given });

            const post = given.method === 'POST';
            const list = post ? options.posts : answers;
            const answer = list.length > 1 ? list.shift() : list[0];

            given.signal?.throwIfAborted();
            return answer instanceof Function ? answer(given) : answer;
        }, ...options });
    const seen = [];

    pimap.addEventListener('*', ({ name }) => seen.push(name));
    return { pimap, requests, seen };
}

export async function until(check, ms = 8000) {
    for (const end = Date.now() + ms; !check() && Date.now() < end;) {
        await sleep(5);
    }

    return !!check();
}

export const hang = ({ signal }) => new Promise((_, reject) => signal
    .addEventListener('abort', () => reject(signal.reason)));
export const refuse = (status, headers) => () => new Response('{}',
    { status, headers });
export const has = ({ seen }) => until(() => seen.includes('Good'));
