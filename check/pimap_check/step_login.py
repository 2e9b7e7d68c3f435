# Copyright (C) ngx_pimap_module authors
#
# Owns the headers of logins, and the step that tries a wrong one.  Invariant:
# no secret is printed, or handed to another program.

import base64
import secrets

from . import http
from .http import HttpError, Stream


def basic(name, password):
    text = '%s:%s' % (name, password)
    return 'Authorization: Basic ' + base64.b64encode(
        text.encode('utf-8')).decode()


def bearer(token):
    if not token.isprintable() or ' ' in token:
        raise ValueError('the file has no token')
    return 'Authorization: Bearer ' + token


def run(c):
    if not c.url:
        c.report.skip('login.none', 'no --url')
        return

    tried(c, 'login.none', 'without a login', [])

    if not c.options.account:
        c.report.unknown('login.wrong:no-account', 'no name of a user',
                         'name one by --account')
    elif c.options.token_file:
        tried(c, 'login.wrong', 'with a wrong token',
              [bearer('x.' + secrets.token_urlsafe(16) + '.x')])
    else:
        tried(c, 'login.wrong', 'with a wrong password',
              [basic(c.options.account, secrets.token_urlsafe(16))])


def tried(c, name, how, headers):
    try:
        made = http.connect(c.url, c.options.timeout, c.options.ca_file)
        stream = Stream(made, c.url, ['Connection: close', *headers])
        stream.head(6 * c.options.timeout)
        stream.close()
    except (OSError, HttpError) as e:
        c.report.fail('%s:no-answer' % name, '%s: %s' % (how, e),
                      'see the error log of nginx')
        return

    if stream.status == 401:
        c.report.passed(name, '%s: 401' % how)
    elif stream.status == 200:
        c.report.fail('%s:open' % name, '%s: 200, so every visitor can '
                      'read every account\'s events' % how,
                      'add auth_request or auth_basic to the location, see '
                      'login.md')
    elif stream.status in (429, 503):
        c.report.warn('%s:later' % name, '%s: %d' % (how, stream.status),
                      'try again later: many wrong logins came from here, or '
                      'the mail server is away')
    else:
        c.report.warn('%s:other' % name, '%s: %d instead of 401'
                      % (how, stream.status),
                      'see --url, and the error log of nginx')
