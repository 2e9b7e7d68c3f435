# Copyright (C) ngx_pimap_module authors
#
# Owns the step that looks at Redis with the rights of nginx.  Invariant: it
# leaves no key behind that does not end by itself.

import os
import re
import socket

from . import resp, step_cluster
from .connect import connect as connected
from .masters import each

ACCOUNT = 'pimap-check'
LIBRARIES = ('../../redis/pimap.lua', '/usr/share/pimap/pimap.lua')


def run(c):
    if not connect(c):
        return

    each(c, server)

    if c.target.cluster:
        step_cluster.run(c)

    if c.target.functions == 'off':
        c.report.skip('redis.functions', 'functions=off: events are live only')
    else:
        each(c, functions)

    for look in rights, persistence, eviction, settings:
        each(c, look)


def connect(c):
    args = c.conf.http().get('pimap_redis') if c.conf else None

    try:
        if args:
            c.target = resp.Target(args, os.path.dirname(c.conf.main))
        elif c.other:
            c.target = c.other
        else:
            c.report.unknown('redis.connect:none', 'the configuration has no '
                             'pimap_redis', 'add it, or name a server by '
                             '--redis')
            return False

        c.redis = connected(c.target, c.options.timeout)
        c.redis.command('PING')
    except (OSError, ValueError, resp.RedisError) as e:
        finding, do = remedy(e)
        c.report.fail(finding, '%s: %s' % (c.target or 'pimap_redis', e), do)
        c.redis = None
        return False

    c.cluster = c.redis if c.target.cluster else None
    c.report.passed('redis.connect', str(c.target))
    admin(c)
    return True


def admin(c):
    c.admin = c.redis

    if c.other and c.other is not c.target:
        try:
            c.admin = connected(c.other, c.options.timeout)
            c.admin.command('PING')
        except (OSError, resp.RedisError) as e:
            c.admin = c.redis
            c.report.fail('redis.other:failed', '--redis: %s' % e,
                          'correct --redis')


def remedy(error):
    text = str(error)

    if isinstance(error, ConnectionRefusedError):
        return 'redis.connect:refused', 'start Redis, or correct its ' \
            'address in pimap_redis'
    if isinstance(error, socket.timeout):
        return 'redis.connect:silent', 'see whether a firewall is between, ' \
            'and whether the port has TLS'
    if isinstance(error, resp.TlsError):
        return 'redis.connect:tls', 'see whether this port has TLS, and ' \
            'correct ca=, cert= or verify='
    if 'cluster support disabled' in text:
        return 'redis.connect:no-cluster', 'write redis:// in pimap_redis'
    if 'WRONGPASS' in text or 'NOAUTH' in text or 'AUTH' in text:
        return 'redis.connect:login', 'correct user= and password= of ' \
            'pimap_redis'
    if isinstance(error, PermissionError):
        return 'redis.connect:forbidden', 'run this command as root'
    return 'redis.connect:failed', 'correct pimap_redis, see directives.md'


def server(c):
    info = c.redis.info('server')
    info.update(c.redis.info('replication'))
    valkey = info.get('valkey_version')
    version = info.get('redis_version', '?')
    text = 'Valkey ' + valkey if valkey else 'Redis ' + version
    major = int(re.match(r'\d*', version)[0] or 0)

    if info.get('role') == 'slave':
        c.report.fail('redis.server:replica', text + ' is a replica',
                      'name the master, or the sentinels, in pimap_redis')
    elif info.get('redis_mode') == 'cluster' and not c.target.cluster:
        c.report.fail('redis.server:cluster', text + ' is a node of a '
                      'cluster', 'name cluster:// and some of its nodes in '
                      'pimap_redis')
    elif major < 7:
        c.report.warn('redis.server:old', text + ' keeps no log of events',
                      'take Redis 7 or later, or Valkey')
    else:
        c.report.passed('redis.server', text)


# The version of the library of this release.
def expected():
    here = os.path.dirname(os.path.realpath(__file__))

    for name in LIBRARIES:
        name = os.path.normpath(os.path.join(here, name))
        if os.path.exists(name):
            with open(name, encoding='utf-8') as f:
                match = re.search(r'^local VERSION = (\d+)', f.read(), re.M)
            return int(match[1]) if match else None
    return None


def functions(c):
    wanted = expected()
    do = 'run pimap-load-functions, see reliability.md'

    try:
        found = int(c.redis.command('FCALL', 'pimap_version', 0))
    except resp.RedisError as e:
        if str(e).startswith('NOPERM'):
            c.report.fail('redis.functions:right', str(e), 'give the user '
                          'the rights of install.md#a-user-of-its-own')
        else:
            c.report.fail('redis.functions:missing', 'the library is not '
                          'loaded: %s' % e, do)
        return

    c.log = True

    if wanted is None:
        c.report.passed('redis.functions', 'version %d' % found)
    elif found < wanted:
        c.report.fail('redis.functions:older', 'version %d is loaded, and '
                      'this release has %d' % (found, wanted), do)
    else:
        c.report.passed('redis.functions', 'version %d%s' % (
            found, '' if found == wanted
            else ', and this release has %d' % wanted))


