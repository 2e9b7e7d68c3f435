# Copyright (C) ngx_pimap_module authors
#
# Owns the step that sends a test event to a device which it parks itself, by
# the address that devices use.  Invariant: the event has a name that no mail
# server has, so other devices of the account ignore it.

import json
import re
import secrets
import ssl
import time
import urllib.parse

from . import http, resp, step_names
from .http import HttpError, Stream, ask, json_of

EVENT = 'PimapCheck'
PARKED = b'event: parked\ndata: {}\n\n'
BUFFERING = 'switch its buffering off: "proxy_buffering off" of nginx, see ' \
    'install.md#proxies-in-front'
REFUSALS = {
    401: ('delivery.park:password', 'correct the password; is it the right '
          '--account?'),
    403: ('delivery.park:denied', 'correct "allow" and "deny" of the '
          'location'),
    404: ('delivery.park:path', 'correct --url: no location has this path '
          'there'),
    429: ('delivery.park:too-many', 'wait, or see '
          'pimap_max_devices_per_account'),
    500: ('delivery.park:error', 'see the error log of nginx; with '
          'auth_request, the server that checks logins may be away'),
    502: ('delivery.park:proxy', 'a proxy does not reach nginx: correct it'),
    503: ('delivery.park:login-away', 'see the log of pimap-bridge: it, or '
          'the mail server, is away; or wrong passwords came from here, then '
          'wait a minute'),
    504: ('delivery.park:proxy-waits', 'a proxy waits in vain for nginx: '
          'correct it'),
}


def run(c):
    if not c.url:
        c.report.unknown('delivery.connect:no-url', 'the address of devices '
                         'is not known', 'name it by --url')
    elif tls(c):
        http2(c)
        if not c.login:
            nobody(c)
        elif park(c):
            deliver(c)
            in_front(c)
            hold(c)


def nobody(c):
    if c.options.account:
        c.report.unknown('delivery.park:no-password', 'nothing is parked '
                         'without the password of "%s"' % c.options.account,
                         'name a file with it by --password-file; only at a '
                         'terminal it is asked for')
    else:
        c.report.unknown('delivery.park:no-account', 'nothing is parked '
                         'without the name of a user', 'name one by '
                         '--account')


def tls(c):
    try:
        made = http.connect(c.url, c.options.timeout, c.options.ca_file)
    except ssl.SSLCertVerificationError as e:
        c.report.fail('delivery.connect:certificate', '%s: %s'
                      % (c.url, e.verify_message),
                      'correct the certificate, or name its authority by '
                      '--ca-file')
        return False
    except OSError as e:
        c.report.fail('delivery.connect:away', '%s: %s' % (c.url, e.strerror
                                                          or e),
                      'correct --url, the name in DNS, "listen", or the '
                      'firewall')
        return False

    version = made.version() if c.url.scheme == 'https' else None
    made.close()

    if version and version != 'TLSv1.3' and c.events \
            and c.events.value('pimap_hibernate') == 'on':
        c.report.warn('delivery.connect:old-tls', '%s, so devices can\'t '
                      'hibernate' % version, 'allow TLSv1.3 in ssl_protocols '
                      'of the default server of this port')
    else:
        c.report.passed('delivery.connect', '%s%s' % (
            c.url, ', ' + version if version else ''))
        if not version and c.url.host not in ('localhost', '127.0.0.1',
                                              '::1'):
            c.report.warn('delivery.clear:clear', 'without TLS everybody on '
                          'the way reads passwords', 'use https')
    return True


# A client that knows HTTP/2 gets it, if the server has it.
def http2(c):
    if c.url.scheme != 'https':
        return
    try:
        made = http.connect(c.url, c.options.timeout, c.options.ca_file,
                            alpn=['h2', 'http/1.1'])
        chosen = made.selected_alpn_protocol()
        made.close()
    except OSError as e:
        c.report.unknown('delivery.http2:handshake', 'a client that knows '
                         'HTTP/2: %s' % e, 'see the error log of nginx')
        return

    if chosen == 'h2':
        c.report.warn('delivery.http2:http2', 'devices get HTTP/2: one takes '
                      '29.4 kB, and a reload sends it away',
                      'take "http2" away, see setup.md'
                      '#a-web-server-with-http2')
    else:
        c.report.passed('delivery.http2', 'devices get HTTP/1.1')


def request(c, more=()):
    made = http.connect(c.url, c.options.timeout, c.options.ca_file)
    headers = ['Accept: text/event-stream', *more, c.login]
    return Stream(made, c.url, headers, query='device=pimap-check-'
                  + secrets.token_hex(4)).head(4 * c.options.timeout)


