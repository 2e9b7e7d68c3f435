# Copyright (C) ngx_pimap_module authors
#
# Owns requests by HTTP/1.1 and streams of events.  Called by the steps.
# Invariant: each wait has an end; a certificate is checked unless the host is
# this one.

import json
import re
import socket
import ssl
import time
import urllib.parse
import zlib

MAX = 1 << 20                           # bytes of a response


class HttpError(Exception):
    pass


class Url:
    def __init__(self, text):
        parts = urllib.parse.urlsplit(text)
        if parts.scheme not in ('http', 'https') or not parts.hostname:
            raise HttpError('this is no URL with http or https')
        self.scheme = parts.scheme
        self.host = parts.hostname
        self.port = parts.port or {'http': 80, 'https': 443}[parts.scheme]
        self.path = (parts.path or '/') + ('?' + parts.query if parts.query
                                           else '')
        self.name = self.host

    def __str__(self):
        return '%s://%s:%d%s' % (self.scheme, self.host, self.port,
                                 self.path)


# where: a Url, or an Address of nginx's configuration
def connect(where, timeout, ca_file=None, verify=True, alpn=None):
    if where.host.startswith('/'):
        made = socket.socket(socket.AF_UNIX)
        made.settimeout(timeout)
        made.connect(where.host)
        return made

    made = socket.create_connection((where.host, where.port), timeout)
    if where.scheme == 'http':
        return made

    context = ssl.create_default_context(cafile=ca_file)
    # as strict as clients are, with any version of Python
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if alpn:
        context.set_alpn_protocols(alpn)
    return context.wrap_socket(made, server_hostname=where.name)


class Stream:
    def __init__(self, made, where, headers=(), method='GET', body=b'',
                 query=''):
        self.socket = made
        self.buffer = b''
        self.closed = False
        self.text = b''                 # decoded, and not yet read
        self.last = time.monotonic()    # when the last bytes came

        path = where.path
        if query:
            path += ('&' if '?' in path else '?') + query
        port = '' if where.port in (80, 443, 0) else ':%d' % where.port
        lines = ['%s %s HTTP/1.1' % (method, path), 'Host: %s%s'
                 % (where.name, port), 'User-Agent: pimap-check', *headers]
        if body:
            lines.append('Content-Length: %d' % len(body))
        head = '\r\n'.join(lines) + '\r\n\r\n'
        self.socket.sendall(head.encode('utf-8') + body)

    # Reads more bytes: false at the deadline.
    def more(self, deadline):
        left = deadline - time.monotonic()
        if left <= 0 or self.closed:
            return False
        self.socket.settimeout(left)
        try:
            data = self.socket.recv(65536)
        except (socket.timeout, ssl.SSLWantReadError):
            return False
        except OSError:
            data = b''
        if not data:
            self.closed = True
        self.buffer += data
        self.last = time.monotonic()
        if len(self.buffer) > MAX:
            raise HttpError('the response is too large')
        return True

    def head(self, timeout):
        deadline = time.monotonic() + timeout
        while b'\r\n\r\n' not in self.buffer:
            if not self.more(deadline):
                raise HttpError('the connection was closed without an answer'
                                if self.closed else
                                'no answer within %g s' % timeout)
        head, self.buffer = self.buffer.split(b'\r\n\r\n', 1)
        lines = head.decode('latin-1').split('\r\n')
        words = lines[0].split(' ')
        if len(words) < 2 or not words[1].isdigit():
            raise HttpError('the answer is not HTTP/1.1')
        self.status = int(words[1])
        self.headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(':')
            self.headers[name.strip().lower()] = value.strip()
        self.chunked = 'chunked' in self.headers.get('transfer-encoding', '')
        self.inflate = zlib.decompressobj(47) \
            if self.headers.get('content-encoding') in ('gzip', 'deflate') \
            else None
        self.left = None                # bytes of the present chunk
        return self

    # Takes the bytes of the body that are there.
    def decode(self):
        data = b''
        if not self.chunked:
            data, self.buffer = self.buffer, b''
        while self.chunked:
            if self.left is None:
                line, end, rest = self.buffer.partition(b'\r\n')
                if not end:
                    break
                if not re.match(rb'[0-9A-Fa-f]{1,8}(;|\Z)', line):
                    raise HttpError('the answer has a bad chunk')
                self.left = int(line.split(b';')[0], 16)
                self.buffer = rest
                if self.left == 0:
                    self.closed = True
            if len(self.buffer) < self.left + 2:
                break
            data += self.buffer[:self.left]
            self.buffer = self.buffer[self.left + 2:]
            self.left = None
        if self.inflate:
            try:
                data = self.inflate.decompress(data, MAX)
            except zlib.error as e:
                raise HttpError('the answer is not well compressed') from e
        self.text += data
        if len(self.text) > MAX:
            raise HttpError('the response is too large')

    # Reads until the text has come: the text up to its end, or None.
    def until(self, text, timeout):
        deadline = time.monotonic() + timeout
        while True:
            self.decode()
            at = self.text.find(text)
            if at >= 0:
                found = self.text[:at + len(text)]
                self.text = self.text[at + len(text):]
                return found
            if self.closed or not self.more(deadline):
                return None

    def body(self, timeout):
        deadline = time.monotonic() + timeout
        length = self.headers.get('content-length')
        while True:
            self.decode()
            if self.closed or length is not None \
                    and length.isdigit() and len(self.text) >= int(length):
                return self.text.decode('utf-8', 'replace')
            if not self.more(deadline):
                raise HttpError('the answer does not end')

    def close(self):
        self.socket.close()


# A whole response: its status, and its body.
def ask(where, timeout, headers=(), method='GET', body=b'', query=''):
    made = connect(where, timeout, verify=False)
    stream = Stream(made, where, [*headers, 'Connection: close'], method,
                    body, query)
    try:
        stream.head(timeout)
        return stream.status, stream.body(timeout)
    finally:
        stream.close()


# The JSON of a body; {} if it is something else.
def json_of(text):
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
