#!/usr/bin/python3

# The adapter of integrations/python/pimap_client.py for the tests of clients
# (docs/clients.md).

import asyncio
import json
import os
import ssl
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '../../integrations/python'))

from pimap_client import Client, PimapError, Superseded  # noqa: E402

options = json.loads(sys.argv[1])
tokens = asyncio.Queue()


def see(kind, **members):
    print(json.dumps(dict(members, see=kind)), flush=True)


async def renew():
    see('login')
    return await tokens.get()


def client():
    names = ('types', 'mailboxes', 'collections', 'events', 'ping', 'grace',
             'compress', 'httpx')
    return Client(options['url'], device=options['device'],
                  updates=options['updates'], last_id=options.get('lastId'),
                  ticket=options['ticket'] if options.get('useTicket')
                  else None, token=options['token'], renew=renew,
                  tls=ssl.create_default_context(cafile=options['ca']),
                  **{name: options[name] for name in names
                     if name in options})


async def events(device):
    try:
        async for event in device:
            if event.name == 'open':
                see('open', id=event.id)
            elif event.name == 'error':
                see('closed', why=event.data['why'])
            elif event.name == 'resync':
                see('resync', id=event.id, reason=event.data['reason'])
            elif event.name == 'expired':
                see('expired', reason=event.data['reason'])
            else:
                see('event', id=event.id, event=event.name, data=event.data)
    except Superseded:
        see('superseded')
    except PimapError as error:
        see('failed', status=error.status, detail=error.detail)


async def update(device, id, members):
    try:
        result = await device.update(members.pop('update'), id, **members)
        see('result', update=id, result=result)
    except PimapError as error:
        see('refused', update=id, detail=error.detail)


async def commands(device):
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    running = set()
    async for line in reader:
        command = json.loads(line)
        if command['do'] == 'close':
            return
        if command['do'] == 'login':
            tokens.put_nowait(command['token'])
        if command['do'] == 'update':
            running.add(asyncio.create_task(
                update(device, command['id'], command['update'])))


async def main():
    see('client', lacks=[])
    async with client() as device:
        task = asyncio.create_task(events(device))
        await commands(device)
    task.cancel()


asyncio.run(main())