def park(c):
    c.before = step_names.parked(c)

    try:
        c.stream = request(c, ['Accept-Encoding: gzip'])
    except (OSError, HttpError) as e:
        if isinstance(e, OSError) or not (held_back(c) or swallowed(c)):
            c.report.fail('delivery.park:no-answer', str(e), 'see the error '
                          'log of nginx; a proxy may hold the response back')
        return False

    if c.stream.status != 200:
        refused(c, c.stream)
    elif not c.stream.headers.get('content-type', '').startswith(
            'text/event-stream'):
        c.report.fail('delivery.park:no-events', '%s is no events location'
                      % c.url, 'correct --url')
    elif c.stream.until(PARKED, c.options.timeout) is None:
        buffered(c)
    else:
        c.report.passed('delivery.park', 'the device is parked at once')
        return compressed(c)

    c.stream.close()
    c.stream = None
    return False


def refused(c, stream):
    name, do = REFUSALS.get(stream.status, (
        'delivery.park:refused', 'see the error log of nginx'))
    text = json_of(stream.body(c.options.timeout)).get('detail')
    c.report.fail(name, 'the answer is %d%s' % (
        stream.status, ': ' + text if text else ''), do)


# True if a response that is not compressed comes.
def held_back(c):
    plain = None

    try:
        plain = request(c)
        if plain.until(PARKED, c.options.timeout) is None:
            return False
    except (OSError, HttpError):
        return False
    finally:
        if plain:
            plain.close()

    c.report.fail('delivery.park:compressed', 'something compresses the '
                  'response, and holds it back',
                  'take text/event-stream out of gzip_types, on each proxy, '
                  'too')
    return True


# True if a worker has parked the device, of which nothing comes.
def swallowed(c):
    now = step_names.parked(c)

    if now is None or c.before is None or not now - c.before:
        return False

    c.report.fail('delivery.park:swallowed', 'nginx has parked the device, '
                  'but nothing of the response comes: a proxy holds it back',
                  BUFFERING)
    return True


# The head has come, and the body has not.
def buffered(c):
    if c.stream.headers.get('content-encoding') and held_back(c):
        return

    c.report.fail('delivery.park:buffered', 'only the head of the response '
                  'comes%s: a proxy holds the body back' % proxy(c),
                  BUFFERING)


# The module flushes what it compresses, and names no other coding.
def compressed(c):
    coding = c.stream.headers.get('content-encoding')
    own = c.events is None or c.events.value('pimap_compress', 'on') != 'off'

    if coding and (not own or coding not in ('gzip', 'deflate')):
        c.report.fail('delivery.gzip:other', 'something else than the module '
                      'compresses the response: %s' % coding,
                      'take text/event-stream out of gzip_types, on each '
                      'proxy, too')
    else:
        c.report.passed('delivery.gzip', 'compressed by the module' if coding
                        else 'not compressed')
    return True


def deliver(c):
    nonce = secrets.token_hex(8)
    event = json.dumps({'event': EVENT, 'check': nonce})
    account = c.options.account
    began = time.monotonic()

    if account is None:
        c.report.unknown('delivery.publish:no-account', 'a token does not '
                         'tell whose events these are', 'name the user by '
                         '--account')
        return

    for pause in 0, 0.2, 1:             # the worker may yet have to subscribe
        time.sleep(pause)
        found = by_http(c, account, event)
        if found is None:
            found = by_redis(c, account, event)
        if not found or found[2]:
            break

    if found is None:
        c.report.unknown('delivery.publish:no-way', 'no location has '
                         'pimap_publish, and Redis is not known',
                         'correct the failures above')
    if not found:
        return

    way, number, receivers, account = found
    c.report.passed('delivery.publish', '%s, to "%s"' % (way, account))
    logged(c, account, number, nonce)

    if not receivers:
        nowhere(c, account)
    else:
        c.report.passed('delivery.worker', '%d worker%s it' % (
            receivers, ' has' if receivers == 1 else 's have'))
        arrives(c, nonce, began)


def by_http(c, account, event):
    location, where = c.address('pimap_publish')

    if not where:
        return None

    try:
        status, body = ask(
            where, c.options.timeout, ['Content-Type: application/json'],
            'POST', event.encode(),
            'account=' + urllib.parse.quote(account, safe=''))
    except (OSError, HttpError) as e:
        c.report.fail('delivery.publish:away', '%s: %s' % (where, e),
                      'start nginx, or correct its "listen"')
        return False

    if status != 200:
        name, do = (
            'delivery.publish:denied', 'correct "allow" of the location') \
            if status == 403 else (
                'delivery.publish:refused', 'see the error log of nginx')
        c.report.fail(name, '%s answers %d: %s' % (
            where, status, json_of(body).get('detail', 'no reason')), do)
        return False

    answer = json_of(body)
    return (str(where), answer.get('id'), answer.get('receivers', 0),
            spelled(location, account))


