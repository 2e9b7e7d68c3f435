/*
 * Owns the refreshes of Roundcube's page of mail that events cause, and its
 * polling.  Called by Roundcube's "init" and by the client of events.
 * Invariant: the page polls as without this plugin unless it is parked.
 */

'use strict';

(() => {

const MAX_FOLDERS = 50;         // in one refresh, as in pimap.php

// In milliseconds
const TOGETHER = 30;            // for events that come together
const GAP = 500;                // between two refreshes
const BUSY = 100;               // until Roundcube is looked at again
const ANSWER = 15000;           // until a refresh has failed
const FAILED = 60000;           // until it is tried again

// Whether the messages of the folder have changed, or only flags.
const CHANGES = {
    MessageNew: true, MessageAppend: true, MessageExpire: true,
    MessageExpunge: true, MessageTrash: true, MailboxResync: true,
    MessageRead: false, FlagsSet: false, FlagsClear: false,
};

const asked = new Map();        // folder: { list, uid }
let sent = new Map();           // by the last refresh
let timer = null;
let last = 0;                   // ms, the time of the last refresh
let running = false;
let interval;                   // seconds, Roundcube's own

window.rcmail?.addEventListener('init', async () => {
    if (!rcmail.env.pimap || !rcmail.message_list) return;

    interval = rcmail.env.refresh_interval;
    rcmail.addEventListener('requestrefresh', parameters);

    const { Pimap } = await import(new URL(rcmail.assets_path(
        'plugins/pimap/pimap-client.js'), document.baseURI));
    const { events, share } = rcmail.env.pimap;
    const client = new Pimap(events, { ticket, share: `roundcube:${share}`,
        events: Object.keys(CHANGES) });

    client.addEventListener('parked', () => poll(rcmail.env.pimap.poll));
    client.addEventListener('resync', resync);
    client.addEventListener('*', ({ data }) => event(data));

    // until it is parked again
    for (const end of ['retry', 'error', 'superseded'])
        client.addEventListener(end, () => poll(interval));
});


// With 0, Roundcube's start_refresh() would leave the timer as it is.

function poll(seconds) {
    if (!interval || rcmail.env.refresh_interval === seconds) return;

    clearInterval(rcmail._refresh);
    rcmail.env.refresh_interval = seconds;
    rcmail.start_refresh();
}


// Events

function event(message) {
    if (!Object.hasOwn(CHANGES, message?.event)) return;
    if (!message.mailbox) return resync();

    const folder = utf7(String(message.mailbox));

    if (!Object.hasOwn(rcmail.env.mailboxes, folder)) return;

    ask(folder, { list: CHANGES[message.event],
        uid: message.event === 'MessageNew' ? message.uid : undefined });
    later();
}

function resync() {
    for (const folder of [rcmail.env.mailbox, 'INBOX'])
        if (folder) ask(folder, { list: true });

    later();
}

function ask(folder, { list, uid }) {
    const before = asked.get(folder);

    asked.set(folder, { list: list || before?.list,
        uid: Math.min(uid ?? Infinity, before?.uid ?? Infinity) });
}

// The name of a mailbox in IMAP (RFC 3501, 5.1.3)

function utf7(name) {
    return name.replace(/&/g, '&-').replace(/[^\x20-\x7e]+/g, run => {
        const bytes = [...Array(run.length).keys()].flatMap(i =>
            [run.charCodeAt(i) >> 8, run.charCodeAt(i) & 255]);

        return '&' + btoa(String.fromCharCode(...bytes))
            .replace(/=+$/, '').replace(/\//g, ',') + '-';
    });
}


// Refreshes: the first one at once, the next ones with a pause between them.
// Timers of a hidden page are late.

function later(pause = 0) {
    const wait = Math.max(pause, last + GAP - Date.now());

    if (wait <= 0 && document.hidden) return flush();

    timer ??= setTimeout(flush, Math.max(wait, TOGETHER));
}

// Tabs share a session, which each refresh reads and writes: one at a time.

async function flush() {
    clearTimeout(timer);
    timer = null;

    if (running) return;
    running = true;

    const done = await (navigator.locks?.request('pimap.refresh', refresh)
        ?? refresh()).catch(() => false);

    last = Date.now();
    running = false;

    if (!done) sent.forEach((what, folder) => ask(folder, what));
    if (asked.size) later(done ? 0 : FAILED);
}

// True if Roundcube has answered.

async function refresh() {
    while (rcmail.busy) await pause(BUSY);

    return new Promise(done => {
        const end = answered => {
            clearTimeout(patience);
            rcmail.removeEventListener('responseafterrefresh', end);
            done(!!answered);
        };
        const patience = setTimeout(end, ANSWER);

        rcmail.addEventListener('responseafterrefresh', end);
        rcmail.refresh();
    });
}

function pause(ms) {
    return new Promise(done => setTimeout(done, ms));
}

// Called by Roundcube for each refresh, also for its own.

function parameters(request) {
    if (!asked.size) return request;

    sent = new Map([...asked].slice(0, MAX_FOLDERS));
    sent.forEach((what, folder) => asked.delete(folder));

    request._pimap = JSON.stringify(Object.fromEntries(sent));

    // neither rows nor flags of the open folder
    if (!request._search && !sent.has(rcmail.env.mailbox)) {
        delete request._list;
        delete request._uids;
    }

    return request;
}


// Logging in. Without a ticket the session is over, or its password is wrong:
// Roundcube says so at its next refresh.

async function ticket() {
    const answer = await fetch(rcmail.url('plugin.pimap'), {
        method: 'POST', body: new URLSearchParams({ _remote: 1 }),
        headers: { 'X-Roundcube-Request': rcmail.env.request_token } });
    const got = await answer.json().catch(() => ({}));

    if (got.ticket) return got;

    throw Object.assign(new Error('no ticket'), { status: answer.status,
        final: answer.ok || answer.status === 403 });
}

})();
