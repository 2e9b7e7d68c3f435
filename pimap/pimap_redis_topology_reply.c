
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The replies to CLUSTER SHARDS and CLUSTER SLOTS.  In RESP2 a map is an array
 * of names and values in turn.
 */


#include <string.h>

#include "pimap_redis_topology_build.h"


#define PIMAP_REDIS_TOPOLOGY_BUCKETS  (2 * PIMAP_REDIS_MAX_NODES)


typedef struct {
    pimap_redis_topology_t  *topology;
    const char              *asked;
    int                      tls;
    const char              *why;       /* NULL: good so far */

    /* by host and port: the index of a node, or PIMAP_REDIS_NO_NODE */
    uint16_t                 buckets[PIMAP_REDIS_TOPOLOGY_BUCKETS];
} pimap_redis_topology_build_t;


/* A node as a reply has it.  A member may be NULL. */

typedef struct {
    const redisReply        *id;
    const redisReply        *endpoint;
    const redisReply        *ip;
    const redisReply        *port;
    unsigned                 master:1;
    unsigned                 failed:1;
} pimap_redis_topology_entry_t;


static int pimap_redis_topology_begin(pimap_redis_topology_build_t *build,
    const redisReply *reply, const char *asked, int tls);
static pimap_redis_topology_t *pimap_redis_topology_end(
    pimap_redis_topology_build_t *build, const char **why);
static void pimap_redis_topology_shard(pimap_redis_topology_build_t *build,
    const redisReply *shard);
static unsigned pimap_redis_topology_shard_master(
    pimap_redis_topology_build_t *build, const redisReply *nodes);
static void pimap_redis_topology_entry(pimap_redis_topology_entry_t *entry,
    const redisReply *map, int tls);
static void pimap_redis_topology_range(pimap_redis_topology_build_t *build,
    const redisReply *range);
static void pimap_redis_topology_own(pimap_redis_topology_build_t *build,
    const redisReply *start, const redisReply *end, unsigned node);
static unsigned pimap_redis_topology_node(pimap_redis_topology_build_t *build,
    const pimap_redis_topology_entry_t *entry);
static unsigned pimap_redis_topology_place(
    pimap_redis_topology_build_t *build, const char *host, unsigned port);
static int pimap_redis_topology_host(char *host,
    const pimap_redis_topology_entry_t *entry, const char *asked);
static const redisReply *pimap_redis_topology_member(const redisReply *map,
    const char *name);
static int pimap_redis_topology_is(const redisReply *reply, const char *text);


pimap_redis_topology_t *
pimap_redis_topology_shards(const redisReply *reply, const char *asked,
    int tls, const char **why)
{
    size_t                         i;
    pimap_redis_topology_build_t   build;

    if (pimap_redis_topology_begin(&build, reply, asked, tls) == 0) {
        for (i = 0; i < reply->elements && build.why == NULL; i++) {
            pimap_redis_topology_shard(&build, reply->element[i]);
        }
    }

    return pimap_redis_topology_end(&build, why);
}


pimap_redis_topology_t *
pimap_redis_topology_slots(const redisReply *reply, const char *asked,
    const char **why)
{
    size_t                         i;
    pimap_redis_topology_build_t   build;

    if (pimap_redis_topology_begin(&build, reply, asked, 0) == 0) {
        for (i = 0; i < reply->elements && build.why == NULL; i++) {
            pimap_redis_topology_range(&build, reply->element[i]);
        }
    }

    return pimap_redis_topology_end(&build, why);
}


static int
pimap_redis_topology_begin(pimap_redis_topology_build_t *build,
    const redisReply *reply, const char *asked, int tls)
{
    memset(build, 0, sizeof(pimap_redis_topology_build_t));
    memset(build->buckets, 0xff, sizeof(build->buckets));

    build->asked = asked;
    build->tls = tls;

    if (reply->type != REDIS_REPLY_ARRAY) {
        build->why = reply->type == REDIS_REPLY_ERROR
                     ? reply->str : "the topology is no list";
        return -1;
    }

    build->topology = pimap_redis_topology_new();

    if (build->topology == NULL) {
        build->why = "no memory for the topology";
        return -1;
    }

    return 0;
}