# The account of the name: pimap_account_case of a location.
def spelled(location, account):
    if location and location.value('pimap_account_case') == 'keep':
        return account
    return ''.join(one.lower() if one.isascii() else one for one in account)


def by_redis(c, account, event):
    if c.redis is None:
        return None

    account = spelled(c.events, account)
    channel = '%s:{%s}' % (c.target.prefix, account)

    try:
        if not c.log:
            verb = 'SPUBLISH' if c.target.cluster else 'PUBLISH'
            return verb, None, c.redis.command(verb, channel, event), account
        number, receivers, *_ = c.redis.command('FCALL', 'pimap_post', 1,
                                                channel, event)
        return 'FCALL pimap_post', number, receivers, account
    except (OSError, resp.RedisError) as e:
        c.report.fail('delivery.publish:redis', str(e), 'see the step of '
                      'Redis')
        return False


def logged(c, account, number, nonce):
    if c.redis is None:
        c.report.skip('delivery.log', 'Redis is not known')
        return
    if not c.log:
        c.report.skip('delivery.log', 'events are live only')
        return

    channel = '%s:{%s}' % (c.target.prefix, account)
    epoch, _, n = str(number or '').partition('-')

    try:                                # earlier events may be gone
        found = c.redis.command('FCALL_RO', 'pimap_read', 1, channel, epoch,
                                int(n) - 1, 1) if n else []
    except (OSError, ValueError, resp.RedisError) as e:
        c.report.fail('delivery.log:error', str(e), 'see the step of Redis')
        return

    if any(nonce in str(one) for one in found):
        c.report.passed('delivery.log', 'id %s' % number)
    else:
        c.report.fail('delivery.log:missing', 'the event is not in the log of '
                      '"%s"' % account,
                      'let nginx publish to the Redis, the database and the '
                      'prefix of pimap_redis')


# The device is parked, and the publisher has reached no worker.
def nowhere(c, account):
    new = sorted(step_names.parked(c) - c.before) if c.before is not None \
        else []
    like = [one for one in new if step_names.alike(one, account)]

    if like:
        c.report.fail('delivery.worker:name', 'no worker has a device of '
                      '"%s": the device is parked as "%s"'
                      % (account, like[0]),
                      'let the login give the name that the mail server '
                      'publishes to, see pimap_account_case')
    else:
        c.report.fail('delivery.worker:none', 'the device is parked, and no '
                      'worker has a device of "%s"' % account,
                      'let the login and the publishers have one name for '
                      'the account, and one Redis')


def arrives(c, nonce, began):
    if c.stream.until(nonce.encode(), c.options.timeout) is not None:
        c.report.passed('delivery.device', 'after %.0f ms' % (
            (time.monotonic() - began) * 1000))
    elif c.stream.closed:
        c.report.fail('delivery.device:closed', 'the connection was closed '
                      'before the event', 'see "pimap ended" in the error log '
                      'of nginx')
    else:
        c.report.fail('delivery.device:held-back', 'a worker has the event, '
                      'and it does not come%s' % proxy(c),
                      'switch the buffering and compression of proxies off, '
                      'see install.md#proxies-in-front')


# The name of a proxy, if there is one.  nginx takes the header away that the
# module sends to it.
def proxy(c):
    via = c.stream.headers.get('via')
    if via:
        return ' (through %s)' % via
    return '' if 'x-accel-buffering' in c.stream.headers \
        else ' (through a proxy)'


def in_front(c):
    from .nginx_conf import seconds

    ping = seconds(c.events.value('pimap_ping', '300s')) if c.events else 300

    if not proxy(c):
        c.report.passed('delivery.proxy', 'none is seen')
    elif c.options.hold >= ping:
        c.report.passed('delivery.proxy', proxy(c).strip(' ()'))
    else:
        c.report.warn('delivery.proxy:seen', 'the response comes%s; most '
                      'proxies close it after 60 s of silence, and pings come '
                      'each %g s' % (re.sub(r'[()]', '', proxy(c)), ping),
                      'run this with "--hold %d", or set pimap_ping 40s'
                      % (ping + 10))


# Pings come meanwhile, if the interval is shorter.
def hold(c):
    end = time.monotonic() + c.options.hold

    if not c.options.hold:
        return

    while time.monotonic() < end and not c.stream.closed:
        c.stream.decode()
        c.stream.text = b''
        silent = c.stream.last
        c.stream.more(end)

    if c.stream.closed:
        c.report.fail('delivery.hold:closed', 'the response was closed after '
                      '%.0f s of silence%s' % (c.stream.last - silent,
                                               proxy(c)),
                      'raise the time-out of the proxy, or lower pimap_ping, '
                      'see install.md#proxies-in-front')
    else:
        c.report.passed('delivery.hold', 'parked for %g s' % c.options.hold)
