/*
 * Owns the answers of an odd server to pimap-client, and of a page that is odd
 * itself.  Called by t/clients/js_hostile.t.  Invariant: each case is a line,
 * its name and what came of it.
 */

import { bytes, client, FAST, good, hang, has, parked, refuse, sleep, stream,
    timers, until } from './odd_server.mjs';

let rejections = 0;

process.on('unhandledRejection', () => rejections++);


/* After one odd answer a client comes back, and has the next event. */

const odd = {
    html: () => stream(['<html>\n<body>\n'], { open: false }),
    malformed: () => stream([parked, '{"event":\n']),
    'two objects': () => stream([parked, '{"event":"A"}{"event":"B"}\n']),
    null: () => stream([parked, 'null\n']),
    array: () => stream([parked, '[1]\n']),
    'empty line': () => stream([parked, '\n']),
    'no line end': () => stream([parked, 'x'.repeat(5 << 20)]),
    'no body': () => new Response(null, { status: 204 }),
    'bad ping': () => stream([parked, '{"event":"ping","interval":"x"}\n']),
    'no answer': () => { throw new TypeError('fetch failed'); },
    busy: refuse(503, { 'Retry-After': '1' }),
    'odd Retry-After': refuse(503, { 'Retry-After': 'soon' }),
};

const cases = {};

for (const [name, answer] of Object.entries(odd)) {
    cases[name] = async () => {
        const one = client([answer, () => stream([parked, good])],
            { ping: 2, grace: 2 });

        return [await has(one) && one.requests.length === 2, one];
    };
}

Object.assign(cases, {
    async 'half a character'() {
        const whole = bytes('{"event":"Good","text":"\u{1f4ec}ü"}\n');
        const one = client([() => new Response(new ReadableStream({
            async start(controller) {
                controller.enqueue(bytes(parked));
                for (const byte of whole) {
                    await sleep(1);
                    controller.enqueue(Uint8Array.of(byte));
                }
            } }))]);
        let text;

        one.pimap.addEventListener('Good', ({ data }) => ({ text } = data));
        await has(one);
        return [text === '\u{1f4ec}ü', one];
    },

    async 'a time that no timer has'() {
        const one = client([refuse(503, { 'Retry-After': '9999999999' })]);

        await until(() => one.pimap.state === 'retry');
        await sleep(300);
        return [one.requests.length === 1, one];
    },

    async 'dropped at once'() {
        const one = client([() => stream([parked], { open: false })]);

        await sleep(60_000 / FAST);         /* 1, 2, 4, 8 … seconds */
        return [one.requests.length > 3 && one.requests.length < 12, one];
    },

    async 'polls answered at once'() {
        const one = client([() => new Response(null, { status: 204,
            headers: { 'Pimap-Last-Event-ID': '1-1' } })],
            { transports: ['poll'] });

        await sleep(60_000 / FAST);
        return [one.requests.length > 3 && one.requests.length < 30, one];
    },

    async 'a token, asked for twice'() {
        let calls = 0;
        const one = client([() => stream([parked, good])], {
            token: async () => (calls++, await sleep(50), 'T'),
            updates: 'http://x/updates', posts: [() => new Response(
                '{"updates":[{"event":"UpdateResult","update":"u"}]}')] });

        await Promise.all([has(one), one.pimap.update({ id: 'u' })]);
        return [calls === 1 && one.requests.length === 2
            && one.requests.every(({ given }) =>
                given.headers.Authorization === 'Bearer T'), one];
    },

    async 'a user who types the password'() {
        let calls = 0;
        const one = client([() => stream([parked, good])], {
            token: () => (calls++, sleep(60_000 / FAST)) });

        return [await has(one) && calls === 1, one];
    },

    async 'a token function that rejects'() {
        const reasons = [undefined, 'text', Object.freeze(new Error('x'))];
        const one = client([() => stream([parked, good])], {
            transports: ['stream', 'poll'],
            token: () => reasons.length
                ? Promise.reject(reasons.shift()) : 'T' });

        return [await has(one) && one.pimap.transport === 'stream', one];
    },

    /* The tab that leads tells it the others. */

    async 'an error that cannot be copied'() {
        const locks = { request: (name, given, act) => act() };

        Object.defineProperty(globalThis, 'navigator', { value: { locks },
            configurable: true });
        const error = Object.assign(new Error('x'), { retry() {} });
        let calls = 0;
        const one = client([() => stream([parked, good])], { share: 'alice',
            token: () => calls++ ? 'T' : Promise.reject(error) });
        const well = await until(() => one.pimap.state === 'retry')
            && await has(one);

        delete globalThis.navigator;
        return [well, one];
    },

    async 'a server that restarts'() {
        const failed = () => { throw new TypeError('fetch failed'); };
        const one = client([() => stream([parked], { open: false }), failed,
            () => stream([parked, good])], { transports: ['stream', 'poll'] });

        return [await has(one) && one.pimap.transport === 'stream', one];
    },
});

