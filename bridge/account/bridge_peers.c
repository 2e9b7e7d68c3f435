
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Each bridge says that it is there five times in the time of a lease, and is
 * taken for dead after two thirds of it: before the last of its leases ends.
 */


#include "bridge_peers.h"
#include "bridge_redis_command.h"
#include "bridge_config.h"
#include "bridge_lease.h"
#include "bridge_log.h"
#include "bridge_update_consumer.h"

#include <stdlib.h>


typedef struct bridge_member_s  bridge_member_t;

struct bridge_member_s {
    bridge_member_t  *next;
    int               seen;
    char             *id;
};


static void bridge_peers_say(evutil_socket_t fd, short what, void *data);
static void bridge_peers_answered(void *data, redisReply *reply);
static bridge_member_t *bridge_peers_find(const char *id);
static void bridge_peers_gone(bridge_member_t *member);
static uint64_t bridge_peers_hash(const char *bridge, const char *account);


static struct event      bridge_peers_timer;
static bridge_member_t  *bridge_peers;


void
bridge_peers_init(void)
{
    evtimer_assign(&bridge_peers_timer, bridge_base, bridge_peers_say,
                   NULL);

    bridge_peers_say(-1, 0, NULL);
}


void
bridge_peers_done(void)
{
    bridge_member_t  *member;

    evtimer_del(&bridge_peers_timer);

    bridge_redis_command_send(NULL, NULL,
                              "FCALL pimap_bridges 1 %s:bridges %s 0",
                          bridge_config->redis.prefix,
                          bridge_config->lease.id);

    while (bridge_peers) {
        member = bridge_peers;
        bridge_peers = member->next;

        free(member->id);
        free(member);
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
    bridge_member_t  *member;

    n = 0;

    for (member = bridge_peers; member; member = member->next) {
        n++;
    }

    return n;
}


int
bridge_peers_prefers(const char *account)
{
    uint64_t          ours;
    bridge_member_t  *member;

    ours = bridge_peers_hash(bridge_config->lease.id, account);

    for (member = bridge_peers; member; member = member->next) {
        if (bridge_peers_hash(member->id, account) > ours) {
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
    bridge_member_t   *member, **next;

    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY) {
        return;
    }

    for (i = 0; i < reply->elements; i++) {

        if (reply->element[i]->type != REDIS_REPLY_STRING) {
            continue;
        }

        member = bridge_peers_find(reply->element[i]->str);

        if (member == NULL) {
            member = bridge_alloc(sizeof(bridge_member_t));
            member->id = bridge_string(reply->element[i]->str);
            member->next = bridge_peers;
            bridge_peers = member;

            bridge_log(BRIDGE_LOG_NOTICE, "bridge \"%s\" is there",
                       member->id);
        }

        member->seen = 1;
    }

    next = &bridge_peers;

    while (*next) {
        member = *next;

        if (member->seen) {
            member->seen = 0;
            next = &member->next;
            continue;
        }

        *next = member->next;
        bridge_peers_gone(member);
    }
}


static bridge_member_t *
bridge_peers_find(const char *id)
{
    bridge_member_t  *member;

    for (member = bridge_peers; member; member = member->next) {
        if (strcmp(member->id, id) == 0) {
            return member;
        }
    }

    return NULL;
}


static void
bridge_peers_gone(bridge_member_t *member)
{
    bridge_log(BRIDGE_LOG_NOTICE, "bridge \"%s\" is gone", member->id);

    bridge_lease_orphaned(member->id);

    free(member->id);
    free(member);
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
