
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The nodes that are known are asked in turn, and then those of the settings,
 * one at a time.  A node that is cut off may say nothing new.  So after some
 * answers that changed nothing, though something is wrong, the next one is
 * asked.
 */


#include "bridge_topology.h"


#define BRIDGE_TOPOLOGY_PERIOD   30000  /* msec, while nothing is wrong */
#define BRIDGE_TOPOLOGY_PAUSE    200    /* msec between two questions */
#define BRIDGE_TOPOLOGY_MAX      2000   /* msec, while something is wrong */
#define BRIDGE_TOPOLOGY_SAME     3      /* answers until the next node */


static void bridge_topology_open(void);
static void bridge_topology_choose(bridge_redis_t *redis);
static void bridge_topology_up(bridge_redis_t *redis);
static void bridge_topology_down(bridge_redis_t *redis);
static void bridge_topology_timer_handler(evutil_socket_t fd, short what,
    void *data);
static void bridge_topology_ask(const char *what);
static void bridge_topology_reply(bridge_redis_t *redis, redisReply *reply);
static void bridge_topology_set(pimap_redis_topology_t *topology);
static int bridge_topology_is_same(const pimap_redis_topology_t *topology);
static void bridge_topology_report(void);


pimap_redis_topology_t  *bridge_topology;

static int             (*bridge_topology_changed)(void);
static bridge_redis_t    bridge_topology_redis;
static struct event      bridge_topology_timer;
static int               bridge_topology_is_open;
static const char       *bridge_topology_asked; /* NULL: no question */
static int               bridge_topology_wanted;
static int               bridge_topology_same;
static bridge_backoff_t  bridge_topology_backoff;
static unsigned          bridge_topology_lacking;   /* slots, in the log */


void
bridge_topology_start(int (*changed)(void))
{
    bridge_topology_changed = changed;

    if (bridge_redis_conf_is_cluster(bridge_redis_conf)) {
        bridge_topology_open();
        return;
    }

    bridge_topology = pimap_redis_topology_single("redis", 1);

    if (bridge_topology == NULL) {
        bridge_memory_none("the topology");
    }

    (void) changed();
}


static void
bridge_topology_open(void)
{
    bridge_redis_t  *redis;

    redis = &bridge_topology_redis;

    redis->role = "topology";
    redis->choose = bridge_topology_choose;
    redis->up = bridge_topology_up;
    redis->down = bridge_topology_down;
    redis->reply = bridge_topology_reply;

    evtimer_assign(&bridge_topology_timer, bridge_base,
                   bridge_topology_timer_handler, NULL);

    bridge_topology_is_open = 1;
    bridge_topology_asked = NULL;
    bridge_topology_wanted = 0;
    bridge_topology_same = 0;
    bridge_backoff_reset(&bridge_topology_backoff);

    bridge_redis_open(redis);
}


void
bridge_topology_stop(void)
{
    if (bridge_topology_is_open) {
        bridge_topology_is_open = 0;

        evtimer_del(&bridge_topology_timer);
        bridge_redis_close(&bridge_topology_redis);
    }

    pimap_redis_topology_free(bridge_topology);
    bridge_topology = NULL;
}


static void
bridge_topology_choose(bridge_redis_t *redis)
{
    unsigned                 i, known;
    pimap_redis_url_t       *url;

    url = &bridge_redis_conf->url;
    known = bridge_topology ? bridge_topology->nnodes : 0;

    i = redis->turn++ % (known + url->nhosts);

    if (i < known) {
        strcpy(redis->host, bridge_topology->nodes[i].host);
        redis->port = bridge_topology->nodes[i].port;

    } else {
        g_strlcpy(redis->host, url->hosts[i - known].name,
                  sizeof(redis->host));
        redis->port = url->hosts[i - known].port;
    }
}


static void
bridge_topology_up(bridge_redis_t *redis)
{
    bridge_topology_same = 0;
    bridge_topology_ask("SHARDS");
}


static void
bridge_topology_down(bridge_redis_t *redis)
{
    bridge_topology_asked = NULL;
    evtimer_del(&bridge_topology_timer);
}


void
bridge_topology_refresh(void)
{
    if (!bridge_topology_is_open || bridge_topology_wanted) {
        return;
    }

    bridge_topology_wanted = 1;

    if (bridge_topology_redis.state == BRIDGE_REDIS_UP
        && bridge_topology_asked == NULL)
    {
        bridge_timer_set(&bridge_topology_timer, BRIDGE_TOPOLOGY_PAUSE);
    }
}


