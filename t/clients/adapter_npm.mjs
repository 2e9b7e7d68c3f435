/*
 * Owns the adapter of packages of npm that read Server-Sent Events, used as
 * their own pages show: nothing is done at "superseded", and nothing to come
 * back.  Called by t/clients/npm_*.t with one argument, options in JSON, of
 * which "package" names the package.
 */

import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const require = createRequire(import.meta.url);
const npm = (name) => require(`../../build/npm/node_modules/${name}`);
const options = JSON.parse(process.argv[2]);
const { package: name, ping, grace } = options;

const names = ['parked', 'resync', 'superseded', 'expired', 'message',
    'MessageNew', 'MailboxCreate', 'QuotaExceed', 'X'];

/* Some of these look for a browser. */
globalThis.window = globalThis;
globalThis.document = new EventTarget();
globalThis.addEventListener = () => {};

const EventSources = {
    eventsource: () => require('eventsource'),
    undici: () => npm('undici').EventSource,
    'extended-eventsource': () => npm('extended-eventsource').EventSource,

    'event-source-polyfill': () => class extends
        npm('event-source-polyfill').EventSourcePolyfill {
        constructor(address) {
            super(address, { heartbeatTimeout: 1000 * (ping + grace || 45) });
        }
    },

    'reconnecting-eventsource': () => class extends
        npm('reconnecting-eventsource').default {
        constructor(address) {
            super(address, { eventSourceClass: require('eventsource') });
        }
    },
};

let gone = false;

say({ see: 'client', lacks: options.lacks });

if (name === 'fetch-event-source') {
    const { fetchEventSource } = npm('@microsoft/fetch-event-source');

    fetchEventSource(address(), { openWhenHidden: true, fetch,
        onmessage: ({ event, id, data }) => names.includes(event || 'message')
            && got(event || 'message', id, data),
        onclose: () => { throw new Error('closed'); },
        onerror: () => lost(false) });

} else {
    const source = new (EventSources[name]())(address());

    for (const event of names) {
        source.addEventListener(event, ({ lastEventId, data }) =>
            got(event, lastEventId, data));
    }

    source.onerror = () => lost(source.readyState === 2);
}

createInterface({ input: process.stdin })
    .on('line', (line) => JSON.parse(line).do === 'close' && process.exit())
    .on('close', () => process.exit());


function address() {
    const lists = ['types', 'mailboxes', 'collections', 'events']
        .filter((list) => options[list])
        .map((list) => `&${list}=${options[list].map(encodeURIComponent)}`);

    return `${options.url}?${new URLSearchParams({ device: options.device,
        access_token: options.token, ...ping && { ping },
        ...options.lastId && { 'last-event-id': options.lastId } })}`
        + lists.join('');
}


/* As a page that has no branch for what it does not know. */

function got(event, id, text) {
    const data = JSON.parse(text);

    if (event === 'parked') {
        say({ see: 'open', id: id || null });

    } else if (event === 'superseded') {
        gone = true;
        say({ see: 'superseded' });

    } else if (event === 'resync' || event === 'expired') {
        say({ see: event, id, reason: data.reason });

    } else {
        say({ see: 'event', event, id: id || null, data });
    }
}


function lost(final) {
    if (!gone) {
        say(final ? { see: 'failed' } : { see: 'closed' });
    }
}


function say(line) {
    process.stdout.write(`${JSON.stringify(line)}\n`);
}
