
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Each bridge reports five times in the time of a lease.  It is taken for dead
 * after two thirds of that time, before the last of its leases ends.
 */


#include "bridge_peers.h"
#include "bridge_redis_command.h"
#include "bridge_config.h"
#include "bridge_log.h"

#include <stdlib.h>


typedef struct bridge_peer_s  bridge_peer_t;

struct bridge_peer_s {
    bridge_peer_t  *next;
    int             seen;
    char           *id;
};


static void bridge_peers_say(evutil_socket_t fd, short what, void *data);
static void bridge_peers_answered(void *data, redisReply *reply);
static bridge_peer_t *bridge_peers_find(const char *id);
static void bridge_peers_gone(bridge_peer_t *peer);
static uint64_t bridge_peers_hash(const char *bridge, const char *account);


static void           (*bridge_peers_handler)(const char *bridge);
static struct event     bridge_peers_timer;
static bridge_peer_t   *bridge_peers;


void
bridge_peers_init(void (*gone)(const char *bridge))
{
    bridge_peers_handler = gone;

    evtimer_assign(&bridge_peers_timer, bridge_base, bridge_peers_say, NULL);

    bridge_peers_say(-1, 0, NULL);
}


void
bridge_peers_done(void)
{
    bridge_peer_t  *peer;

    evtimer_del(&bridge_peers_timer);

    bridge_redis_command_send(NULL, NULL,
                              "FCALL pimap_bridges 1 %s:bridges %s 0",
                              bridge_config->redis.prefix,
                              bridge_config->lease.id);

    while (bridge_peers) {
        peer = bridge_peers;
        bridge_peers = peer->next;

        free(peer->id);
        free(peer);
    }
}


int
bridge_peers_has(const char *bridge)
{
    return bridge_peers_find(bridge) != NULL;
}


unsigned
bridge_peers_count(void)
{
    unsigned          n;
    bridge_peer_t  *peer;

    n = 0;

    for (peer = bridge_peers; peer; peer = peer->next) {
        n++;
    }

    return n;
}


int
bridge_peers_prefers(const char *account)
{
    uint64_t          ours;
    bridge_peer_t  *peer;

    ours = bridge_peers_hash(bridge_config->lease.id, account);

    for (peer = bridge_peers; peer; peer = peer->next) {
        if (bridge_peers_hash(peer->id, account) > ours) {
            return 0;
        }
    }

    return 1;
}


static void
bridge_peers_say(evutil_socket_t fd, short what, void *data)
{
    bridge_redis_command_send(bridge_peers_answered, NULL,
                              "FCALL pimap_bridges 1 %s:bridges %s %d",
                              bridge_config->redis.prefix,
                              bridge_config->lease.id,
                              (int) bridge_config->lease.time * 2 / 3);

    bridge_timer_set(&bridge_peers_timer, bridge_config->lease.time / 5);
}


static void
bridge_peers_answered(void *data, redisReply *reply)
{
    size_t             i;
    bridge_peer_t   *peer, **next;

    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY) {
        return;
    }

    for (i = 0; i < reply->elements; i++) {

        if (reply->element[i]->type != REDIS_REPLY_STRING) {
            continue;
        }

        peer = bridge_peers_find(reply->element[i]->str);

        if (peer == NULL) {
            peer = bridge_alloc(sizeof(bridge_peer_t));
            peer->id = bridge_string(reply->element[i]->str);
            peer->next = bridge_peers;
            bridge_peers = peer;

            bridge_log(BRIDGE_LOG_NOTICE, "bridge \"%s\" is alive",
                       peer->id);
        }

        peer->seen = 1;
    }

    next = &bridge_peers;

    while (*next) {
        peer = *next;

        if (peer->seen) {
            peer->seen = 0;
            next = &peer->next;
            continue;
        }

        *next = peer->next;
        bridge_peers_gone(peer);
    }
}


static bridge_peer_t *
bridge_peers_find(const char *id)
{
    bridge_peer_t  *peer;

    for (peer = bridge_peers; peer; peer = peer->next) {
        if (strcmp(peer->id, id) == 0) {
            return peer;
        }
    }

    return NULL;
}


static void
bridge_peers_gone(bridge_peer_t *peer)
{
    bridge_log(BRIDGE_LOG_NOTICE, "bridge \"%s\" is gone", peer->id);

    bridge_peers_handler(peer->id);

    free(peer->id);
    free(peer);
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
