
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the topology of a Redis Cluster: its nodes, and the master of each
 * slot.  Called by the module and the bridge.  Invariant: every owner is the
 * index of a master, or PIMAP_REDIS_NO_NODE.  A single Redis is a cluster of
 * one node, which owns all slots.
 */


#ifndef _PIMAP_REDIS_TOPOLOGY_H_INCLUDED_
#define _PIMAP_REDIS_TOPOLOGY_H_INCLUDED_


#include <hiredis/hiredis.h>

#include "pimap_redis_host.h"
#include "pimap_redis_slot.h"


#define PIMAP_REDIS_MAX_NODES   1024
#define PIMAP_REDIS_NO_NODE     UINT16_MAX

/* Bytes, with the zero byte. */
#define PIMAP_REDIS_NODE_ID     65


typedef struct {
    char         id[PIMAP_REDIS_NODE_ID];   /* empty: unknown */
    char         host[PIMAP_REDIS_HOST];    /* a name, or an address without
                                               brackets */
    uint16_t     port;
    uint16_t     slots;                 /* that it owns */
    unsigned     master:1;
    unsigned     failed:1;              /* or it still reads its data */
} pimap_redis_node_t;


typedef struct {
    pimap_redis_node_t  *nodes;
    unsigned             nnodes;
    unsigned             unassigned;    /* slots without a master */
    uint16_t             owner[PIMAP_REDIS_SLOTS];
} pimap_redis_topology_t;


/*
 * Read the replies to CLUSTER SHARDS and to CLUSTER SLOTS, which the older
 * Redis has.  "asked" is the host that replied: it is the host of a node
 * whose endpoint is unknown.  With "tls" ports are those for TLS.  A node
 * without a usable endpoint or port is left out, and its slots are unassigned.
 *
 * NULL, with the reason in "why", if the reply is an error or malformed, and
 * if memory is short.
 */
pimap_redis_topology_t *pimap_redis_topology_shards(const redisReply *reply,
    const char *asked, int tls, const char **why);
pimap_redis_topology_t *pimap_redis_topology_slots(const redisReply *reply,
    const char *asked, const char **why);

/* One node that owns all slots; NULL without memory. */
pimap_redis_topology_t *pimap_redis_topology_single(const char *host,
    unsigned port);

void pimap_redis_topology_free(pimap_redis_topology_t *topology);

/* The master of a slot; NULL if it has none. */
pimap_redis_node_t *pimap_redis_topology_owner(
    const pimap_redis_topology_t *topology, unsigned slot);

/* The index of a node; PIMAP_REDIS_NO_NODE if there is none. */
unsigned pimap_redis_topology_find(const pimap_redis_topology_t *topology,
    const char *host, unsigned port);

/*
 * A redirection says that this node is the master of a slot.  Adds the node if
 * it is new, which may move the array of nodes.  Returns its index;
 * PIMAP_REDIS_NO_NODE if there are too many, or no memory.
 */
unsigned pimap_redis_topology_move(pimap_redis_topology_t *topology,
    unsigned slot, const char *host, unsigned port);

/* A slot of this master; PIMAP_REDIS_SLOTS if it has none. */
unsigned pimap_redis_topology_slot_of(const pimap_redis_topology_t *topology,
    unsigned node);


#endif /* _PIMAP_REDIS_TOPOLOGY_H_INCLUDED_ */