static pimap_redis_topology_t *
pimap_redis_topology_end(pimap_redis_topology_build_t *build,
    const char **why)
{
    if (build->why == NULL && build->topology->nnodes == 0) {
        build->why = build->tls
                     ? "no node of the topology has a host and a port for TLS"
                     : "no node of the topology has a host and a port";
    }

    /* the node has left the cluster, or has not joined it yet */

    if (build->why == NULL
        && build->topology->unassigned == PIMAP_REDIS_SLOTS)
    {
        build->why = "no slot of the topology has a master";
    }

    if (build->why) {
        *why = build->why;
        pimap_redis_topology_free(build->topology);
        return NULL;
    }

    return build->topology;
}


static void
pimap_redis_topology_shard(pimap_redis_topology_build_t *build,
    const redisReply *shard)
{
    size_t             i;
    unsigned           master;
    const redisReply  *slots, *nodes;

    slots = pimap_redis_topology_member(shard, "slots");
    nodes = pimap_redis_topology_member(shard, "nodes");

    if (slots == NULL || slots->type != REDIS_REPLY_ARRAY
        || slots->elements % 2
        || nodes == NULL || nodes->type != REDIS_REPLY_ARRAY)
    {
        build->why = "a shard has no slots or no nodes";
        return;
    }

    master = pimap_redis_topology_shard_master(build, nodes);

    for (i = 0; i < slots->elements && build->why == NULL; i += 2) {
        pimap_redis_topology_own(build, slots->element[i],
                                 slots->element[i + 1], master);
    }
}


/* Adds the nodes.  A master that works goes before one that has failed. */

static unsigned
pimap_redis_topology_shard_master(pimap_redis_topology_build_t *build,
    const redisReply *nodes)
{
    size_t                         i;
    unsigned                       node, master;
    pimap_redis_node_t            *all;
    pimap_redis_topology_entry_t   entry;

    master = PIMAP_REDIS_NO_NODE;

    for (i = 0; i < nodes->elements && build->why == NULL; i++) {
        pimap_redis_topology_entry(&entry, nodes->element[i], build->tls);

        node = pimap_redis_topology_node(build, &entry);
        all = build->topology->nodes;

        if (node != PIMAP_REDIS_NO_NODE && entry.master
            && (master == PIMAP_REDIS_NO_NODE
                || (all[master].failed && !all[node].failed)))
        {
            master = node;
        }
    }

    return master;
}


static void
pimap_redis_topology_entry(pimap_redis_topology_entry_t *entry,
    const redisReply *map, int tls)
{
    const redisReply  *health;

    health = pimap_redis_topology_member(map, "health");

    entry->id = pimap_redis_topology_member(map, "id");
    entry->endpoint = pimap_redis_topology_member(map, "endpoint");
    entry->ip = pimap_redis_topology_member(map, "ip");
    entry->port = pimap_redis_topology_member(map, tls ? "tls-port" : "port");

    entry->master = pimap_redis_topology_is(
                        pimap_redis_topology_member(map, "role"), "master");
    entry->failed = health && !pimap_redis_topology_is(health, "online");
}


/* [start, end, [endpoint, port, id, [names and values]], replicas ...] */

static void
pimap_redis_topology_range(pimap_redis_topology_build_t *build,
    const redisReply *range)
{
    size_t                         i;
    unsigned                       node, master;
    const redisReply              *r;
    pimap_redis_topology_entry_t   entry;

    if (range->type != REDIS_REPLY_ARRAY || range->elements < 3) {
        build->why = "a range of slots has no node";
        return;
    }

    master = PIMAP_REDIS_NO_NODE;

    for (i = 2; i < range->elements && build->why == NULL; i++) {
        r = range->element[i];

        if (r->type != REDIS_REPLY_ARRAY || r->elements < 2) {
            build->why = "a node of a range of slots is malformed";
            return;
        }

        memset(&entry, 0, sizeof(pimap_redis_topology_entry_t));

        entry.endpoint = r->element[0];
        entry.port = r->element[1];
        entry.id = r->elements > 2 ? r->element[2] : NULL;
        entry.ip = r->elements > 3
                   ? pimap_redis_topology_member(r->element[3], "ip") : NULL;
        entry.master = i == 2;

        node = pimap_redis_topology_node(build, &entry);

        if (i == 2) {
            master = node;
        }
    }

    if (build->why == NULL) {
        pimap_redis_topology_own(build, range->element[0], range->element[1],
                                 master);
    }
}


/* No slot twice: so the work is bounded, whatever the ranges are. */

