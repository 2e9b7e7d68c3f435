#!/usr/bin/python3

# Copyright (C) ngx_pimap_module authors
#
# Owns a device: one client that receives the events of an account and sends
# updates.  Needs asyncio and Python 3.10, no other package; with httpx it goes
# through a proxy.  Invariant: each event is yielded once, in order, whatever
# happens to connections.

import asyncio
import base64
import inspect
import json
import random
import ssl
import uuid
import zlib
from collections import namedtuple
from urllib.parse import quote, urlsplit

try:
    import httpx
except ImportError:
    httpx = None

Event = namedtuple('Event', 'id name data')

LONGEST_LINE = 1 << 20          # bytes; an event has 64 kB by default
LONGEST_PAUSE = 300             # seconds between attempts
CONNECT = 30                    # seconds for a connection and its answer
RESULT = 30                     # seconds that a request waits for a result


class PimapError(Exception):
    """The server refuses, and would refuse again: do not repeat."""

    def __init__(self, status, detail):
        super().__init__('%s: %s' % (status, detail))
        self.status = status
        self.detail = detail


class Superseded(PimapError):
    """A newer client has this device's name: this one must not come back."""

    def __init__(self):
        super().__init__('superseded', 'a newer client has this name')


class _Broken(Exception):
    """A connection or an answer failed; it may be better next time."""

    def __init__(self, why, pause=0):
        super().__init__(why)
        self.pause = pause


class _Login:
    """The header, or the ticket, of each request.

    "token" is a string; "renew" a function, or a coroutine, that returns
    another one when the server does not take it any more.
    """

    def __init__(self, token=None, renew=None, user=None, password=None):
        self.token = token
        self.renew = renew
        self.password = None if user is None else '%s:%s' % (user, password)
        self.lock = asyncio.Lock()

    def header(self):
        if self.password:
            text = base64.b64encode(self.password.encode()).decode()
            return {'Authorization': 'Basic ' + text}
        if self.token:
            return {'Authorization': 'Bearer ' + self.token.strip()}
        return {}

    async def again(self, refused):
        """True if there is another token than the one that was refused."""
        async with self.lock:
            if self.token == refused and self.renew:
                token = self.renew()
                if inspect.isawaitable(token):
                    token = await token
                self.token = token
            return self.token is not None and self.token != refused


class _Response:
    """One request by HTTP/1.1 on a connection of its own, and its answer.

    A class for each way of HTTP has open(), parts() and close().
    """

    status = 0
    headers = {}        # with small letters

    async def plain(self):
        """The same without the coding: each part gives all that it can."""
        coding = self.headers.get('content-encoding', '').lower()
        if coding not in ('gzip', 'deflate'):
            async for part in self.parts():
                yield part
            return
        inflate = zlib.decompressobj(47)    # the header says which
        async for part in self.parts():
            more = True
            while more:
                text = inflate.decompress(part, 65536)
                yield text
                part = inflate.unconsumed_tail
                more = part or len(text) == 65536

    async def lines(self):
        left = b''
        async for part in self.plain():
            *lines, left = (left + part).split(b'\n')
            if len(left) > LONGEST_LINE:
                raise _Broken('a line is too long')
            for line in lines:
                yield line.rstrip(b'\r').decode('utf-8', 'replace')

    async def text(self):
        parts = []
        size = 0
        async for part in self.plain():
            parts.append(part)
            size += len(part)
            if size > 16 * LONGEST_LINE:
                raise _Broken('the answer is too long')
        return b''.join(parts).decode('utf-8', 'replace')

    def pause(self):
        """Seconds that the server asks to wait."""
        value = self.headers.get('retry-after', '')
        return int(value) if value.isdigit() else 0


