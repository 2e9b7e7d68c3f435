# Copyright (C) ngx_pimap_module authors
#
# Owns how each master of a cluster is looked at.  Called by the steps.
# Invariant: there is one result for all of them, the worst, which names its
# master.  One Redis is its own only master.

from .report import FAIL, PASS, SKIP, UNKNOWN, WARN, Kept

ORDER = FAIL, UNKNOWN, WARN, SKIP, PASS


# Calls the function with each master as c.redis.
def each(c, look):
    kept, (report, redis, admin) = [], (c.report, c.redis, c.admin)
    masters = redis.masters()

    try:
        for c.redis in masters:
            c.admin = of(admin, c.redis) if admin is not redis else c.redis
            c.report = Kept()
            look(c)
            kept += [(found, c.redis) for found in c.report.results]
    finally:
        c.report, c.redis, c.admin = report, redis, admin

    for name in dict.fromkeys(found['check'] for found, _ in kept):
        tell(report, [one for one in kept if one[0]['check'] == name],
             len(masters))


# The same server, if the other login knows it.
def of(admin, master):
    for one in admin.masters():
        if one.address == master.address:
            return one
    return admin.masters()[0]


def tell(report, kept, masters):
    found, master = min(kept, key=lambda one: ORDER.index(one[0]['result']))
    finding = found.get('finding')
    name = found['check'] + (':' + finding if finding else '')
    text = found['text']

    if masters > 1:
        text = '%d masters: %s' % (masters, text) \
            if found['result'] in (PASS, SKIP) \
            else '%s:%d: %s' % (*master.address, text)

    report.add(name, found['result'], text, found.get('do'))
