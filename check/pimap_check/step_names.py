# Copyright (C) ngx_pimap_module authors
#
# Owns the step that compares names: accounts that are parked, and accounts
# that have a log.  Invariant: its memory depends on the parked accounts, not
# on the logs, and its time has an end.

import random
import time

from . import resp

LOOK = 1000                             # parked accounts that are looked at
SCAN = 1000                             # keys of a call
SCAN_TIME = 30                          # seconds
ONLY_CHECKS = 20                        # events of a log that are looked at


def run(c):
    if c.redis is None:
        c.report.skip('names.published', 'Redis is not known')
        return
    if not c.log:
        c.report.skip('names.published', 'without a log nobody knows the '
                      'names of publishers')
        return

    try:
        found = listed(c)
        if found:
            compare(c, chosen(c, found))
        else:
            c.report.skip('names.published', 'no device is parked')
    except OSError as e:
        c.report.unknown('names.published:lost', 'Redis has gone: %s' % e,
                         'see the log of Redis')
    except resp.RedisError as e:
        c.report.unknown('names.published:right', 'the user of Redis may not '
                         'list names: %s' % e, 'name one with pubsub|channels '
                         'and scan by --redis')


# The command's own device first, then any.
def chosen(c, found):
    mine = found - c.before if c.before is not None else set()
    rest = sorted(found - mine)
    more = max(LOOK - len(mine), 0)
    return mine | set(rest if len(rest) <= more
                      else random.sample(rest, more))


# The accounts with a device; None if the user may not know.
def parked(c):
    if c.admin is None or c.target is None:
        return None
    try:
        return listed(c)
    except (OSError, resp.RedisError):
        return None


def listed(c):
    head = c.target.prefix + ':{'
    what = 'SHARDCHANNELS' if c.target.cluster else 'CHANNELS'
    channels = [one for master in c.admin.masters()
                for one in master.command('PUBSUB', what, glob(head) + '*')]

    return {one[len(head):-1] for one in channels if one.endswith('}')}


def glob(text):
    return ''.join('\\' + one if one in '*?[]\\^' else one for one in text)


def compare(c, found):
    silent = {one for one in found if not has_events(c, one)}
    others = spellings(c, silent)

    if others:
        mine, other = sorted(others.items())[0]
        more = len(others) - 1
        c.report.fail('names.published:other-name', '"%s" is parked and has '
                      'never had an event, but "%s" has%s' % (
                          mine, other, ', and %d more' % more if more
                          else ''), remedy(mine, other))
    elif silent:
        shown = sorted(silent)[:3]
        c.report.warn('names.published:no-event', '%d of %d parked accounts '
                      'have never had an event: %s' % (
                          len(silent), len(found),
                          ', '.join('"%s"' % one for one in shown)),
                      'see the next steps; a user without mail for a week is '
                      'no fault')
    else:
        c.report.passed('names.published', 'all parked accounts have had '
                        'events: %d' % len(found))


def remedy(mine, other):
    if mine.lower() == other.lower():
        return 'leave pimap_account_case at "lower", or let the login give ' \
            'the mail server\'s name'
    return 'let users log in as the mail server names them, with or without ' \
        'the domain'


# The test events of this command do not count.
def has_events(c, account):
    key = '%s:{%s}' % (c.target.prefix, account)
    last = c.redis.command('FCALL_RO', 'pimap_last', 1, key)
    epoch, _, n = last.partition('-')

    if not last:
        return False

    reply = read(c, key, epoch, max(int(n) - ONLY_CHECKS, 0))

    if reply[0] != 'ok':                # so many are not left
        reply = read(c, key, 0, 0)

    events = reply[3::2] if reply[0] == 'ok' else ['']

    return len(events) >= ONLY_CHECKS \
        or any('"PimapCheck"' not in one for one in events)


def read(c, key, epoch, n):
    return c.redis.command('FCALL_RO', 'pimap_read', 1, key, epoch, n,
                           ONLY_CHECKS)


# Published names that differ from the given ones in case or domain only.
def spellings(c, silent):
    wanted, found = {}, {}

    for one in silent:
        wanted.setdefault(local(one), []).append(one)

    end = time.monotonic() + SCAN_TIME
    head = c.target.prefix + ':{'

    for master in c.admin.masters() if wanted else ():
        for key in scan(master, glob(head) + '*}', end):
            name = key[len(head):-len('}')]
            for mine in wanted.get(local(name), ()):
                if alike(mine, name) and mine not in found:
                    found[mine] = name

    return {mine: other for mine, other in found.items()
            if has_events(c, other)}


def scan(master, pattern, end):
    cursor = None
    while cursor != '0' and time.monotonic() < end:
        cursor, keys = master.command('SCAN', cursor or '0', 'MATCH', pattern,
                                      'COUNT', SCAN, 'TYPE', 'stream')
        yield from keys


def local(name):
    return name.split('@')[0].lower()


# Two names that may mean the same user, and are not the same.
def alike(one, other):
    return one != other and local(one) == local(other) \
        and (one.lower() == other.lower() or ('@' in one) != ('@' in other))
