
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Each bridge reports five times in the time of a lease.  It is taken for dead
 * after two thirds of that time, before the last of its leases ends.
 */


#include "bridge_supervisor.h"

#include <jansson.h>


static void bridge_peers_report(evutil_socket_t fd, short what, void *data);
static void bridge_peers_answered(void *data, redisReply *reply);
static uint64_t bridge_peers_hash(const char *bridge, const char *account);


static void         (*bridge_peers_handler)(const char *bridge);
static struct event   bridge_peers_timer;
static json_t        *bridge_peers;     /* an object, its keys are the names */


void
bridge_peers_init(void (*gone)(const char *bridge))
{
    bridge_peers_handler = gone;

    evtimer_assign(&bridge_peers_timer, bridge_base, bridge_peers_report,
                   NULL);

    bridge_peers_report(-1, 0, NULL);
}


void
bridge_peers_done(void)
{
    evtimer_del(&bridge_peers_timer);

    bridge_redis_call(bridge_redis_slot("bridges"), NULL, NULL,
                      "FCALL pimap_bridges 1 %s:bridges %s 0",
                      bridge_config->lease.id);

    json_decref(bridge_peers);
    bridge_peers = NULL;
}


int
bridge_peers_has(const char *bridge)
{
    return json_object_get(bridge_peers, bridge) != NULL;
}


unsigned
bridge_peers_count(void)
{
    return json_object_size(bridge_peers);
}


int
bridge_peers_prefers(const char *account)
{
    json_t      *value;
    uint64_t     ours;
    const char  *bridge;

    ours = bridge_peers_hash(bridge_config->lease.id, account);

    json_object_foreach(bridge_peers, bridge, value) {
        if (bridge_peers_hash(bridge, account) > ours) {
            return 0;
        }
    }

    return 1;
}


static void
bridge_peers_report(evutil_socket_t fd, short what, void *data)
{
    bridge_redis_call(bridge_redis_slot("bridges"), bridge_peers_answered,
                      NULL,
                      "FCALL pimap_bridges 1 %s:bridges %s %d",
                      bridge_config->lease.id,
                      (int) bridge_config->lease.time * 2 / 3);

    bridge_timer_set(&bridge_peers_timer, bridge_config->lease.time / 5);
}


/* The names of all bridges that have reported in time. */

static void
bridge_peers_answered(void *data, redisReply *reply)
{
    size_t       i;
    json_t      *value, *old;
    const char  *bridge;

    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY) {
        return;
    }

    old = bridge_peers;
    bridge_peers = json_object();

    for (i = 0; i < reply->elements; i++) {
        bridge = reply->element[i]->str;

        if (bridge && json_object_get(old, bridge) == NULL
            && strcmp(bridge, bridge_config->lease.id) != 0)
        {
            bridge_log(BRIDGE_LOG_NOTICE, "another bridge, \"%s\", is alive",
                       bridge);
        }

        if (bridge) {
            json_object_set_new(bridge_peers, bridge, json_true());
        }
    }

    json_object_foreach(old, bridge, value) {
        if (!bridge_peers_has(bridge)) {
            bridge_log(BRIDGE_LOG_NOTICE, "%s, \"%s\", is gone",
                       strcmp(bridge, bridge_config->lease.id) == 0
                       ? "the report of this bridge" : "another bridge",
                       bridge);
            bridge_peers_handler(bridge);
        }
    }

    json_decref(old);
}


/* FNV-1a, and a finish that lets each bit change all others. */

static uint64_t
bridge_peers_hash(const char *bridge, const char *account)
{
    uint64_t     h;
    const char  *p;

    h = 0xcbf29ce484222325ull;

    for (p = bridge; *p; p++) {
        h = (h ^ (unsigned char) *p) * 0x100000001b3ull;
    }

    for (p = account; *p; p++) {
        h = (h ^ (unsigned char) *p) * 0x100000001b3ull;
    }

    h ^= h >> 33;
    h *= 0xff51afd7ed558ccdull;
    h ^= h >> 33;

    return h;
}
