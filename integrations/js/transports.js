/*
 * Owns the four ways to park.  Each opens one response, passes its messages to
 * the link, and says when it ends.  Called by connection.js.  Invariant: a
 * message is passed once, in the order of the response.
 *
 * link.address(query)  the address with these parameters, and the newest id
 * link.text(text, and) a message in JSON, with members that stand beside it
 * link.take(message)   a message
 * link.pause()         the response has ended, and comes back by itself
 * link.end(error)      it has ended; an error may be thrown instead
 * link.stop, send      set here for a transport without link.signal
 */

import { request } from './request.js';


/* A longer line is no event: the server has at most 1 MB. */
const MAX_LINE = 4 << 20;

/* In milliseconds: nothing new so soon is no answer of our server. */
const SOON = 500;

/* EventSource needs each name: these, and those of the filter. */
const NAMES = ['parked', 'position', 'ping', 'resync', 'superseded', 'expired',
    'UpdateResult'];


export const transports = {

    websocket(link) {
        const socket = new link.WebSocket(link.address()
            .replace(/^http/, 'ws'));

        socket.onmessage = ({ data }) => link.text(data);
        socket.onclose = () => link.end();
        socket.onerror = () => {};                  /* it closes after that */

        link.send = (text) => socket.send(text);
        link.stop = () => socket.close();
    },

    async stream(link) {
        const reader = (await park(link, { format: 'ndjson' })).body
            .getReader();
        const decoder = new TextDecoder();
        let rest = '';

        for (;;) {
            const { value, done } = await reader.read();

            if (done || rest.length > MAX_LINE) {
                return link.end();
            }

            const lines = (rest + decoder.decode(value, { stream: true }))
                .split('\n');

            rest = lines.pop();
            lines.forEach((line) => link.text(line));
        }
    },

    eventsource(link) {
        const source = new link.EventSource(link.address({ format: 'sse' }),
            { withCredentials: link.withCredentials });

        let last;

        /* an event without an id has that of the one before */

        for (const event of [...NAMES, ...link.events]) {
            source.addEventListener(event, ({ data, lastEventId }) =>
                link.text(data, { event, id: last === lastEventId ? ''
                    : last = lastEventId }));
        }

        /* a package of npm closes it only after that */

        source.onerror = () => {
            link.pause();
            setTimeout(() => source.readyState === 2 && link.end());
        };

        link.stop = () => source.close();
    },

    /* The answer to the first poll comes soon, and says that all is well. */

    async poll(link) {
        for (let wait = 1, last; ; wait = link.wait) {
            const asked = Date.now();
            const answer = await park(link, { format: 'json', wait });
            const { events = [], lastEventId } = answer.status === 200
                ? await answer.json() : {};
            const id = lastEventId
                ?? answer.headers.get('Pimap-Last-Event-ID');

            if (wait === 1) {
                link.take({ event: 'parked', id: events.length ? '' : id });
            }

            events.forEach((event) => link.take(event));
            link.take({ event: 'position', id });

            if (events.some(({ event }) => event === 'retry')
                || !events.length && id === last && Date.now() - asked < SOON)
            {
                return link.end();
            }

            last = id;
        }
    },
};


async function park(link, query) {
    await link.login();

    return request(link, link.address(query), { headers: link.headers,
        signal: link.signal });
}