class _Streams(_Response):
    """By asyncio itself: it connects to the server directly."""

    def __init__(self, reader, writer):
        self.reader = reader
        self.writer = writer
        self.headers = {}

    @classmethod
    async def open(cls, url, tls, headers, method='GET', body=b'',
                   patience=CONNECT):
        parts = urlsplit(url)
        https = parts.scheme == 'https'
        reader, writer = await _within(CONNECT, asyncio.open_connection(
            parts.hostname, parts.port or (443 if https else 80),
            ssl=tls if https else None, limit=LONGEST_LINE))
        self = cls(reader, writer)
        try:
            target = parts.path or '/'
            if parts.query:
                target += '?' + parts.query
            lines = ['%s %s HTTP/1.1' % (method, target),
                     'Host: ' + parts.netloc.rpartition('@')[2]]
            lines += ['%s: %s' % item for item in headers.items()]
            if method != 'GET':
                lines.append('Content-Length: %d' % len(body))
            _no_line_break(lines)
            text = '\r\n'.join(lines)
            writer.write(text.encode() + b'\r\n\r\n' + body)
            await self._head(patience)
        except BaseException:
            self.close()
            raise
        return self

    def close(self):
        self.writer.close()

    async def _line(self, timeout=None):
        try:
            line = await _within(timeout, self.reader.readuntil(b'\n'))
        except asyncio.LimitOverrunError:
            raise _Broken('a line is too long')
        return line.rstrip(b'\r\n').decode('utf-8', 'replace')

    async def _head(self, patience):
        status = (await self._line(patience)).split(' ', 2)
        if not status[0].startswith('HTTP/1.') or len(status) < 2 \
                or not status[1].isdigit():
            raise _Broken('no answer of HTTP')
        self.status = int(status[1])
        for _ in range(200):
            line = await self._line(CONNECT)
            if not line:
                return
            name, _, value = line.partition(':')
            self.headers[name.lower()] = value.strip()
        raise _Broken('too many headers')

    async def parts(self):
        """The bytes of the body as they come, without chunks."""
        if self.headers.get('transfer-encoding', '').lower() == 'chunked':
            while True:
                size = int((await self._line()).partition(';')[0], 16)
                if size < 0:
                    raise _Broken('a chunk is invalid')
                if size == 0:
                    return
                while size > 0:
                    part = await self.reader.read(min(size, 65536))
                    if not part:
                        raise _Broken('the connection was lost')
                    size -= len(part)
                    yield part
                await self._line()
        left = int(self.headers.get('content-length', -1))
        while left:
            part = await self.reader.read(min(left, 65536) if left > 0
                                          else 65536)
            if not part:
                if left > 0:
                    raise _Broken('the connection was lost')
                return
            left -= len(part) if left > 0 else 0
            yield part


class _Httpx(_Response):
    """By httpx: it goes through a proxy, if the environment names one.

    A task has the connection, and hands over one part at a time.  So close()
    ends it at any moment, and a task that waits for a part wakes up.
    """

    def __init__(self):
        self.queue = asyncio.Queue()
        self.connection = None

    @classmethod
    async def open(cls, url, tls, headers, method='GET', body=b'',
                   patience=CONNECT):
        _no_line_break(headers.values())
        self = cls()
        request = httpx.Request(
            method, url, content=body, extensions={'trace': self._trace},
            headers=[(name.encode(), value.encode())
                     for name, value in headers.items()])
        self.task = asyncio.ensure_future(self._exchange(request, tls))
        try:
            answer = await _within(CONNECT + patience, self._next())
        except BaseException:
            self.close()
            raise
        self.status = answer.status_code
        self.headers = dict(answer.headers)
        return self

    def close(self):
        self.task.cancel()

    async def parts(self):
        while part := await self._next():
            yield part

    async def _next(self):
        part = await self.queue.get()
        self.queue.task_done()
        if isinstance(part, Exception):
            raise part
        return part

    async def _exchange(self, request, tls):
        """Puts the answer, its parts, and None or an error into the queue."""
        end = None
        try:
            async with httpx.AsyncClient(verify=tls, timeout=None,
                                         follow_redirects=False) as client:
                # no login of .netrc, hence "auth"
                answer = await client.send(request, stream=True,
                                           auth=lambda same: same)
                self.queue.put_nowait(answer)
                async for part in answer.aiter_raw():
                    if part:
                        self.queue.put_nowait(part)
                        await self.queue.join()
        except httpx.HTTPError as error:
            end = _Broken(': '.join(filter(None, (type(error).__name__,
                                                  str(error)))))
        except Exception as error:
            end = error
        finally:
            self.queue.put_nowait(end)
            if self.connection:
                await self.connection.aclose()

    async def _trace(self, name, info):
        """Keeps the connection: httpx forgets it if it is cancelled in TLS."""
        if name.endswith('connect_tcp.complete'):
            self.connection = info['return_value']


