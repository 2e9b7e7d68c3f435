#!/usr/bin/python3

# The adapter of the example in C, integrations/c, for the tests of clients
# (docs/clients.md): its first argument is the program.

import json
import os
import subprocess
import sys
import threading
from urllib.parse import quote

program, options = sys.argv[1], json.loads(sys.argv[2])


def see(kind, **members):
    print(json.dumps(dict(members, see=kind)), flush=True)


def address():
    query = ['%s=%s' % (name, ','.join(quote(value, safe='')
                                       for value in options[name]))
             for name in ('types', 'mailboxes', 'collections', 'events')
             if name in options]
    query.append('device=' + quote(options['device']))
    if 'ping' in options:
        query.append('ping=%d' % options['ping'])
    return options['url'] + '?' + '&'.join(query)


def line(id, name, data):
    if name == 'open':
        see('open', id=id)
    elif name == 'error':
        see('closed')
    elif name in ('resync', 'expired'):
        see(name, id=id, reason=data['reason'])
    elif name == 'superseded':
        see('superseded')
    else:
        see('event', id=id or None, event=name, data=data)


def events(client):
    for text in client.stdout:
        id, name, data = text.rstrip('\n').split('\t', 2)
        line(id, name, json.loads(data))
    if client.wait() == 1:
        see('failed')


def main():
    see('client', lacks=['update', 'expiry', 'retry'])
    last = [options['lastId']] if 'lastId' in options else []
    client = subprocess.Popen(
        [program, address()] + last, stdout=subprocess.PIPE, text=True,
        env=dict(os.environ, PIMAP_TOKEN=options['token'],
                 PIMAP_CA=options['ca']))
    threading.Thread(target=events, args=[client], daemon=True).start()
    for text in sys.stdin:
        if json.loads(text)['do'] == 'close':
            break
    client.terminate()
    client.wait()


main()
