# Copyright (C) ngx_pimap_module authors
#
# Owns the text of nginx's configuration, as "nginx -T" prints it.  Called by
# the steps.  Invariant: includes are resolved in nginx's order.

import glob
import os
import re
from pathlib import PurePath

TOKEN = re.compile(r'''
    \s+ | \#[^\n]*
    | (?P<mark>[{};])
    | "(?P<double>(?:\\.|[^"\\])*)"
    | '(?P<single>(?:\\.|[^'\\])*)'
    | (?P<word>(?:\\.|\$\{|[^\s{};"'\\])(?:\\.|\$\{[^}]*\}|[^\s{;\\])*)
''', re.X | re.S)

HEADER = re.compile(r'^# configuration file (.+):$', re.M)


class Block:
    def __init__(self, args, parent):
        self.args = args
        self.parent = parent
        self.directives = []            # (arguments, Block or None)

    # The directive's arguments, of this block or of one around it.
    def get(self, name):
        found = self.all(name)
        return found[-1] if found else None

    def all(self, name):
        found = [args[1:] for args, _ in self.directives if args[0] == name]
        if found or self.parent is None:
            return found
        return self.parent.all(name)

    def value(self, name, default=None):
        args = self.get(name)
        return args[0] if args else default

    def own(self, name):
        return [args[1:] for args, _ in self.directives if args[0] == name]

    def blocks(self, name):
        return [b for args, b in self.directives if b and args[0] == name]

    # The block around this one of that name.
    def around(self, name):
        block = self
        while block and block.args[:1] != [name]:
            block = block.parent
        return block


class Conf:
    def __init__(self, dump):
        parts = HEADER.split(dump)
        self.files = dict(zip(parts[1::2], parts[2::2]))
        self.root = Block([], None)

        if self.files:
            self.main = parts[1]
            self.parse(self.files[self.main], self.root)

    def parse(self, text, block):
        args, at = [], 0

        while at < len(text):
            match = TOKEN.match(text, at)
            if not match:
                raise ValueError('unexpected "%s"' % text[at:at + 20])
            at = match.end()

            if match['mark'] is None:
                args += [re.sub(r'\\(.)', r'\1', word) if i < 2 else word
                         for i, word in enumerate(
                             match.group('double', 'single', 'word'))
                         if word is not None]
            elif match['mark'] == ';':
                self.add(args, block)
                args = []
            elif match['mark'] == '}':
                block, args = block.parent or block, []
            elif args and args[0].endswith('_by_lua_block'):
                at, args = lua_end(text, at), []
            else:
                inner = Block(args, block)
                block.directives.append((args, inner))
                block, args = inner, []

    def add(self, args, block):
        if args[:1] == ['include'] and len(args) == 2:
            for name in self.included(args[1]):
                self.parse(self.files[name], block)
        elif args:
            block.directives.append((args, None))

    def included(self, pattern):
        pattern = os.path.join(os.path.dirname(self.main), pattern)
        return sorted(name for name in self.files if name == pattern
                      or glob.has_magic(pattern)
                      and PurePath(name).match(pattern))

    def http(self):
        for block in self.root.blocks('http'):
            return block
        return Block(['http'], self.root)

    # The locations with this directive, in any depth.
    def locations(self, directive):
        found, open_blocks = [], [self.http()]

        while open_blocks:
            block = open_blocks.pop(0)
            if block.args[:1] == ['location'] and block.own(directive):
                found.append(block)
            open_blocks += block.blocks('server') + block.blocks('location')

        return found

    def location(self, server, name):
        for block in server.blocks('location'):
            if block.args[1:] in ([name], ['=', name], ['^~', name]):
                return block
        return None


def lua_end(text, at):
    depth = 1
    while depth and at < len(text):
        depth += (text[at] == '{') - (text[at] == '}')
        at += 1
    return at


# The address of a location: its URL, and the host to connect to.  None for a
# location by a regular expression.
def address(location, tls=False):
    words = location.args[1:]

    if words[0] in ('=', '^~'):
        words = words[1:]
    if words[0].startswith(('~', '@')):
        return None

    server = location.around('server')
    listens = server.own('listen') or [['80']]
    # a port in clear is the simplest to ask, but not by HTTP/2
    listen = min(listens, key=lambda args: [
        'proxy_protocol' in args or 'quic' in args,
        'http2' in args and 'ssl' not in args, ('ssl' in args) != tls])
    host, port = split_listen(listen[0])
    names = [name for args in server.own('server_name') for name in args
             if re.fullmatch(r'[\w.-]+', name) and name != '_']

    return Address('https' if 'ssl' in listen else 'http', host, port,
                   words[0], names[0] if names else 'localhost')


class Address:
    def __init__(self, scheme, host, port, path, name):
        self.scheme = scheme
        self.host = host                # or the path of a Unix socket
        self.port = port
        self.path = path
        self.name = name

    def __str__(self):
        host = '[%s]' % self.host if ':' in self.host else self.host
        if host.startswith('/'):
            return 'unix:%s:%s' % (host, self.path)
        return '%s://%s:%d%s' % (self.scheme, host, self.port, self.path)


def split_listen(text):
    if text.startswith('unix:'):
        return text[5:], 0
    if text.isdigit():
        return '127.0.0.1', int(text)

    match = re.fullmatch(r'\[(.*)\](?::(\d+))?', text) \
        or re.fullmatch(r'([^:]*)(?::(\d+))?', text)
    host = match[1]

    if host in ('*', '0.0.0.0', ''):
        host = '127.0.0.1'
    elif host == '::':
        host = '::1'

    return host, int(match[2] or 80)


# A size or a number of nginx: "5m" is 5242880.
def size(text):
    match = re.fullmatch(r'(\d+)([kKmMgG]?)', text or '')
    if not match:
        return None
    return int(match[1]) << {'': 0, 'k': 10, 'm': 20, 'g': 30}[
        match[2].lower()]


# A time in seconds: "1m 30s" and "300" are times, too.
def seconds(text):
    unit = {'ms': 0.001, 's': 1, 'm': 60, 'h': 3600, 'd': 86400, 'w': 604800,
            '': 1}
    return sum(int(n) * unit[u]
               for n, u in re.findall(r'(\d+)(ms|[smhdw]|)', text or ''))
