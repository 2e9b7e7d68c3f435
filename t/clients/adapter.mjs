/*
 * Owns the adapter of pimap-client for the conformance tests.  Called by
 * t/clients/js_*.t with one argument, options in JSON.  Invariant: the client
 * does the work; here is only the translation.
 */

import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

import { Pimap } from '../../integrations/js/pimap-client.js';

const require = createRequire(import.meta.url);
const options = JSON.parse(process.argv[2]);
const { url, updates, ticket, device, types, mailboxes, collections,
    ping, grace, lastId, transport } = options;
const given = (values) => Object.fromEntries(Object.entries(values)
    .filter(([, value]) => value !== undefined));

/* EventSource gets the events that are named. */
const { events = transport === 'eventsource' ? ['MessageNew', 'MailboxCreate',
    'QuotaExceed', 'X'] : undefined } = options;

let token = options.token;
let renew;

const pimap = new Pimap(url, given({ updates, ticket, device, types, mailboxes,
    collections, events, ping, grace, lastEventId: lastId,
    transports: [transport], token: login,
    ...transport === 'websocket' && { WebSocket: require('ws') },
    ...transport === 'eventsource' && { EventSource: require('eventsource') }
}));

say({ see: 'client', lacks: options.lacks ?? [] });

pimap.addEventListener('parked', ({ id }) => say({ see: 'open',
    id: id || null }));
pimap.addEventListener('retry', () => say({ see: 'closed' }));
pimap.addEventListener('superseded', () => say({ see: 'superseded' }));
pimap.addEventListener('error', ({ data }) => say({ see: 'failed',
    status: data.status, detail: data.detail }));
pimap.addEventListener('expired', ({ data }) => {
    token = undefined;
    say({ see: 'expired', reason: data.reason });
});
pimap.addEventListener('resync', ({ data, id }) => data.reason === 'start'
    || say({ see: 'resync', id, reason: data.reason }));
pimap.addEventListener('*', ({ name, data, id }) =>
    /^(resync|expired)$/.test(name)
        || say({ see: 'event', id: id || null, event: name, data }));

createInterface({ input: process.stdin })
    .on('line', (line) => act(JSON.parse(line)))
    .on('close', () => process.exit());


function act({ do: what, ...given }) {
    if (what === 'close') {
        process.exit();

    } else if (what === 'login') {
        ({ token } = given);
        renew?.(token);

    } else {
        const { id } = given;

        pimap.update({ id, ...given.update }).then(
            (result) => say({ see: 'result', update: id, result }),
            ({ message }) => say({ see: 'refused', update: id,
                detail: message }));
    }
}


/* The client asks for a token at its start, and when the last has ended. */

function login() {
    const first = token;

    if (first) {
        token = undefined;
        return first;
    }

    say({ see: 'login' });

    return new Promise((done) => { renew = done; });
}


function say(line) {
    process.stdout.write(`${JSON.stringify(line)}\n`);
}
