# Copyright (C) ngx_pimap_module authors
#
# Owns the step that asks the workers whether they can deliver.

from .http import HttpError, ask, json_of


def run(c):
    location, where = c.address('pimap_status')

    if not where:
        c.report.unknown('status.ready:none', 'no location has pimap_status',
                         'add one for this host, see setup.md')
        return

    try:
        status, body = ask(where, c.options.timeout, query='ready')
        _, text = ask(where, c.options.timeout, query='format=json')
    except (OSError, HttpError) as e:
        c.report.fail('status.ready:away', '%s: %s' % (where, e),
                      'start nginx, or correct its "listen"')
        return

    c.status = json_of(text)

    if status == 200:
        workers = len(c.status.get('workers', []))
        parked = c.status.get('parked', 0)
        c.report.passed('status.ready', '%d worker%s, %d device%s' % (
            workers, '' if workers == 1 else 's', parked,
            '' if parked == 1 else 's'))
    elif status == 503:
        c.report.fail('status.ready:not-ready', reason(body),
                      'see the next step, and the error log of nginx')
    else:
        c.report.fail('status.ready:denied', '%s answers %d' % (where, status),
                      'let this host in, by "allow"')


# The text of a refusal: a problem document, RFC 9457.
def reason(body):
    found = json_of(body)
    return found.get('detail') or found.get('error') or 'no reason'
