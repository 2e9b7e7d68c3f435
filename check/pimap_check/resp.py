# Copyright (C) ngx_pimap_module authors
#
# Owns a connection to Redis.  Called by the steps.  Invariant: each wait has
# an end; no error has a password in it.

import os
import re
import socket
import ssl
import urllib.parse


MAX = 1 << 26                           # bytes of a value


class RedisError(Exception):
    pass


class TlsError(RedisError):
    pass


class Target:
    # The arguments of pimap_redis: the address, and name=value.  Files are
    # relative to the folder.
    def __init__(self, args, folder='/'):
        self.set = dict(arg.split('=', 1) for arg in args[1:] if '=' in arg)
        for name in {'password_file', 'ca', 'cert', 'key'} & set(self.set):
            self.set[name] = os.path.join(folder, self.set[name])
        self.addresses = []
        self.master = None
        self.tls = self.cluster = False
        self.db = int(self.set.get('db', 0))
        self.user = self.set.get('user')
        self.password = self.set.get('password')
        self.prefix = self.set.get('prefix', 'pimap')
        self.functions = self.set.get('functions', 'load')
        self.parse(args[0])

        if 'password_file' in self.set:
            with open(self.set['password_file'], encoding='utf-8') as f:
                self.password = re.sub(r'\r?\n\Z', '', f.read())

    def parse(self, url):
        if url.startswith('unix:'):
            path = url[5:]
            self.addresses = ['/' + path.lstrip('/')]
            return

        scheme, _, rest = url.partition('://')
        if scheme not in ('redis', 'rediss', 'sentinel', 'sentinels',
                          'cluster', 'clusters'):
            raise RedisError('the address has an unknown form')

        login, _, rest = rest.rpartition('@')
        hosts, *path = rest.split('/')
        self.tls = scheme in ('rediss', 'sentinels', 'clusters')
        self.cluster = scheme.startswith('cluster')

        if login:
            user, _, password = login.partition(':')
            self.user = urllib.parse.unquote(user) or None
            self.password = urllib.parse.unquote(password)
        if scheme.startswith('sentinel'):
            self.master = path.pop(0) if path else ''
        if path and path[0].isdigit():
            self.db = int(path[0])

        default = 26379 if scheme.startswith('sentinel') else 6379
        self.addresses = [host_port(h, default) for h in hosts.split(',')]

    def __str__(self):
        return ', '.join(one if isinstance(one, str) else '%s:%d' % one
                         for one in self.addresses)


def host_port(text, default):
    match = re.fullmatch(r'\[(.*)\](?::(\d+))?|([^:]*)(?::(\d+))?', text)
    if not match:
        raise RedisError('the address has an unknown form')
    return match[1] or match[3], int(match[2] or match[4] or default)


def login(resp, user, password, db):
    if password is not None:
        resp.command('AUTH', *([user] if user else []), password)
    if db:
        resp.command('SELECT', db)
    return resp


class Resp:
    def __init__(self, address, target, timeout):
        self.address = address
        if isinstance(address, str):
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(timeout)
            self.socket.connect(address)
        else:
            self.socket = socket.create_connection(address, timeout)
            if target.tls:
                self.secure(target, address[0])
        self.file = self.socket.makefile('rb')

    def secure(self, target, name):
        try:
            self.socket = context(target).wrap_socket(self.socket,
                                                      server_hostname=name)
        except (ssl.SSLError, socket.timeout) as e:
            raise TlsError(str(e)) from e

    def command(self, *args):
        parts = [str(arg).encode('utf-8', 'surrogateescape') for arg in args]
        self.socket.sendall(b'*%d\r\n' % len(parts) + b''.join(
            b'$%d\r\n%s\r\n' % (len(part), part) for part in parts))
        return self.reply()

    def reply(self):
        line = self.file.readline(65536)
        if not line.endswith(b'\r\n'):
            raise ConnectionError('the connection was closed')

        kind, text = line[:1], line[1:-2].decode('utf-8', 'surrogateescape')

        if kind == b'+':
            return text
        if kind == b'-':
            raise RedisError(text)
        if kind == b':':
            return int(text)
        if kind == b'$':
            return self.bulk(int(text))
        if kind == b'*':
            return self.array(int(text))
        raise RedisError('this is no Redis')

    def bulk(self, size):
        if size < 0:
            return None
        if size > MAX:
            raise RedisError('the answer is too large')
        data = self.file.read(size + 2)
        if len(data) != size + 2:
            raise ConnectionError('the connection was closed')
        return data[:-2].decode('utf-8', 'surrogateescape')

    # An error inside is a value, as in the reply of a transaction.
    def array(self, size):
        return None if size < 0 else [self.reply() for _ in range(size)]

    def info(self, section):
        lines = self.command('INFO', section).splitlines()
        return dict(line.split(':', 1) for line in lines if ':' in line)

    # As a cluster does it.
    def masters(self):
        return [self]

    def close(self):
        self.file.close()
        self.socket.close()


def context(target):
    made = ssl.create_default_context(cafile=target.set.get('ca'))
    made.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if target.set.get('verify') == 'off':
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    if 'cert' in target.set:
        made.load_cert_chain(target.set['cert'], target.set.get('key'))
    return made