# Each command that workers need, on a name of its own.
def rights(c):
    channel = own_channel(c)
    event = '{"event":"PimapCheck"}'
    publish, subscribe = ('SPUBLISH', 'SSUBSCRIBE') if c.target.cluster \
        else ('PUBLISH', 'SUBSCRIBE')
    commands = [(publish, channel, event), ('HGETALL', channel + ':revoked')]

    if c.log:
        commands += [('FCALL', 'pimap_post', 1, channel, event, 1, 60),
                     ('FCALL_RO', 'pimap_read', 1, channel, 0, 0, 1),
                     ('FCALL_RO', 'pimap_last', 1, channel),
                     ('DEL', channel, channel + ':epoch')]

    refused = [refusal(c.redis, one) for one in commands]

    try:
        one = resp.login(resp.Resp(c.redis.address, c.target,
                                   c.options.timeout), c.target.user,
                         c.target.password, 0)
        refused += [refusal(one, (subscribe, channel))]
        one.close()
    except (OSError, resp.RedisError) as e:
        c.report.fail('redis.acl:connection', 'a second connection: %s' % e,
                      'see maxclients, and the log of Redis')
        return

    refused = [name for name in refused if name]

    if refused:
        c.report.fail('redis.acl:right', '; '.join(refused), 'give the user '
                      'the rights of install.md#a-user-of-its-own')
    else:
        c.report.passed('redis.acl', 'the user may do all that workers need')


# Of an account that this master has.
def own_channel(c):
    for n in range(1 << 16):
        channel = '%s:{%s%s}' % (c.target.prefix, ACCOUNT, n or '')
        if not c.target.cluster \
                or c.cluster.owner(channel).address == c.redis.address:
            return channel
    raise resp.RedisError('the master has no slot')


# The reason why a command is refused.
def refusal(redis, command):
    try:
        redis.command(*command)
    except resp.RedisError as e:
        return '%s: %s' % (' '.join(command[:2]) if command[0] == 'FCALL'
                           else command[0], e)
    return None


def persistence(c):
    info = c.redis.info('persistence')
    do = 'set "appendonly yes", see reliability.md#losses-in-redis'

    if info.get('rdb_last_bgsave_status') == 'err' \
            or info.get('aof_last_write_status') == 'err':
        c.report.fail('redis.persistence:disk', 'the last write to the disk '
                      'has failed, so Redis may refuse events',
                      'see the log of Redis, and whether the disk is full')
    elif info.get('aof_enabled') == '1':
        c.report.passed('redis.persistence', 'appendonly yes')
    elif not c.log:
        c.report.passed('redis.persistence', 'not needed without a log')
    else:
        c.report.warn('redis.persistence:none', 'without an AOF a restart of '
                      'Redis loses events', do)


def eviction(c):
    info = c.redis.info('memory')
    limit = int(info.get('maxmemory', 0))
    used = int(info.get('used_memory', 0))
    policy = info.get('maxmemory_policy', '?')

    if limit and policy != 'noeviction':
        c.report.fail('redis.eviction:policy', 'maxmemory-policy is %s: Redis '
                      'may delete logs' % policy,
                      'set "maxmemory-policy noeviction"')
    elif limit and used > limit * 0.9:
        c.report.fail('redis.eviction:full', 'Redis uses %d of %d MB, and '
                      'refuses events beyond that' % (used >> 20, limit >> 20),
                      'raise maxmemory')
    else:
        c.report.passed('redis.eviction', 'maxmemory is %s' % (
            '%d MB, noeviction' % (limit >> 20) if limit else 'not set'))


# Only a user with many rights can read these.
def settings(c):
    try:
        found = c.admin.command('CONFIG', 'GET', 'timeout')
    except resp.RedisError:
        c.report.unknown('redis.timeout:right', 'the user may not read the '
                         'settings', 'name another one by --redis')
        return

    idle = int(found[1]) if len(found) == 2 else 0
    args = c.target.set.get('probe', '5s')
    from .nginx_conf import seconds

    if idle and idle <= seconds(args):
        c.report.fail('redis.timeout:short', 'timeout is %d: Redis closes the '
                      'connections of workers between two probes' % idle,
                      'set "timeout 0"')
    else:
        c.report.passed('redis.timeout', 'timeout is %d' % idle)
