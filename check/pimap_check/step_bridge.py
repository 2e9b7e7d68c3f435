# Copyright (C) ngx_pimap_module authors
#
# Owns the step that asks the bridge about itself and the account.

import re
import time
import urllib.parse

from . import process
from .http import HttpError, Url, ask, json_of

STATES = {
    'waiting': ('bridge.account:waiting', 'the last attempt has failed',
                'start the server, or correct it, or the master user, in '
                'the bridge\'s settings'),
    'refused': ('bridge.account:refused', 'the mail server refuses the login',
                'log in again, or correct the master user'),
    'unwatched': ('bridge.account:unwatched', 'no bridge has a login',
                  'log in again, or set a master user'),
    'idle': ('bridge.account:idle', 'the bridge sees no device of it',
             'give the bridge the Redis and the prefix of nginx'),
    'opening': ('bridge.account:opening', 'it is still being opened',
                'wait, or raise connect_rate'),
}


def run(c):
    where = address(c)

    if where is None:
        c.report.skip('bridge.up', 'nginx asks no bridge; --bridge names one')
        return

    try:
        status, body = ask(where('/healthz'), c.options.timeout)
    except (OSError, HttpError, ValueError) as e:
        c.report.fail('bridge.up:away', '%s: %s' % (where('/healthz'), e),
                      'start pimap-bridge')
        return

    if status == 200:
        c.report.passed('bridge.up', str(where('/healthz')))
    else:
        c.report.fail('bridge.up:ill', json_of(body).get('reason')
                      or 'the answer is %d' % status,
                      'see the log of pimap-bridge')

    account(c, where)


# A bridge that nginx asks reports changes, unless it is told to check logins
# only.
def watches(c):
    return address(c) is not None and not logins_only(c)


def logins_only(c):
    if c.plan is None:
        c.plan = process.read(c.options.bridge_conf)
    return re.search(r'sessions\s*[=:]\s*\{[^}]*enabled\s*[=:]\s*false',
                     c.plan)


# A function from a path to a Url.
def address(c):
    base = c.options.bridge or (asked(c) if c.events else None)

    if base is None:
        return None

    unix = re.match(r'http://unix:([^:]+)', base)

    def of(path):
        url = Url('http://localhost' + path if unix
                  else urllib.parse.urljoin(base, path))
        if unix:
            url.host, url.port = unix[1], 0
        return url

    return of


# The address that nginx asks about logins.
def asked(c):
    uri = c.events.value('auth_request')
    server = c.events.around('server')

    if not uri or uri == 'off' or not server:
        return None

    location = c.conf.location(server, uri)
    found = location.value('proxy_pass') if location else None

    return found if found and found.startswith('http://') \
        and '$' not in found else None


def account(c, where):
    name = c.options.account

    if logins_only(c):
        c.report.passed('bridge.account', 'it checks logins only, and the '
                        'mail server publishes')
        return
    if not name or not c.stream:
        c.report.skip('bridge.account', 'no device is parked')
        return

    found = wait(c, where, name)
    state = found.get('state')

    if state in ('watched', 'other'):
        c.report.passed('bridge.account', 'watched %s' % (
            'by ' + found.get('by', 'it') if state == 'watched'
            else 'by the bridge "%s"' % found.get('bridge')))
    elif state is None:
        c.report.fail('bridge.account:unknown', 'it does not know "%s"' % name,
                      'set pimap_presence on, or give it the Redis and the '
                      'prefix of nginx')
    else:
        what, text, do = STATES.get(state, (
            'bridge.account:other', state, 'see bridge.md#accounts'))
        c.report.fail(what, '%s%s' % (text, ': ' + found['reason']
                                      if found.get('reason') else ''), do)


# Its names are in lower case, unless it is told to keep them.
def wait(c, where, name):
    if not re.search(r'lowercase\s*[=:]\s*false', c.plan):
        name = ''.join(one.lower() if one.isascii() else one for one in name)

    end = time.monotonic() + c.options.timeout
    query = '/accounts?account=' + urllib.parse.quote(name, safe='')
    found = {}

    while True:
        try:
            _, body = ask(where(query), c.options.timeout)
            found = (json_of(body).get('accounts') or [{}])[0]
        except (OSError, HttpError):
            pass
        if found.get('state') in ('watched', 'other') \
                or time.monotonic() > end:
            return found
        time.sleep(0.2)
