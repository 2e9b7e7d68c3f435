import { Pimap } from './pimap-client/pimap-client.js';

/*
 * Receives events with pimap-client and shows them.  Everything from outside
 * is set as text, never as markup.
 */

const MAX_SHOWN = 200;

const params = new URLSearchParams(location.search);
const account = loggedIn() || params.get('account') || 'alice';

let opened = 0;
let shown = 0;


/* The known events, each with its title and its text. */

const EVENTS = {
    MessageNew: mail,
    MessageAppend: mail,
    MessageRead: (e) => [`${messages(e)} read`],
    MessageTrash: (e) => [`${messages(e)} marked as deleted`],
    MessageExpunge: (e) => [`${messages(e)} removed`],
    MessageExpire: (e) => [`${messages(e)} expired`],

    FlagsSet: (e) => [`${messages(e)}: flags set`, flags(e)],
    FlagsClear: (e) => [`${messages(e)}: flags cleared`, flags(e)],

    MailboxCreate: (e) => [`Mailbox ${e.mailbox} created`],
    MailboxDelete: (e) => [`Mailbox ${e.mailbox} deleted`],
    MailboxRename: (e) => [`Mailbox ${e.oldMailbox} is now ${e.mailbox}`],
    MailboxSubscribe: (e) => [`Mailbox ${e.mailbox} subscribed`],
    MailboxUnSubscribe: (e) => [`Mailbox ${e.mailbox} unsubscribed`],
    MailboxResync: (e) => [`${e.mailbox ? `Mailbox ${e.mailbox}`
        : 'All mailboxes'} must be read again`],

    QuotaExceed: () => ['Over quota'],
    QuotaWithin: () => ['Within quota again'],
    QuotaChange: () => ['Quota changed'],

    ContactChange: (e) => [`Contacts: ${changes(e)}`, e.collection],
    CalendarChange: (e) => [`Calendar: ${changes(e)}`, e.collection],

    AddressBookCreate: (e) => [`Address book ${e.name} created`],
    AddressBookUpdate: (e) => [`Address book ${e.name} changed`],
    AddressBookDelete: (e) => [`Address book ${e.name} deleted`],
    CalendarCreate: (e) => [`Calendar ${e.name} created`],
    CalendarUpdate: (e) => [`Calendar ${e.name} changed`],
    CalendarDelete: (e) => [`Calendar ${e.name} deleted`],

    state: (e) => ['State changed', stateTypes(e)],
    calendarAlert: () => ['Calendar alert'],
    resync: () => ['Events were missed: everything must be read again'],
    UpdateResult: () => ['Result of an update'],
    message: () => ['Event without a name'],
};

/* Each page has a device of its own, so that another page can take over. */

function connect() {
    const url = `pimap/events?${new URLSearchParams({ account })}`;
    const pimap = new Pimap(url, { device: sessionDevice(), ping: 30 });

    pimap.addEventListener('*', received);
    pimap.addEventListener('parked', parked);

    pimap.addEventListener('retry', ({ data }) => lost('connecting',
        data.pause ? `Connection lost, next try in ${seconds(data.pause)} s`
            : 'Connection lost, reconnecting …'));
    pimap.addEventListener('error', ({ data }) => lost('refused',
        `The server refused the request: ${data.message}`));
    pimap.addEventListener('superseded', () => lost('superseded',
        'A newer connection of this device gets the events now'));

    return pimap;
}


function parked({ data, id }) {
    if (opened++) {
        text('reconnects', opened - 1);
    }

    text('transport', data.transport);
    text('last-id', id || '–');
    text('since', new Date().toLocaleTimeString());
    show('connected', `Connected as ${account}`);
}


function seconds(time) {
    return Math.ceil(time / 1000);
}


function lost(state, words) {
    text('since', '–');
    show(state, words);
}


function received({ name, data, id }) {
    if (name === 'resync' && data.reason === 'start') {
        return;
    }

    const [title, detail] = EVENTS[name]?.(data) ?? [];

    if (id) {
        text('last-id', id);
    }

    add(name, title, detail, data);
}


function add(name, title, detail, data) {
    const list = document.getElementById('events');
    const item = element('li', 'event');
    const head = element('p', 'head');
    const raw = element('details');
    const json = element('pre', '', JSON.stringify(data, null, 2));

    item.dataset.kind = kind(name);

    head.append(element('span', 'name', name));
    if (typeof data.mailbox === 'string') {
        head.append(element('span', 'mailbox', data.mailbox));
    }
    head.append(element('time', '', new Date().toLocaleTimeString()));
    item.append(head);

    if (title) {
        item.append(element('p', 'title', title));

        for (const line of [detail].flat()) {
            if (line) {
                item.append(element('p', 'detail', line));
            }
        }
    }

    raw.open = !title;
    raw.append(element('summary', '', 'JSON'), json);
    item.append(raw);

    list.prepend(item);
    while (list.children.length > MAX_SHOWN) {
        list.lastElementChild.remove();
    }

    text('count', ++shown);
    document.getElementById('empty').hidden = true;
}


/* Events in words. */

function mail(e) {
    return [e.subject || '(no subject)',
            [e.from && `From ${e.from}`, e.preview]];
}


function messages(e) {
    const uids = [e.uid ?? e.uids ?? []].flat();

    if (uids.length === 0) {
        return 'Mail';
    }

    return `${uids.length > 1 ? 'Mails' : 'Mail'} ${uids.join(', ')}`;
}


function flags(e) {
    return [e.flagNames ?? e.flags ?? []].flat().join(' ');
}


function changes(e) {
    const count = (list) => Array.isArray(list) ? list.length : 0;

    return `${count(e.changed)} changed, ${count(e.removed)} removed`;
}


function stateTypes(e) {
    const types = Object.values(Object(e.changed))
        .flatMap((states) => Object.keys(Object(states)));

    return [...new Set(types)].join(', ');
}


function show(state, words) {
    const node = document.getElementById('state');

    node.dataset.state = state;
    node.textContent = words;
    document.title = `${state === 'connected' ? '●' : '○'} ${account}`;
    document.getElementById('take-over').hidden = state !== 'superseded';
}


/* The device's name: each tab has its own, and keeps it after a reload. */

function sessionDevice() {
    let id = sessionStorage.getItem('device');

    if (!id) {
        const bytes = crypto.getRandomValues(new Uint8Array(8));

        id = 'page-' + Array.from(bytes,
            (b) => b.toString(16).padStart(2, '0')).join('');
        sessionStorage.setItem('device', id);
    }

    return id;
}


const pimap = connect();

document.getElementById('account').value = account;
document.getElementById('take-over').addEventListener('click', () => {
    show('connecting', 'Connecting …');
    pimap.open();
});
text('example', account);