Object.assign(cases, {
    async 'an update without an answer'() {
        const one = client([() => stream([parked])], {
            updates: 'http://x/updates', posts: [hang, () => new Response(
                '{"updates":[{"event":"UpdateResult","update":"u"}]}')] });
        const { update } = await one.pimap.update({ id: 'u' });

        return [update === 'u', one];
    },

    async 'an update whose pause is long'() {
        const failed = () => { throw new TypeError('fetch failed'); };
        const answer = () => new Response(
            '{"updates":[{"event":"UpdateResult","update":"u"}]}');
        let away = true;
        const one = client([() => away ? failed() : stream([parked])], {
            updates: 'http://x/updates',
            posts: [() => away ? failed() : answer()] });
        const result = one.pimap.update({ id: 'u' });

        await until(() => one.requests.filter(({ given }) =>
            given.method === 'POST').length > 6, 20_000);
        away = false;
        one.pimap.open();
        return [await Promise.race([result.then(() => true),
            sleep(300)]) === true, one];
    },

    async 'an update of a client that is closed'() {
        const one = client([() => stream([parked])], {
            updates: 'http://x/updates', posts: [hang] });

        one.pimap.close();
        return [await one.pimap.update({ id: 'u' }).catch(
            ({ name, message }) => `${name} ${message}`)
            === 'PimapError closed', one];
    },

    async 'closed by a listener'() {
        const one = client([() => stream([parked, good])]);

        one.pimap.addEventListener('parked', () => one.pimap.close());
        await sleep(200);
        return [one.pimap.state === 'closed' && !one.seen.length, one];
    },

    async 'a storage that is full'() {
        globalThis.sessionStorage = Object.freeze({});
        const one = client([() => stream([parked, good])]);

        delete globalThis.sessionStorage;
        return [await has(one) && one.pimap.device.length > 8, one];
    },

    async 'memory of 100,000 events'() {
        const one = client([() => new Response(new ReadableStream({
            async pull(controller) {
                for (let i = 0; i < 1000; i++) {
                    controller.enqueue(bytes(`{"id":"1-${++n}",`
                        + '"event":"MessageNew","uid":1}\n'));
                }

                await sleep(0);
                n >= 200_000 && controller.close();
            } }))]);
        let n = 0;
        let count = 0;
        let first;

        one.pimap.addEventListener('MessageNew', () => {
            if (++count === 100_000) {
                globalThis.gc();
                first = process.memoryUsage().heapUsed;
            }
        });
        one.seen.push = () => {};
        await until(() => count === 200_000, 60_000);
        globalThis.gc();
        return [process.memoryUsage().heapUsed - first < 1 << 20, one];
    },
});

for (const [name, run] of Object.entries(cases)) {
    const [well, { pimap, requests, seen }] = await run();

    pimap.close();
    console.log(`${name}: ${well ? 'well' : `${pimap.state} ${requests.length}`
        + ` requests, ${seen.slice(0, 9)}`}`);
}

console.log(`timers: ${timers.longest < 2 ** 31 ? 'well'
    : timers.longest}`);
console.log(`rejections: ${rejections || 'well'}`);
console.log('end: well');                       /* no timer keeps it alive */
