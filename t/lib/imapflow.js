// For t/lib/Pimap/ImapFlow.pm: a line of input is a method of imapflow and its
// arguments; a line of output what it has given, or what it is told.

'use strict';

const { ImapFlow } = require('imapflow');
const client = new ImapFlow({ host: '127.0.0.1', port: +process.argv[2],
    secure: false, auth: { user: 'alice', pass: 'secret' }, logger: false });
const plain = (key, value) => value instanceof Set ? [...value]
    : value instanceof Map ? Object.fromEntries(value)
    : typeof value === 'bigint' ? Number(value) : value;
const say = what => console.log(JSON.stringify(what, plain));

for (const told of ['exists', 'expunge', 'flags', 'error'])
    client.on(told, what => say({ told, ...what }));

let queue = Promise.resolve();

require('readline').createInterface({ input: process.stdin })
    .on('line', line => { queue = queue.then(async () => {
        const [method, ...args] = JSON.parse(line);

        if (method === 'idle') {
            client.idle();
            return true;
        }
        return client[method](...args);
    }).then(result => say({ result: result ?? null }),
        error => say({ error: error.message })); });
