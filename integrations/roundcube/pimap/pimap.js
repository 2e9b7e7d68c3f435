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
const MAX_GAP = 5000;           // while events don't end
const BUSY = 100;               // until Roundcube is looked at again
const ANSWER = 15000;           // until a refresh has failed
const FAILED = 5000;            // until it is tried again
const MAX_FAILED = 60000;       // while it fails again

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
let gap = GAP;                  // ms, until the next one
let failed = 0;                 // ms, the same after a failure
let running = false;
let interval;                   // seconds, Roundcube's own
let refused = false;            // this page gets no tickets
let view;                       // of the list, before an answer

window.rcmail?.addEventListener('init', async () => {
    if (!rcmail.env.pimap || !rcmail.message_list) return;

    interval = rcmail.env.refresh_interval;
    rcmail.addEventListener('requestrefresh', parameters);
    rcmail.addEventListener('responsebeforerefresh', keep);
    rcmail.addEventListener('responseafterrefresh', restore);

    const { Pimap } = await import(new URL(rcmail.assets_path(
        'plugins/pimap/pimap-client.js'), document.baseURI));
    const { events, share } = rcmail.env.pimap;
    const client = new Pimap(events, { ticket, share: `roundcube:${share}`,
        events: Object.keys(CHANGES) });

    const parked = rcmail.env.pimap.poll;

    client.addEventListener('parked', () =>
        poll(parked && Math.max(parked, interval)));
    client.addEventListener('resync', resync);
    client.addEventListener('*', ({ data }) => event(data));

    // until it is parked again
    for (const end of ['retry', 'error', 'superseded'])
        client.addEventListener(end, () => poll(interval));

    // another tab may have a session, and can have the connection
    client.addEventListener('error', () => refused && client.close());
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


// Refreshes: the first one at once, the next ones with a pause between them,
// which grows while events come.  Timers of a hidden page are late.

function later(pause = 0) {
    const wait = Math.max(pause, last + gap - Date.now());

    if (wait <= 0 && document.hidden) return flush();

    timer ??= setTimeout(flush, Math.max(wait, TOGETHER));
}

// Tabs share a session, which each refresh reads and writes: one at a time.  A
// page that is busy, perhaps for minutes, does not keep the others waiting.

async function flush() {
    clearTimeout(timer);
    timer = null;

    if (running) return;
    if (rcmail.busy) return later(BUSY);
    running = true;

    const done = await (navigator.locks?.request('pimap.refresh', refresh)
        ?? refresh()).catch(() => false);

    running = false;

    if (done === undefined) return later(BUSY);
    last = Date.now();
    gap = asked.size ? Math.min(2 * gap, MAX_GAP) : GAP;
    failed = done ? 0 : Math.min(2 * failed || FAILED, MAX_FAILED);

    if (!done) sent.forEach((what, folder) => ask(folder, what));
    if (asked.size) later(failed);
}

// True if Roundcube has answered; undefined if it is busy by now.

async function refresh() {
    if (rcmail.busy) return;

    sent = new Map();

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


// Roundcube draws a list anew.  Without these two it would be at its top then,
// and forget which row the keyboard is at, at each change.

function keep() {
    const { frame, list, rows, last_selected: uid } = rcmail.message_list;
    const scrolled = frame?.scrollTop;

    const seen = Object.keys(scrolled ? rows : {})
        .map(uid => [uid, top(rows[uid].obj)])
        .filter(([, y]) => y >= top(frame)).sort(([, a], [, b]) => a - b);

    view = { rows, uid, scrolled, seen,
        active: list.contains(document.activeElement) };
}

function restore() {
    const list = rcmail.message_list;
    const { frame, rows } = list;

    if (rows === view?.rows) return;

    if (view.scrolled) {
        const [uid, y] = view.seen.find(([uid]) => rows[uid]) ?? [];

        frame.scrollTop = view.scrolled;
        if (uid) frame.scrollTop += top(rows[uid].obj) - y;
    }

    if (!rows[view.uid]) return;

    list.last_selected = view.uid;
    rows[view.uid].obj.classList.add('focused');

    if (view.active) {
        list.focused = false;
        list.focus();
    }
}

function top(element) {
    return element.getBoundingClientRect().top;
}


// Logging in. Without a ticket the session is over, or its password is wrong:
// Roundcube says so at its next refresh.

async function ticket() {
    const answer = await fetch(rcmail.url('plugin.pimap'), {
        method: 'POST', body: new URLSearchParams({ _remote: 1 }),
        headers: { 'X-Roundcube-Request': rcmail.env.request_token } });
    const got = await answer.json().catch(() => ({}));

    if (got.ticket) return got;

    refused = answer.ok || answer.status === 403;

    throw Object.assign(new Error('no ticket'), { status: answer.status,
        final: refused });
}

})();
