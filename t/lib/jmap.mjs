// A JMAP client of npm's jmap-jam, as it is: alice's.  Called by
// t/backends/jmap_cyrus.t.  Arguments: the URL of the session, the library,
// and types.  It prints lines of JSON: the account and its mail at the start,
// each StateChange, and the mail that has changed for it.

import { createRequire } from 'node:module';

const [url, library, ...types] = process.argv.slice(2);
const { default: JamClient } = await import(library);
const login = `Basic ${Buffer.from('alice:secret').toString('base64')}`;

// Node has no EventSource that is switched on, and one in a browser logs in
// as the page did.
const Base = createRequire(import.meta.url)('eventsource');

globalThis.EventSource = class extends Base {
    constructor(address) {
        super(String(address), { headers: { Authorization: login } });
    }
};

// The library knows tokens only, so the login is set afterwards.
const jam = new JamClient({ sessionUrl: 'data:application/json,{}',
    bearerToken: '' });

jam.authHeader = login;
jam.session = JamClient.loadSession(url, login);

const say = line => console.log(JSON.stringify(line));
const accountId = await jam.getPrimaryAccount();
const [{ ids }] = await jam.api.Email.query({ accountId });
const [first] = await jam.api.Email.get({ accountId, ids,
    properties: ['subject'] });
let { state } = first;

const source = await jam.connectEventSource({ types: types.length ? types
    : '*', ping: 30 });

source.addEventListener('open', () => say({ open: accountId,
    subjects: first.list.map(mail => mail.subject).sort() }));
source.addEventListener('error', ({ status }) => say({ error: status }));

for (const other of ['message', 'MessageNew', 'FlagsSet', 'MailboxCreate'])
    source.addEventListener(other, ({ data }) => say({ other, data }));

source.addEventListener('state', async ({ data }) => {
    const { changed } = JSON.parse(data);

    say({ changed });

    if (!changed[accountId]?.Email || changed[accountId].Email === state)
        return;

    const [changes] = await jam.api.Email.changes({ accountId,
        sinceState: state });
    const [mails] = await jam.api.Email.get({ accountId,
        ids: [...changes.created, ...changes.updated],
        properties: ['subject', 'keywords'] });

    state = changes.newState;
    say({ created: changes.created.length, updated: changes.updated.length,
        destroyed: changes.destroyed.length,
        subjects: mails.list.map(mail => mail.subject).sort(),
        seen: mails.list.filter(mail => mail.keywords.$seen).length });
});
