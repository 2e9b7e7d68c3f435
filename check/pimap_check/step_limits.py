# Copyright (C) ngx_pimap_module authors
#
# Owns the step that compares limits with the number of devices.

from . import process, resp
from .masters import each
from .nginx_conf import size

KEPT = 8                                # connections that a worker keeps
FIRST_ZONE = 5 << 20                    # of 140,000 devices


def run(c):
    if c.conf is None:
        c.report.skip('limits.connections', 'nginx\'s configuration is not '
                      'known')
        return

    wanted = max(c.options.devices or c.status.get('parked', 0), 1)
    workers = [pid for pid in process.children(c.pid)
               if 'worker process' in process.read('/proc/%d/cmdline' % pid)
               ] if c.pid else []

    connections(c, wanted, len(workers) or 1)
    files(c, wanted, workers)
    backlog(c, wanted)
    zone(c, wanted)
    bridge(c, wanted)
    if c.redis is None:
        c.report.skip('limits.redis', 'Redis is not known')
    else:
        each(c, lambda c: clients(c, len(workers) or 1))


def connections(c, wanted, workers):
    each = 512
    for block in c.conf.root.blocks('events'):
        each = int(block.value('worker_connections', '512'))
    room = (each - min(KEPT + workers, each // 4)) * workers
    most = c.conf.http().value('pimap_max_devices')

    if room < wanted:
        c.report.fail('limits.connections:few', '%d workers with %d '
                      'connections have room for %d devices, not %d' % (
                          workers, each, room, wanted),
                      'raise worker_connections')
    elif most and most.isdigit() and 0 < int(most) < wanted:
        c.report.fail('limits.connections:max-devices', 'pimap_max_devices is '
                      '%s, and %d devices are expected' % (most, wanted),
                      'raise pimap_max_devices')
    elif room < wanted * 1.25:
        c.report.warn('limits.connections:reserve', 'room for %d devices, and '
                      '%d are expected: a reload needs some in reserve'
                      % (room, wanted), 'raise worker_connections')
    else:
        c.report.passed('limits.connections', 'room for %d devices' % room)


def files(c, wanted, workers):
    limits = [limit for limit in map(process.max_files, workers) if limit]

    if not limits:
        c.report.unknown('limits.files:no-worker', 'no worker is seen',
                         'start nginx')
        return

    room = sum(limits) - len(limits) * (KEPT + len(limits))

    if room < wanted:
        c.report.fail('limits.files:few', 'workers may open %d files, too few '
                      'for %d devices' % (sum(limits), wanted),
                      'raise worker_rlimit_nofile, see '
                      'install.md#many-devices')
    else:
        c.report.passed('limits.files', '%d for each worker' % min(limits))


# Devices that come back at once wait in the queue of "listen".
def backlog(c, wanted):
    most = int(process.read('/proc/sys/net/core/somaxconn').strip() or 128)
    server = c.events.around('server') if c.events else None
    asked = [int(word[8:]) for args in (server.own('listen') if server else ())
             for word in args if word.startswith('backlog=')]
    queue = min(most, max(asked, default=511))

    # a hundred times the queue come within a minute or two
    if wanted > queue * 100:
        c.report.warn('limits.backlog:short', 'the queue of new connections '
                      'has %d places (net.core.somaxconn is %d), for %d '
                      'devices' % (queue, most, wanted),
                      'raise net.core.somaxconn, and backlog= of "listen"')
    else:
        c.report.passed('limits.backlog', 'a queue of %d' % queue)


def zone(c, wanted):
    bytes_ = size(c.conf.http().value('pimap_zone')) or FIRST_ZONE
    room = 140000 * bytes_ // FIRST_ZONE

    if room < wanted:
        c.report.warn('limits.zone:small', 'pimap_zone counts about %d '
                      'devices, not %d' % (room, wanted), 'raise pimap_zone')
    else:
        c.report.passed('limits.zone', 'for about %d devices' % room)


# There may be several on a host.
def bridge(c, wanted):
    for pid in process.named('pimap-bridge'):
        words = process.read('/proc/%d/cmdline' % pid).split('\0')
        limit = process.max_files(pid)

        if limit is None or '-c' in words \
                and c.options.bridge_conf not in words:
            continue
        if limit < wanted + 100:
            c.report.warn('limits.bridge:files', 'the bridge may open %d '
                          'files, for %d devices' % (limit, wanted),
                          'raise LimitNOFILE of pimap-bridge.service')
        else:
            c.report.passed('limits.bridge', '%d files' % limit)
        return

    c.report.skip('limits.bridge', 'no bridge of these settings runs here')


# Two connections for each worker, and twice that during a reload.
def clients(c, workers):
    try:
        info = c.redis.info('clients')
        most = int(info['maxclients'])
        now = int(info['connected_clients']) \
            + int(info.get('cluster_connections', 0))
    except (KeyError, OSError, ValueError, resp.RedisError) as e:
        c.report.unknown('limits.redis:error', 'INFO clients: %s' % e,
                         'see the step of Redis')
        return

    if now + 2 * workers > most:
        c.report.warn('limits.redis:clients', 'Redis has %d of %d clients, '
                      'and a reload needs %d more' % (now, most, 2 * workers),
                      'raise maxclients of Redis')
    else:
        c.report.passed('limits.redis', '%d of %d clients' % (now, most))