class Client:
    """A device.  Iterate over it for its events; update() sends an update.

        async with Client('https://mail.example.com/pimap/events',
                          device='phone', token=token) as client:
            async for event in client:
                print(event.name, event.data)

    Besides the events of the account there are these:

        open    a response is parked.  data['fresh']: there was no id, so
                synchronise now
        resync  events are missing for good: synchronise now
        expired the login has ended, and is renewed
        error   a response ended; the client comes back by itself

    Store an event's id, unless it is None, together with the event's effect,
    and give it as "last_id" at the next start.

    "httpx" is False: do not use httpx; True: do not go without it.
    """

    def __init__(self, url, device=None, updates=None, ticket=None,
                 last_id=None, types=(), mailboxes=(), collections=(),
                 events=(), ping=None, grace=30, compress=True, tls=None,
                 httpx=None, **login):
        self.url = _checked(url)
        self.updates = _checked(updates)
        self.ticket_url = _checked(ticket)
        self.last_id = last_id
        self.device = device or str(uuid.uuid4())
        self.filters = {'types': types, 'mailboxes': mailboxes,
                        'collections': collections, 'events': events}
        self.ping = ping
        self.grace = grace
        self.compress = compress
        self.tls = tls or ssl.create_default_context()
        self.http = _way_of_http(httpx)
        self.login = _Login(**login)
        self.interval = ping or 300     # the first ping says the real one
        self.retry = 3                  # seconds, as the server says
        self.failures = 0
        self.ticket = None
        self.expired = None             # a token of which the server said so
        self.waiting = {}               # results, by the ids of updates
        self.response = None
        self.end = asyncio.Event()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        self.close()

    def close(self):
        """Ends the iteration, from another task too."""
        self.end.set()
        if self.response:
            self.response.close()

    async def __aiter__(self):
        while not self.end.is_set():
            try:
                async for event in self._response():
                    yield event
            except _TROUBLE as error:
                if self.end.is_set():
                    return
                pause = self._pause(getattr(error, 'pause', 0))
                yield Event(None, 'error', {'why': str(error) or 'silence'})
                await _wait(self.end.wait(), pause)

    def _pause(self, least):
        """Seconds until the next attempt."""
        self.failures += 1
        if self.failures == 1:
            return max(least, self.retry)
        return _back_off(self.failures - 1, least)

    def _address(self):
        query = ['%s=%s' % (name, ','.join(quote(value, safe='*')
                                           for value in values))
                 for name, values in self.filters.items() if values]
        query.append('device=' + quote(self.device, safe=''))
        if self.ping is not None:
            query.append('ping=%d' % self.ping)
        if self.ticket:
            query.append('ticket=' + quote(self.ticket, safe=''))
        return _join(self.url, '&'.join(query))

    async def _response(self):
        headers = {'Accept': 'text/event-stream'}
        if self.compress:
            headers['Accept-Encoding'] = 'gzip, deflate'
        if self.last_id is not None:
            headers['Last-Event-ID'] = self.last_id
        response = await self._until_closed(self._park(headers))
        self.response = response
        try:
            async for event in self._events(response):
                yield event
        finally:
            response.close()
        raise _Broken('the response has ended')

    async def _park(self, headers):
        if self.expired:
            await self.login.again(self.expired)
            self.expired = None
        if self.ticket_url and not self.ticket:
            self.ticket = _object(await self._ask(self.ticket_url))['ticket']
        token = self.login.token
        if not self.ticket_url:
            headers.update(self.login.header())
        response = await self.http.open(self._address(), self.tls, headers)
        try:
            if response.status == 401 and self.ticket_url:
                self.ticket = None
                raise _Broken('the ticket has expired')
            if response.status != 200:
                await self._refused(response, token)
        except BaseException:
            response.close()
            raise
        return response

    async def _until_closed(self, coroutine):
        """What it returns, unless close() comes first."""
        task = asyncio.ensure_future(coroutine)
        end = asyncio.ensure_future(self.end.wait())
        try:
            await asyncio.wait({task, end},
                               return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise _Broken('closed')
            return task.result()
        except BaseException:
            task.add_done_callback(_dropped)
            raise
        finally:
            task.cancel()
            end.cancel()

    async def _events(self, response):
        """The events of one response; each moves the place to go on from."""
        fresh = self.last_id is None
        lines = response.lines()
        opened = False
        block = {}
        while not self.end.is_set():
            try:
                line = await _within(self.interval + self.grace,
                                     lines.__anext__())
            except StopAsyncIteration:
                return
            if line:
                name, _, value = line.partition(':')
                block[name] = value[1:] if value[:1] == ' ' else value
                continue
            self.failures = 0
            if block.get('retry', '').isdigit():
                self.retry = int(block['retry']) / 1000
            if block.get('event') != 'superseded':      # that id is a mark
                self.last_id = block.get('id', self.last_id)
            if not opened:
                opened = True
                yield Event(self.last_id, 'open', {'fresh': fresh})
            if 'data' in block:
                event = Event(block.get('id'), block.get('event', 'message'),
                              _object(block['data']))
                if self._notice(event):
                    yield event
            block = {}

    def _notice(self, event):
        """False if the owner need not see the event."""
        if event.name == 'ping':
            self.interval = _number(event.data.get('interval'))
            return False
        if event.name in ('parked', 'position', 'retry'):
            return False
        if event.name == 'superseded':
            self.end.set()
            raise Superseded()
        if event.name == 'expired' and event.data.get('reason') != 'login':
            self.ticket = None
            self.expired = self.login.token
        if event.name == 'UpdateResult':
            result = self.waiting.get(event.data.get('update'))
            if result and not result.done():
                result.set_result(event.data)
        return True

    async def _refused(self, response, token):
        """Raises: whether the same request may be good later, or not."""
        status = response.status
        if status == 401 and await self.login.again(token):
            self.failures = max(self.failures, 1)
            raise _Broken('another token')
        if status >= 500:
            raise _Broken('the answer is %d' % status, response.pause())
        if status == 429:
            raise _Broken('too many', max(response.pause(), 60))
        text = await _within(CONNECT, response.text())
        try:
            detail = _object(text)['detail']
        except (_Broken, KeyError):
            detail = 'no detail'
        raise PimapError(status, detail)

    async def _ask(self, url, method='GET', body=b'', **headers):
        """The text of an answer that ends, and may wait for a result."""
        token = self.login.token
        headers.update(self.login.header())
        response = await self.http.open(url, self.tls, headers, method, body,
                                        CONNECT + RESULT)
        try:
            if response.status not in (200, 202):
                await self._refused(response, token)
            return await _within(CONNECT, response.text())
        finally:
            response.close()

    async def update(self, verb, id=None, **members):
        """The result of an update, which the backend carries out once.

        It is sent until there is an answer, always with the same id.
        """
        if not self.updates:
            raise ValueError('the client has no address for updates')
        update = dict(members, id=id or str(uuid.uuid4()), update=verb)
        body = json.dumps(update).encode()
        result = asyncio.get_running_loop().create_future()
        self.waiting[update['id']] = result
        sending = asyncio.ensure_future(self._repeat(body, result))
        try:
            await asyncio.wait({sending, result},
                               return_when=asyncio.FIRST_COMPLETED)
            return await (result if result.done() else sending)
        finally:
            sending.cancel()
            self.waiting.pop(update['id'], None)

    async def _repeat(self, body, result):
        """Sends the update until an answer has its result."""
        failures = 0
        while True:
            pause = RESULT
            try:
                entry = await self._send(body)
                failures = 0
                if entry.get('event') == 'UpdateResult':
                    return entry
            except _TROUBLE as error:
                failures += 1
                pause = _back_off(failures, getattr(error, 'pause', 0))
            await _wait(asyncio.shield(result), pause)

    async def _send(self, body):
        url = _join(self.updates, 'device=' + quote(self.device, safe=''))
        answer = await self._ask(url, 'POST', body, **{
            'Content-Type': 'application/json', 'Prefer': 'wait=%d' % RESULT})
        try:
            return dict(_object(answer)['updates'][0])
        except (LookupError, TypeError) as error:
            raise _Broken('no answer to an update') from error


# What another attempt may mend.
_TROUBLE = (OSError, EOFError, ValueError, KeyError, zlib.error,
            asyncio.TimeoutError, _Broken)


def _way_of_http(wanted):
    """The class for it.  None: httpx if it is there."""
    if wanted and not httpx:
        raise ImportError('there is no httpx')
    return _Httpx if httpx and wanted is not False else _Streams


def _no_line_break(lines):
    if any(mark in line for line in lines for mark in '\r\n'):
        raise PimapError(400, 'a line break in a header')


def _dropped(task):
    """Closes a response that has come together with a cancellation."""
    if not task.cancelled() and not task.exception():
        task.result().close()


def _join(url, query):
    return url + ('&' if '?' in url else '?') + query


def _checked(url):
    """The address, which must not be a mistake: a token would go in clear."""
    if url and not (urlsplit(url).scheme in ('http', 'https')
                    and urlsplit(url).hostname):
        raise ValueError('%r is no address with http:// or https://' % url)
    return url


def _object(text):
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _Broken('invalid JSON: %s' % error) from error
    if not isinstance(value, dict):
        raise _Broken('no JSON object')
    return value


def _number(value):
    if not isinstance(value, (int, float)) or not 0 < value < 1e6:
        raise _Broken('a ping has no interval')
    return value


def _back_off(n, least):
    """Seconds after the nth failure: twice as many each time, and not those
    of other clients, which may have failed at the same moment."""
    pause = min(2 ** min(n, 20) / 2, LONGEST_PAUSE) * random.uniform(0.5, 1)
    return max(pause, least * random.uniform(1, 1.2))


async def _within(seconds, awaitable):
    """What it returns.  wait_for() of Python 3.11 may lose a cancellation."""
    task = asyncio.ensure_future(awaitable)
    try:
        await asyncio.wait({task}, timeout=seconds)
        if not task.done():
            raise asyncio.TimeoutError
        return task.result()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task})


async def _wait(something, seconds):
    try:
        await _within(seconds, something)
    except asyncio.TimeoutError:
        pass
