'use strict';

/*
 * Shows the devices and the last events of an account, as the location
 * pimap/accounts tells them.  Everything from outside is set as text.
 */

const AGAIN = 5;                /* seconds */
const DEVICES = 20;
const EVENTS = 20;

const params = new URLSearchParams(location.search);
const account = params.get('account') || loggedIn() || 'alice';

/* The places at which the lists go on; none: they are at their beginning. */
const next = { after: '', before: '' };

let paged = false;


/* The first pages, again and again until the operator wants more. */

async function refresh() {
    if (!paged && !document.hidden) {
        await load({ devices: DEVICES, events: EVENTS }, true);
    }

    setTimeout(refresh, AGAIN * 1000);
}


async function load(query, first) {
    const answer = await ask('GET', query);

    if (!answer || (first && paged)) {
        return;
    }

    const { devices, log, workers } = answer;

    if (first) {
        document.getElementById('devices').replaceChildren();
        document.getElementById('events').replaceChildren();
    }

    summary(devices, workers, log);

    document.getElementById('devices').append(...devices.list.map(device));
    document.getElementById('events').append(...(log?.list ?? []).map(entry));

    if (query.devices) {
        next.after = devices.next ?? '';
    }

    if (query.events) {
        next.before = log.next ?? '';
    }

    hide('more-devices', !next.after);
    hide('older-events', !next.before);
    hide('no-devices', devices.count > 0);
    hide('no-events', document.getElementById('events').children.length > 0);
}


function summary(devices, workers, log) {
    const silent = workers.asked - workers.answered;

    text('count-devices', devices.count);
    text('workers', `${workers.answered} of ${workers.asked}`);
    text('asked', new Date().toLocaleTimeString());

    if (silent > 0) {
        show('connecting', `Workers that have not answered: ${silent}. `
            + 'Devices may be missing');

    } else if (devices.here > devices.count) {
        show('connecting', 'A worker has lost Redis: devices are missing');

    } else if (devices.moving > 0) {
        show('connecting', 'Devices are moving to another worker');

    } else if (log?.error) {
        show('refused', `The log can't be read: ${log.error}`);

    } else {
        show('connected', `Account ${account}`);
    }
}


/* NULL after a failure, which is shown. */

async function ask(method, query) {
    const address = new URLSearchParams({ account, ...query });

    try {
        const response = await fetch(`pimap/accounts?${address}`,
            { method, cache: 'no-store' });
        const answer = await response.json();

        if (response.ok) {
            return answer;
        }

        show('refused', answer.detail ?? `The answer is ${response.status}`);

    } catch {
        show('refused', 'nginx does not answer, or refuses this address');
    }

    return null;
}


function device(d) {
    const item = element('li', 'event device');
    const head = element('p', 'head');
    const end = element('button', '', 'End');

    head.append(element('span', 'name', d.transport),
        element('span', 'mailbox', d.format),
        element('time', '', new Date(d.since).toLocaleString()));

    end.addEventListener('click', async () => {
        end.disabled = true;
        await ask('DELETE', { device: d.device });
        paged = false;
        await load({ devices: DEVICES, events: EVENTS }, true);
    });

    const title = element('p', 'head title', d.device);

    title.append(end);
    item.append(head, title, element('p', 'detail',
        `From ${d.address}, last event ${d.lastEventId}, ${d.events} events, `
        + `${d.bytes} bytes` + (d.unsent ? `, ${d.unsent} unsent` : '')));

    return item;
}


function entry(e) {
    const item = element('li', 'event');
    const head = element('p', 'head');
    const raw = element('details');

    const name = e.event?.event ?? e.event?.['@type'] ?? 'No event';

    item.dataset.kind = kind(name);
    head.append(element('span', 'name', name));

    if (typeof e.event?.mailbox === 'string') {
        head.append(element('span', 'mailbox', e.event.mailbox));
    }

    head.append(element('span', '', e.id));

    if (e.time) {
        head.append(element('time', '', new Date(e.time).toLocaleString()));
    }

    raw.append(element('summary', '', 'JSON'),
        element('pre', '', JSON.stringify(e.event ?? e.error, null, 2)));
    item.append(head, raw);

    return item;
}


function show(state, words) {
    const node = document.getElementById('state');

    node.dataset.state = state;
    node.textContent = words;
}


function hide(id, hidden) {
    document.getElementById(id).hidden = hidden;
}


document.getElementById('account').value = account;

document.getElementById('more-devices').addEventListener('click', () => {
    paged = true;
    load({ devices: DEVICES, after: next.after, events: 0 });
});

document.getElementById('older-events').addEventListener('click', () => {
    paged = true;
    load({ devices: 0, events: EVENTS, before: next.before });
});

refresh();
