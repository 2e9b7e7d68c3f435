#!/usr/bin/python3

# Programs that end pimap_client.py at any moment, or call it wrongly.  Called
# by t/clients/python_program.t, with or without the argument "httpx".  Each
# case is a line: its name, and whether it went well.  A warning is an error
# (-W error), and so is a task that is left.

import asyncio
import functools
import os
import sys
import tempfile
import warnings

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '../../integrations/python'))

import pimap_client  # noqa: E402
from pimap_client import PimapError  # noqa: E402

Client = functools.partial(pimap_client.Client, httpx='httpx' in sys.argv)
HEAD = b'HTTP/1.1 200 OK\r\n\r\n'
EVENT = HEAD + b'id: 1-1\nevent: MessageNew\ndata: {"uid":1}\n\n'
SOON = 5        # seconds; the client itself waits for 30, or for ever

cases = []
noise = []


def case(answer):
    def add(function):
        cases.append((function, answer))
    return add


class Server:
    """Answers each request with the same bytes, and leaves it open."""

    def __init__(self, answer):
        self.answer = answer
        self.met = asyncio.Event()
        self.asked = asyncio.Event()
        self.taken = asyncio.Event()
        self.left = asyncio.Event()

    async def __aenter__(self):
        self.server = await asyncio.start_server(self.serve, '127.0.0.1', 0)
        port = self.server.sockets[0].getsockname()[1]
        self.url = 'http://127.0.0.1:%d/events' % port
        return self

    async def __aexit__(self, *_):
        self.server.close()

    async def serve(self, reader, writer):
        self.met.set()
        try:
            self.request = await reader.readuntil(b'\r\n\r\n')
            writer.write(self.answer)
            self.asked.set()
            await writer.drain()
            self.taken.set()
            await reader.read()
        except (OSError, asyncio.IncompleteReadError):
            pass
        writer.close()
        self.left.set()


async def names(client):
    return [event.name async for event in client]


async def ends(task):
    """What a task returns soon, or its exception."""
    done, _ = await asyncio.wait({task}, timeout=SOON)
    if not done:
        task.cancel()
        return 'it goes on'
    return 'cancelled' if task.cancelled() else \
        task.exception() or task.result()


@case(b'')
async def closed_while_it_connects(server):
    client = Client(server.url)
    task = asyncio.ensure_future(names(client))
    await server.asked.wait()
    client.close()
    return await ends(task) == []


@case(b'')
async def closed_in_a_handshake_of_TLS(server):
    client = Client(server.url.replace('http:', 'https:'))
    task = asyncio.ensure_future(names(client))
    await server.met.wait()
    await asyncio.sleep(0.1)
    client.close()
    result = await ends(task)
    await asyncio.wait_for(server.left.wait(), SOON)
    return result == []


@case(EVENT)
async def closed_while_it_is_parked(server):
    client = Client(server.url)
    task = asyncio.ensure_future(names(client))
    await server.asked.wait()
    await asyncio.sleep(0)
    client.close()
    return set(await ends(task)) <= {'open', 'MessageNew'}


@case(b'HTTP/1.1 503 x\r\nRetry-After: 100\r\nContent-Length: 0\r\n\r\n')
async def closed_in_a_pause(server):
    client = Client(server.url)
    async for event in client:
        asyncio.get_running_loop().call_later(0.1, client.close)
    return event.name == 'error'


@case(b'HTTP/1.1 401 x\r\nContent-Length: 0\r\n\r\n')
async def closed_while_a_token_is_renewed(server):
    renewed = asyncio.Event()

    async def renew():
        renewed.set()
        await asyncio.Event().wait()

    client = Client(server.url, token='old', renew=renew)
    task = asyncio.ensure_future(names(client))
    await renewed.wait()
    client.close()
    return await ends(task) == []


@case(EVENT)
async def cancelled(server):
    async with Client(server.url) as client:
        task = asyncio.ensure_future(names(client))
        await server.asked.wait()
        task.cancel()
        result = await ends(task)
        await asyncio.wait_for(server.left.wait(), SOON)
    return result == 'cancelled'


@case(EVENT)
async def left_by_break(server):
    async with Client(server.url) as client:
        async for event in client:
            if event.name == 'MessageNew':
                break
    await asyncio.wait_for(server.left.wait(), SOON)
    return event.data == {'uid': 1}


@case(EVENT + b': more\n' * (4 << 20))
async def a_slow_program_has_a_part_in_memory(server):
    async with Client(server.url) as client:
        async for event in client:
            if event.name == 'MessageNew':
                taken = asyncio.ensure_future(server.taken.wait())
                return await ends(taken) == 'it goes on'


@case(b'HTTP/1.1 401 x\r\nContent-Length: 0\r\n\r\n')
async def a_token_function_that_raises(server):
    def renew():
        raise RuntimeError('no token')

    client = Client(server.url, token='old', renew=renew)
    task = asyncio.ensure_future(names(client))
    return str(await ends(task)) == 'no token'


@case(HEAD + b'{"updates":[{"event":"UpdateResult","status":"done"}]}')
async def an_update_that_is_cancelled(server):
    client = Client(server.url, updates=server.url)
    task = asyncio.ensure_future(client.update('store'))
    await server.asked.wait()
    task.cancel()
    return await ends(task) == 'cancelled' and not client.waiting


@case(b'')
async def addresses_that_are_none(server):
    for url in ('mail.example.com/pimap', 'htps://mail.example.com', 'https:',
                server.url.encode(), 7):
        try:
            Client(url)
            return False
        except (ValueError, TypeError, AttributeError):
            pass
    return True


@case(b'')
async def an_update_without_an_address(server):
    task = asyncio.ensure_future(Client(server.url).update('store'))
    return 'address for updates' in str(await ends(task))


@case(b'')
async def a_line_break_in_a_token(server):
    task = asyncio.ensure_future(names(Client(server.url, token='T\nX')))
    error = await ends(task)
    return isinstance(error, PimapError) and 'line break' in error.detail


@case(b'')
async def a_redirect_to_another_host(server):
    async with Server(EVENT) as other:
        server.answer = ('HTTP/1.1 302 x\r\nContent-Length: 0\r\n'
                         'Location: %s\r\n\r\n' % other.url).encode()
        task = asyncio.ensure_future(names(Client(server.url, token='T')))
        error = await ends(task)
    return isinstance(error, PimapError) and error.status == 302 \
        and not other.met.is_set()


@case(EVENT)
async def no_login_and_no_coding_of_its_own(server):
    with tempfile.NamedTemporaryFile('w') as file:
        file.write('machine 127.0.0.1 login alice password secret\n')
        file.flush()
        os.environ['NETRC'] = file.name
        async for _ in Client(server.url, compress=False):
            break
    lines = server.request.lower().split(b'\r\n')[1:]
    return sorted(line.partition(b':')[0] for line in lines if line) \
        == [b'accept', b'host']


async def main():
    asyncio.get_running_loop().set_exception_handler(
        lambda _, context: noise.append(context['message']))
    for function, answer in cases:
        async with Server(answer) as server:
            well = await function(server)
        print('%s: %s' % (function.__name__, 'well' if well else 'no'))
    await asyncio.sleep(0.1)
    left = asyncio.all_tasks() - {asyncio.current_task()}
    print('tasks: %s' % ([task.get_coro() for task in left] or 'well'))
    print('noise: %s' % (noise or 'well'))


warnings.simplefilter('error')
asyncio.run(main())
