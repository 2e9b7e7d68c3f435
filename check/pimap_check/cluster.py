# Copyright (C) ngx_pimap_module authors
#
# Owns the connections to a cluster.  Called by the steps as a connection to
# one Redis.  Invariant: each command goes to the master of its key.

import re

from . import resp

REDIRECTIONS = 5
KEYS = {'FCALL': 3, 'FCALL_RO': 3}      # the place of the first key


# A line of CLUSTER NODES.
class Node:
    def __init__(self, line, asked):
        words = line.split(' ')
        self.id, self.flags, self.master = words[0], words[2], words[3]
        host, port = re.match(r'(.*):(\d+)', words[1]).groups()
        self.address = host or asked[0], int(port)
        self.ranges = [range_of(one) for one in words[8:] if one[0] != '[']
        self.slots = sum(last - first + 1 for first, last in self.ranges)
        self.moving = [one for one in words[8:] if one[0] == '[']
        self.is_master = 'master' in self.flags
        self.failed = 'fail' in self.flags.split(',')

    def has(self, slot):
        return any(first <= slot <= last for first, last in self.ranges)

    def __str__(self):
        return '%s:%d' % self.address


def range_of(slots):
    first, _, last = slots.partition('-')
    return int(first), int(last or first)


def slot_of(key):
    match = re.match(r'[^{]*\{([^}]+)\}', key)
    crc = 0
    for byte in (match[1] if match else key).encode('utf-8',
                                                    'surrogateescape'):
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ (0x1021 if crc & 0x8000 else 0)) & 0xffff
    return crc % 16384


class Cluster:
    def __init__(self, target, timeout):
        self.target = target
        self.timeout = timeout
        self.links = {}                 # by address
        self.lost = {}                  # errors, by address
        self.nodes = self.look()
        for node in self.nodes:
            if node.is_master and node.slots and not node.failed:
                self.reach(node)

    # The first address that answers knows all of them.
    def look(self):
        error = resp.RedisError('no host is named')
        for address in self.target.addresses:
            try:
                one = self.link(address)
                lines = one.command('CLUSTER', 'NODES').splitlines()
                return [Node(line, address) for line in lines if line]
            except (OSError, resp.RedisError) as e:
                error = e
        raise error

    def reach(self, node):
        try:
            self.link(node.address)
        except (OSError, resp.RedisError) as e:
            self.lost[node.address] = e

    def link(self, address):
        if address not in self.links:
            one = resp.login(resp.Resp(address, self.target, self.timeout),
                             self.target.user, self.target.password, 0)
            one.command('PING')         # it may stand still
            self.links[address] = one
        return self.links[address]

    # Those that can be reached.
    def masters(self):
        return [self.links[node.address] for node in self.nodes
                if node.is_master and node.slots
                and node.address in self.links]

    def command(self, *args):
        at = KEYS.get(args[0], 1)
        link, asking = self.owner(args[at] if len(args) > at else ''), False

        for _ in range(REDIRECTIONS):
            try:
                if asking:
                    link.command('ASKING')
                return link.command(*args)
            except resp.RedisError as e:
                match = re.match(r'(MOVED|ASK) \d+ (.*):(\d+)', str(e))
                if not match:
                    raise
                asking = match[1] == 'ASK'
                link = self.link((match[2] or link.address[0],
                                  int(match[3])))

        raise resp.RedisError('too many redirections')

    def owner(self, key):
        slot = slot_of(key)
        for node in self.nodes:
            if node.is_master and node.has(slot) \
                    and node.address in self.links:
                return self.links[node.address]
        masters = self.masters()
        if not masters:
            raise resp.RedisError('no master can be reached')
        return masters[0]