static void
bridge_topology_timer_handler(evutil_socket_t fd, short what, void *data)
{
    if (bridge_topology_asked) {
        bridge_redis_fail(&bridge_topology_redis, "no answer in time");
        return;
    }

    if (bridge_topology_same >= BRIDGE_TOPOLOGY_SAME) {
        bridge_redis_end(&bridge_topology_redis);
        return;
    }

    bridge_topology_ask("SHARDS");
}


static void
bridge_topology_ask(const char *what)
{
    if (bridge_redis_format(&bridge_topology_redis, "CLUSTER %s", what) != 0) {
        bridge_redis_fail(&bridge_topology_redis, "no memory to ask");
        return;
    }

    bridge_topology_asked = what;
    bridge_timer_set(&bridge_topology_timer, bridge_redis_conf->timeout);
}


static void
bridge_topology_reply(bridge_redis_t *redis, redisReply *reply)
{
    const char              *why, *asked;
    pimap_redis_topology_t  *topology;

    asked = bridge_topology_asked;
    bridge_topology_asked = NULL;

    if (asked == NULL) {
        bridge_redis_fail(redis, "unexpected reply");
        return;
    }

    topology = strcmp(asked, "SHARDS") == 0
               ? pimap_redis_topology_shards(reply, redis->host,
                                             bridge_redis_conf->url.tls, &why)
               : pimap_redis_topology_slots(reply, redis->host, &why);

    if (topology) {
        bridge_topology_set(topology);
        return;
    }

    /* a proxy or a rule may know one of them only */

    if (strcmp(asked, "SHARDS") == 0 && reply->type == REDIS_REPLY_ERROR) {
        bridge_topology_ask("SLOTS");
        return;
    }

    bridge_redis_fail(redis, why);
}


static void
bridge_topology_set(pimap_redis_topology_t *topology)
{
    bridge_topology_same = bridge_topology_wanted
                           && bridge_topology_is_same(topology)
                           ? bridge_topology_same + 1 : 0;

    pimap_redis_topology_free(bridge_topology);
    bridge_topology = topology;

    bridge_topology_report();

    bridge_topology_wanted = 0;
    bridge_topology_wanted = !bridge_topology_changed()
                             || bridge_topology_wanted
                             || topology->unassigned;

    if (bridge_topology_wanted) {
        bridge_timer_set(&bridge_topology_timer,
                         bridge_backoff_next(&bridge_topology_backoff,
                                             BRIDGE_TOPOLOGY_PAUSE,
                                             BRIDGE_TOPOLOGY_MAX));
        return;
    }

    bridge_backoff_reset(&bridge_topology_backoff);
    bridge_timer_set(&bridge_topology_timer, BRIDGE_TOPOLOGY_PERIOD / 2
                                + bridge_random(BRIDGE_TOPOLOGY_PERIOD / 2));
}


/* The order of nodes is that of the one that was asked. */

static int
bridge_topology_is_same(const pimap_redis_topology_t *topology)
{
    unsigned             slot;
    pimap_redis_node_t  *old, *new;

    if (bridge_topology == NULL) {
        return 0;
    }

    for (slot = 0; slot < PIMAP_REDIS_SLOTS; slot++) {
        old = pimap_redis_topology_owner(bridge_topology, slot);
        new = pimap_redis_topology_owner(topology, slot);

        if ((old == NULL) != (new == NULL)
            || (old && (old->port != new->port
                        || strcmp(old->host, new->host) != 0)))
        {
            return 0;
        }
    }

    return 1;
}


static void
bridge_topology_report(void)
{
    unsigned  lacking;

    lacking = bridge_topology->unassigned;

    if (lacking && bridge_topology_lacking == 0) {
        bridge_log(BRIDGE_LOG_ERROR, "redis: %u of %u slots of the cluster "
                   "have no master that can be reached, their accounts wait",
                   lacking, PIMAP_REDIS_SLOTS);

    } else if (lacking == 0 && bridge_topology_lacking) {
        bridge_log(BRIDGE_LOG_NOTICE, "redis: each slot of the cluster has a "
                   "master");
    }

    bridge_topology_lacking = lacking;
}


unsigned
bridge_topology_slot(const char *name, size_t len)
{
    return bridge_redis_conf_is_cluster(bridge_redis_conf)
           ? pimap_redis_slot(name, len) : 0;
}
