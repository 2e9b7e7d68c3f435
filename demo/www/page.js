'use strict';

/*
 * Receives events with EventSource and shows them.  Everything that comes from
 * outside is set as text, never as markup.
 */

/* The requested interval of pings; each ping tells the interval in force. */
const PING = 30;

/* The interval before the first ping: the server's default. */
const PING_UNKNOWN = 300;

const MAX_SHOWN = 200;

const params = new URLSearchParams(location.search);
const account = loggedIn() || params.get('account') || 'alice';
const device = sessionDevice();

const park = {
    source: null,
    lastId: '',
    interval: PING_UNKNOWN,
    watchdog: 0,
    retry: 0,
    failures: 0,
    opened: 0,
    events: 0,
};


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

/*
 * EventSource has no listener for all names, so the address of the page can
 * add the names of other events: ?also=Name,Other
 */

const names = Object.keys(EVENTS).concat(
    (params.get('also') || '').split(',').filter(Boolean));


function connect() {
    const query = new URLSearchParams({ account, device, ping: PING });

    /* A new EventSource cannot set the header Last-Event-ID. */
    if (park.lastId) {
        query.set('last-event-id', park.lastId);
    }

    disconnect();
    show('connecting', 'Connecting …');

    const source = new EventSource(`pimap/events?${query}`);

    park.source = source;
    source.onopen = opened;
    source.onerror = failed;

    source.addEventListener('ping', pinged);
    source.addEventListener('superseded', superseded);

    for (const name of new Set(names)) {
        source.addEventListener(name, received);
    }

    watch();
}


function disconnect() {
    clearTimeout(park.watchdog);
    clearTimeout(park.retry);

    if (park.source) {
        park.source.close();
        park.source = null;
    }
}


function opened() {
    const now = new Date();

    if (park.opened++) {
        text('reconnects', park.opened - 1);
    }

    park.failures = 0;
    watch();

    text('since', now.toLocaleTimeString());
    show('connected', `Connected as ${account}`);
}


/* EventSource reconnects by itself, but not after a refusal. */

function failed() {
    text('since', '–');

    if (park.source.readyState !== EventSource.CLOSED) {
        show('connecting', 'Connection lost, reconnecting …');
        return;
    }

    const limit = Math.min(60, 2 ** ++park.failures);
    const seconds = Math.ceil(limit / 2 + Math.random() * limit / 2);

    disconnect();
    park.retry = setTimeout(connect, seconds * 1000);
    show('refused',
        `The server refused the request, next try in ${seconds} s`);
}


function superseded() {
    disconnect();

    text('since', '–');
    show('superseded',
        'A newer connection of this device gets the events now');
}


/* Reconnects if neither event nor ping comes: TCP may not notice a loss. */

function watch() {
    clearTimeout(park.watchdog);

    if (park.interval > 0) {
        park.watchdog = setTimeout(connect, park.interval * 1500);
    }
}


function pinged(event) {
    park.interval = Number(parse(event.data).interval) || 0;
    text('ping', new Date().toLocaleTimeString());
    watch();
}


function received(event) {
    const data = parse(event.data);
    const describe = EVENTS[event.type];

    watch();

    if (event.lastEventId) {
        park.lastId = event.lastEventId;
        text('last-id', park.lastId);
    }

    const [title, detail] = describe ? describe(data) : [];

    add(event.type, title, detail, data);
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

    text('count', ++park.events);
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


document.getElementById('account').value = account;
document.getElementById('take-over').addEventListener('click', connect);
text('example', account);

connect();
