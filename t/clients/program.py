#!/usr/bin/python3

# Programs that end pimap_client.py at any moment, or call it wrongly.  Called
# by t/clients/python_program.t.  Each case is a line: its name, and whether it
# went well.  A warning is an error (-W error), and so is a task that is left.

import asyncio
import os
import sys
import warnings

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '../../integrations/python'))

from pimap_client import Client, PimapError  # noqa: E402

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
        self.asked = asyncio.Event()
        self.left = asyncio.Event()

    async def __aenter__(self):
        self.server = await asyncio.start_server(self.serve, '127.0.0.1', 0)
        port = self.server.sockets[0].getsockname()[1]
        self.url = 'http://127.0.0.1:%d/events' % port
        return self

    async def __aexit__(self, *_):
        self.server.close()

    async def serve(self, reader, writer):
        try:
            await reader.readuntil(b'\r\n\r\n')
            writer.write(self.answer)
            self.asked.set()
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
