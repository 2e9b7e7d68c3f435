
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns what an operator reads about Redis.  Called when a connection is lost,
 * and when the probes of all nodes have come back.  Invariant: an outage is
 * one line, of whatever connection, until then; and a second one if Redis is
 * there and refuses us.
 */


#include "bridge_redis.h"


typedef struct {
    const char  *why;                   /* begins with this */
    const char  *remedy;
} bridge_redis_remedy_t;


static const char *bridge_redis_remedy(const char *why);


/* in the log: it is away; it refuses */
static int  bridge_redis_outage[2];


void
bridge_redis_trouble(bridge_redis_t *redis, const char *why)
{
    const char  *remedy;

    remedy = bridge_redis_remedy(why);

    bridge_log(bridge_redis_outage[remedy != NULL] ? BRIDGE_LOG_INFO
                                                   : BRIDGE_LOG_ERROR,
               "redis (%s) \"%s\" port %u: %s, %s%strying again", redis->role,
               redis->host, redis->port, why, remedy ? remedy : "",
               remedy ? ", " : "");

    bridge_redis_outage[remedy != NULL] = 1;
}


static const char *
bridge_redis_remedy(const char *why)
{
    size_t  i;

    static const bridge_redis_remedy_t  remedies[] = {
        { "WRONGPASS", "check \"user\" and \"password\" of \"redis\"" },
        { "ERR AUTH", "check \"user\" and \"password\" of \"redis\"" },
        { "NOAUTH", "set \"password\" of \"redis\"" },
        { "NOPERM", "give the user the rights that docs/bridge.md lists" },
        { "MOVED", "it is a node of a cluster, set \"address\" of \"redis\" "
                   "to \"cluster://...\"" },
        { "ERR This instance has cluster support disabled",
          "it is no cluster, set \"address\" of \"redis\" to "
          "\"redis://...\"" }
    };

    for (i = 0; i < sizeof(remedies) / sizeof(remedies[0]); i++) {
        if (strncmp(why, remedies[i].why, strlen(remedies[i].why)) == 0) {
            return remedies[i].remedy;
        }
    }

    return NULL;
}


void
bridge_redis_works(void)
{
    if (bridge_redis_outage[0] || bridge_redis_outage[1]) {
        bridge_redis_trouble_forget();
        bridge_log(BRIDGE_LOG_NOTICE, "redis: connected again");
    }
}


void
bridge_redis_trouble_forget(void)
{
    memset(bridge_redis_outage, 0, sizeof(bridge_redis_outage));
}