static void
pimap_redis_topology_own(pimap_redis_topology_build_t *build,
    const redisReply *start, const redisReply *end, unsigned node)
{
    long long  slot;

    if (start->type != REDIS_REPLY_INTEGER || end->type != REDIS_REPLY_INTEGER
        || start->integer < 0 || start->integer > end->integer
        || end->integer >= PIMAP_REDIS_SLOTS)
    {
        build->why = "a range of slots is malformed";
        return;
    }

    if (node == PIMAP_REDIS_NO_NODE) {
        return;
    }

    for (slot = start->integer; slot <= end->integer; slot++) {

        if (build->topology->owner[slot] != PIMAP_REDIS_NO_NODE) {
            build->why = "a slot has two masters";
            return;
        }

        pimap_redis_topology_assign(build->topology, slot, node);
    }
}


/* PIMAP_REDIS_NO_NODE if it can't be reached, or if reading has failed. */

static unsigned
pimap_redis_topology_node(pimap_redis_topology_build_t *build,
    const pimap_redis_topology_entry_t *entry)
{
    char                 host[PIMAP_REDIS_HOST];
    unsigned             i, known;
    pimap_redis_node_t  *node;

    if (entry->port == NULL || entry->port->type != REDIS_REPLY_INTEGER
        || entry->port->integer < 1 || entry->port->integer > 65535
        || pimap_redis_topology_host(host, entry, build->asked) != 0)
    {
        return PIMAP_REDIS_NO_NODE;
    }

    known = build->topology->nnodes;
    i = pimap_redis_topology_place(build, host, entry->port->integer);

    if (i == PIMAP_REDIS_NO_NODE) {
        build->why = known == PIMAP_REDIS_MAX_NODES
                     ? "the topology has too many nodes"
                     : "no memory for the topology";
        return PIMAP_REDIS_NO_NODE;
    }

    node = &build->topology->nodes[i];

    node->master |= entry->master;
    node->failed = entry->failed && (i == known || node->failed);

    if (entry->id && entry->id->type == REDIS_REPLY_STRING
        && entry->id->len < PIMAP_REDIS_NODE_ID)
    {
        memcpy(node->id, entry->id->str, entry->id->len);
        node->id[entry->id->len] = '\0';
    }

    return i;
}


/* Finds the node in the table, which is never full, or adds it. */

static unsigned
pimap_redis_topology_place(pimap_redis_topology_build_t *build,
    const char *host, unsigned port)
{
    uint32_t             hash;
    uint16_t            *bucket;
    const char          *p;
    pimap_redis_node_t  *node;

    hash = port;

    for (p = host; *p; p++) {
        hash = hash * 31 + (unsigned char) *p;
    }

    for ( ;; ) {
        bucket = &build->buckets[hash++ % PIMAP_REDIS_TOPOLOGY_BUCKETS];

        if (*bucket == PIMAP_REDIS_NO_NODE) {
            *bucket = pimap_redis_topology_add(build->topology, host, port);
            return *bucket;
        }

        node = &build->topology->nodes[*bucket];

        if (node->port == port && strcmp(node->host, host) == 0) {
            return *bucket;
        }
    }
}


/*
 * No endpoint: the host that was asked.  "?": it prefers names and has none.
 */

static int
pimap_redis_topology_host(char *host,
    const pimap_redis_topology_entry_t *entry, const char *asked)
{
    const redisReply  *r;

    r = entry->endpoint;

    if (r && r->type == REDIS_REPLY_STRING && strcmp(r->str, "?") == 0) {
        r = entry->ip;

        if (r == NULL || r->len == 0) {
            return -1;
        }
    }

    if (r == NULL || r->type == REDIS_REPLY_NIL
        || (r->type == REDIS_REPLY_STRING && r->len == 0))
    {
        return pimap_redis_host_copy(host, asked, strlen(asked));
    }

    return r->type == REDIS_REPLY_STRING
           ? pimap_redis_host_copy(host, r->str, r->len) : -1;
}


static const redisReply *
pimap_redis_topology_member(const redisReply *map, const char *name)
{
    size_t  i;

    if (map->type != REDIS_REPLY_ARRAY) {
        return NULL;
    }

    for (i = 0; i + 1 < map->elements; i += 2) {
        if (pimap_redis_topology_is(map->element[i], name)) {
            return map->element[i + 1];
        }
    }

    return NULL;
}


static int
pimap_redis_topology_is(const redisReply *reply, const char *text)
{
    return reply && reply->type == REDIS_REPLY_STRING
           && strcmp(reply->str, text) == 0;
}
