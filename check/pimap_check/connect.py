# Copyright (C) ngx_pimap_module authors
#
# Owns the choice of the server: one Redis, the master that sentinels name, or
# a cluster.  Called by the step of Redis.

from .cluster import Cluster
from .resp import RedisError, Resp, login


# A connection that is logged in, or those of a cluster.
def connect(target, timeout):
    if target.cluster:
        return Cluster(target, timeout)
    if target.master is None:
        return login(Resp(target.addresses[0], target, timeout),
                     target.user, target.password, target.db)

    error = RedisError('no sentinel answers')
    for address in target.addresses:
        try:
            sentinel = login(Resp(address, target, timeout),
                             target.set.get('sentinel_user'),
                             target.set.get('sentinel_password'), 0)
            found = sentinel.command('SENTINEL', 'get-master-addr-by-name',
                                     target.master)
            sentinel.close()
            if not found:
                raise RedisError('the sentinel knows no master "%s"'
                                 % target.master)
            return login(Resp((found[0], int(found[1])), target, timeout),
                         target.user, target.password, target.db)
        except (OSError, RedisError) as e:
            error = e
    raise error
