# Copyright (C) ngx_pimap_module authors
#
# Owns the look at a cluster as a whole.  Called by the step of Redis.

from . import resp
from .masters import each

SLOTS = 16384


def run(c):
    nodes = c.cluster.nodes
    masters = [node for node in nodes if node.is_master and node.slots]
    replicas = [node for node in nodes if not node.is_master
                and not node.failed]

    if not fault(c, masters):
        c.report.passed('redis.cluster', '%d masters, %d replicas, all slots'
                        % (len(masters), len(replicas)))
        spare(c, masters, replicas)
        each(c, moving)
        each(c, coverage)


def fault(c, masters):
    covered = sum(node.slots for node in masters)
    failed = [node for node in masters if node.failed]

    if failed:
        c.report.fail('redis.cluster:failed', '%s has failed, and no replica '
                      'has its place' % failed[0], 'start it, or let a '
                      'replica take over: CLUSTER FAILOVER TAKEOVER')
    elif covered < SLOTS:
        c.report.fail('redis.cluster:slots', '%d slots have no master: their '
                      'accounts get no event' % (SLOTS - covered),
                      'run "redis-cli --cluster fix"')
    elif c.cluster.lost:
        address, error = sorted(c.cluster.lost.items())[0]
        c.report.fail('redis.cluster:unreachable', 'the master %s:%d: %s' % (
            *address, error), 'let it announce an address that this host '
            'reaches: cluster-announce-ip, cluster-announce-port')
    else:
        return False
    return True


# Each master knows its own open slots only: "[slot->-id]", "[slot-<-id]".
def moving(c):
    lines = c.redis.command('CLUSTER', 'NODES').splitlines()
    slots = [word for line in lines if 'myself' in line
             for word in line.split(' ')[8:] if word[0] == '[']

    if slots:
        c.report.warn('redis.moving:open', '%d slots are on their way: %s' % (
            len(slots), slots[0]), 'end the move, or run '
            '"redis-cli --cluster fix"')
    else:
        c.report.passed('redis.moving', 'no slot is on its way')


def spare(c, masters, replicas):
    alone = [node for node in masters
             if not any(one.master == node.id for one in replicas)]

    if alone:
        c.report.warn('redis.replica:none', '%s has no replica: if it fails, '
                      'its accounts get no event' % alone[0],
                      'add one, by CLUSTER REPLICATE')
    else:
        c.report.passed('redis.replica', 'each master has one')


# By default one master that is lost stops all that see it.
def coverage(c):
    name = 'cluster-require-full-coverage'

    try:
        found = c.admin.command('CONFIG', 'GET', name)
    except resp.RedisError:
        c.report.unknown('redis.coverage:right', 'the user may not read the '
                         'settings', 'name another one by --redis')
        return

    if found[1:] == ['yes']:
        c.report.warn('redis.coverage:full', 'it stops all of its accounts '
                      'when another master is lost', 'set "%s no"' % name)
    else:
        c.report.passed('redis.coverage', 'it goes on without another one')
