#!/usr/bin/python3

# Copyright (C) ngx_pimap_module authors
#
# One of a group of consumers of the stream P:updates: has a command carry each
# update out, publishes its result, and takes it out of the stream (README.md).
# A cluster has several such streams, each with a thread here.

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import redis

from pimap_redis import ERRORS, connect, streams


class Consumer(threading.Thread):
    said = {}           # by each, since it last worked

    def __init__(self, o, stream):
        super().__init__(daemon=True)
        self.o = o
        self.stream = stream
        self.busy = threading.Lock()    # an update is carried out
        self.start()

    def run(self):
        while True:
            try:
                self.redis = connect(self.o.redis)
                self.join_group()
                while True:
                    self.turn()
                    self.said.pop(self, None)
            except ERRORS as e:
                self.pause(e)

    def join_group(self):
        try:
            self.redis.xgroup_create(self.stream, self.o.group, id='0',
                                     mkstream=True)
        except redis.ResponseError as e:
            if not str(e).startswith('BUSYGROUP'):
                raise

    # First what others, or we in an earlier life, have left for too long.
    def turn(self):
        entries = self.redis.xautoclaim(
            self.stream, self.o.group, self.o.name, self.o.claim * 1000,
            count=1)[1]
        if not entries:
            reply = self.redis.xreadgroup(
                self.o.group, self.o.name, {self.stream: '>'}, count=1,
                block=min(self.o.claim, 5) * 1000)
            entries = reply[0][1] if reply else []
        for entry, fields in entries:
            with self.busy:
                self.update(entry, fields)

    def update(self, entry, u):
        if not self.known(u):
            result = self.carry_out(u) if self.tries(entry) else {
                'status': 'failed', 'detail': 'tried too often'}
            if result is None:
                return
            self.publish(u, result)
        self.redis.xdel(self.stream, entry)
        self.redis.xack(self.stream, self.o.group, entry)

    # Its result is there, if a consumer died right after it.
    def known(self, u):
        key = '%s:update:%s %s' % (self.channel(u), u['id'], u['device'])
        value = self.redis.get(key)
        return value and ' ' in value

    def tries(self, entry):
        pending = self.redis.xpending_range(self.stream, self.o.group, entry,
                                            entry, 1)
        return not pending or pending[0]['times_delivered'] <= self.o.tries

    # The command gets the update on its standard input, and prints the result.
    def carry_out(self, u):
        try:
            text = json.dumps(dict(u, body=json.loads(u['body'])))
            done = subprocess.run(self.o.command, input=text.encode(),
                                  stdout=subprocess.PIPE,
                                  timeout=self.o.timeout)
            if done.returncode == os.EX_TEMPFAIL:
                return None
            if not done.returncode:
                result = json.loads(done.stdout)
                if isinstance(result['status'], str):
                    return result
        except subprocess.TimeoutExpired:
            return {'status': 'unknown', 'detail': 'it took too long'}
        except (ValueError, TypeError, KeyError):
            pass
        return {'status': 'unknown', 'detail': 'the backend failed'}

    # What is done is done, so it is told until Redis hears it.
    def publish(self, u, result):
        unusable = {'status': 'unknown', 'detail': 'the result is unusable'}
        while True:
            try:
                return self.redis.fcall(
                    'pimap_result', 1, self.channel(u), u['device'], u['id'],
                    json.dumps(result))
            except ERRORS as e:
                if not str(e).startswith(('PIMAP ', 'WRONGTYPE ')):
                    self.pause(e)
                elif result is unusable:
                    raise
                else:
                    result = unusable

    def channel(self, u):
        return '%s:{%s}' % (self.o.prefix, u['account'])

    def pause(self, error):
        if str(error) not in self.said.values():    # it is tried again
            sys.stderr.write('consumer: %s\n' % error)
        self.said[self] = str(error)
        time.sleep(1)


def options():
    server = os.environ.get('PIMAP_REDIS', 'redis://127.0.0.1:6379')
    p = argparse.ArgumentParser()
    p.add_argument('--redis', default=server)
    p.add_argument('--prefix', default='pimap')
    p.add_argument('--group', default='backend')
    p.add_argument('--name', default=socket.gethostname())
    p.add_argument('--claim', type=int, default=60)
    p.add_argument('--tries', type=int, default=5)
    p.add_argument('--timeout', type=int, default=30)
    p.add_argument('command', nargs='+')
    return p.parse_args()


# Updates that are being carried out are finished.
def main():
    o = options()
    ending = threading.Event()
    for number in signal.SIGTERM, signal.SIGINT:
        signal.signal(number, lambda *_: ending.set())
    consumers = [Consumer(o, name) for name in streams(o.redis, o.prefix)]
    ending.wait()
    for consumer in consumers:
        consumer.busy.acquire()


if __name__ == '__main__':
    main()
