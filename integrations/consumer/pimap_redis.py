# Copyright (C) ngx_pimap_module authors
#
# Connects the consumer to Redis by an address, and names the streams of
# updates there.  Called by consumer.py.  The addresses are those of
# "pimap_redis", and redis-py's own: one Redis, sentinels, or a cluster.

import logging

import redis
import redis.cluster
import redis.connection
import redis.sentinel

PARTITIONS = 16         # of the updates in a cluster (docs/reliability.md)
PORTS = {'cluster': 6379, 'sentinel': 26379}
ERRORS = redis.RedisError, redis.exceptions.RedisClusterException

# Each redirection would be a message with a traceback.
logging.getLogger('redis').setLevel(logging.CRITICAL)
logging.getLogger(redis.cluster.__name__).setLevel(logging.CRITICAL)

# One that is copied in part is deleted with a traceback else.
redis.cluster.ClusterNode.redis_connection = None


def kind_of(address):
    scheme = address.partition('://')[0]
    return scheme if scheme in PORTS else scheme[:-1] \
        if scheme.endswith('s') and scheme[:-1] in PORTS else None


def streams(address, prefix):
    if kind_of(address) != 'cluster':
        return [prefix + ':updates']
    return ['%s:updates:{%d}' % (prefix, p) for p in range(PARTITIONS)]


# A client of its own for each stream, because a cluster's client can't be
# shared by threads while it reads the topology.
def connect(address, **options):
    options.update(decode_responses=True, health_check_interval=30)
    kind = kind_of(address)
    if kind is None:
        if address.startswith('unix:/') and address[6:7] != '/':
            address = 'unix://' + address[5:]
        return redis.Redis.from_url(address, **options)
    hosts, first, path = split(address, PORTS[kind])
    if kind == 'cluster':
        nodes = [redis.cluster.ClusterNode(*host) for host in hosts]
        return redis.cluster.RedisCluster(startup_nodes=nodes, url=first,
                                          **options)
    return by_sentinel(hosts, first, path, options)


def by_sentinel(hosts, first, path, options):
    name, _, db = path.partition('/')
    options.update(redis.connection.parse_url(first))
    tls = {'ssl': True} if options.pop('connection_class', None) else {}
    tls.update({name: value for name, value in options.items()
                if name.startswith('ssl_')})
    for key in 'host', 'port':
        options.pop(key, None)
    options.update(tls, db=int(db or 0))
    sentinel = redis.sentinel.Sentinel(
        hosts, sentinel_kwargs=dict(tls, socket_timeout=2))
    return sentinel.master_for(name, **options)


# The hosts, an address of the first one with the login and the options, and
# the path.
def split(address, port):
    scheme, _, rest = address.partition('://')
    rest, mark, query = rest.partition('?')
    authority, _, path = rest.partition('/')
    login, at, names = authority.rpartition('@')
    hosts = [host_of(name, port) for name in names.split(',')]
    return hosts, '%s://%s%s%s:%d%s%s' % (
        'rediss' if scheme.endswith('s') else 'redis', login, at,
        '[%s]' % hosts[0][0] if ':' in hosts[0][0] else hosts[0][0],
        hosts[0][1], mark, query), path


def host_of(name, port):
    if name.startswith('['):
        host, _, rest = name[1:].partition(']')
        return host, int(rest[1:] or port)
    host, _, number = name.partition(':')
    return host, int(number or port)
