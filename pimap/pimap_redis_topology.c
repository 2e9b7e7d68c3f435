
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The nodes and the masters of slots, once a reply has been read.
 */


#include <stdlib.h>
#include <string.h>

#include "pimap_redis_topology_build.h"


static pimap_redis_node_t *pimap_redis_topology_push(
    pimap_redis_topology_t *topology);


pimap_redis_topology_t *
pimap_redis_topology_new(void)
{
    pimap_redis_topology_t  *topology;

    topology = calloc(1, sizeof(pimap_redis_topology_t));
    if (topology == NULL) {
        return NULL;
    }

    topology->unassigned = PIMAP_REDIS_SLOTS;

    memset(topology->owner, 0xff, sizeof(topology->owner));

    return topology;
}


pimap_redis_topology_t *
pimap_redis_topology_single(const char *host, unsigned port)
{
    unsigned                 slot;
    pimap_redis_topology_t  *topology;

    topology = pimap_redis_topology_new();
    if (topology == NULL) {
        return NULL;
    }

    if (pimap_redis_topology_add(topology, host, port) != 0) {
        pimap_redis_topology_free(topology);
        return NULL;
    }

    topology->nodes[0].master = 1;

    for (slot = 0; slot < PIMAP_REDIS_SLOTS; slot++) {
        pimap_redis_topology_assign(topology, slot, 0);
    }

    return topology;
}


void
pimap_redis_topology_free(pimap_redis_topology_t *topology)
{
    if (topology) {
        free(topology->nodes);
        free(topology);
    }
}


pimap_redis_node_t *
pimap_redis_topology_owner(const pimap_redis_topology_t *topology,
    unsigned slot)
{
    unsigned  node;

    node = slot < PIMAP_REDIS_SLOTS ? topology->owner[slot]
                                    : PIMAP_REDIS_NO_NODE;

    return node == PIMAP_REDIS_NO_NODE ? NULL : &topology->nodes[node];
}


unsigned
pimap_redis_topology_find(const pimap_redis_topology_t *topology,
    const char *host, unsigned port)
{
    unsigned  i;

    for (i = 0; i < topology->nnodes; i++) {
        if (topology->nodes[i].port == port
            && strcmp(topology->nodes[i].host, host) == 0)
        {
            return i;
        }
    }

    return PIMAP_REDIS_NO_NODE;
}


unsigned
pimap_redis_topology_move(pimap_redis_topology_t *topology, unsigned slot,
    const char *host, unsigned port)
{
    unsigned  node;

    if (slot >= PIMAP_REDIS_SLOTS) {
        return PIMAP_REDIS_NO_NODE;
    }

    node = pimap_redis_topology_find(topology, host, port);

    if (node == PIMAP_REDIS_NO_NODE) {
        node = pimap_redis_topology_add(topology, host, port);

        if (node == PIMAP_REDIS_NO_NODE) {
            return PIMAP_REDIS_NO_NODE;
        }
    }

    topology->nodes[node].master = 1;
    topology->nodes[node].failed = 0;

    pimap_redis_topology_assign(topology, slot, node);

    return node;
}


unsigned
pimap_redis_topology_slot_of(const pimap_redis_topology_t *topology,
    unsigned node)
{
    unsigned  slot;

    for (slot = 0; slot < PIMAP_REDIS_SLOTS; slot++) {
        if (topology->owner[slot] == node && node != PIMAP_REDIS_NO_NODE) {
            return slot;
        }
    }

    return PIMAP_REDIS_SLOTS;
}


void
pimap_redis_topology_assign(pimap_redis_topology_t *topology, unsigned slot,
    unsigned node)
{
    pimap_redis_node_t  *owner;

    owner = pimap_redis_topology_owner(topology, slot);

    if (owner) {
        owner->slots--;

    } else {
        topology->unassigned--;
    }

    topology->owner[slot] = node;
    topology->nodes[node].slots++;
}


unsigned
pimap_redis_topology_add(pimap_redis_topology_t *topology, const char *host,
    unsigned port)
{
    pimap_redis_node_t  *node;

    if (strlen(host) >= PIMAP_REDIS_HOST) {
        return PIMAP_REDIS_NO_NODE;
    }

    node = pimap_redis_topology_push(topology);
    if (node == NULL) {
        return PIMAP_REDIS_NO_NODE;
    }

    strcpy(node->host, host);
    node->port = port;

    return topology->nnodes - 1;
}


/* The size of the array is a power of two. */

static pimap_redis_node_t *
pimap_redis_topology_push(pimap_redis_topology_t *topology)
{
    size_t               n;
    pimap_redis_node_t  *nodes;

    n = topology->nnodes;

    if (n == PIMAP_REDIS_MAX_NODES) {
        return NULL;
    }

    if ((n & (n - 1)) == 0) {
        nodes = realloc(topology->nodes,
                        (n ? 2 * n : 1) * sizeof(pimap_redis_node_t));
        if (nodes == NULL) {
            return NULL;
        }

        topology->nodes = nodes;
    }

    memset(&topology->nodes[n], 0, sizeof(pimap_redis_node_t));
    topology->nnodes++;

    return &topology->nodes[n];
}
