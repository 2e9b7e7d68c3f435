
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Nodes are matched with those of the topology by host and port.
 */


#include "bridge_node.h"

#include <stdlib.h>


#define BRIDGE_NODE_UNUSED  10000       /* msec until it is closed */


static int bridge_node_changed(void);
static bridge_node_t *bridge_node_find(const char *host, unsigned port);
static void bridge_node_count(void);
static void bridge_node_sweep(evutil_socket_t fd, short what, void *data);
static void bridge_node_free(bridge_node_t *node);


static const bridge_node_ops_t  *bridge_node_ops;
static struct event              bridge_node_sweeper;

/* by the index in the topology */
static bridge_node_t            *bridge_node_masters[PIMAP_REDIS_MAX_NODES];

static LIST_HEAD(, bridge_node_s)  bridge_nodes =
    LIST_HEAD_INITIALIZER(bridge_nodes);


void
bridge_node_start(const bridge_node_ops_t *ops)
{
    bridge_node_ops = ops;

    evtimer_assign(&bridge_node_sweeper, bridge_base, bridge_node_sweep, NULL);

    bridge_topology_start(bridge_node_changed);
}


void
bridge_node_stop(void)
{
    bridge_topology_stop();

    evtimer_del(&bridge_node_sweeper);

    while (!LIST_EMPTY(&bridge_nodes)) {
        bridge_node_free(LIST_FIRST(&bridge_nodes));
    }
}


static int
bridge_node_changed(void)
{
    unsigned             i;
    pimap_redis_node_t  *master;

    memset(bridge_node_masters, 0, sizeof(bridge_node_masters));

    for (i = 0; i < bridge_topology->nnodes; i++) {
        master = &bridge_topology->nodes[i];

        if (master->slots) {
            bridge_node_masters[i] = bridge_node_get(master->host,
                                                     master->port);
        }
    }

    bridge_node_count();

    return bridge_node_share(bridge_node_ops->works)
           == PIMAP_REDIS_SLOTS - bridge_topology->unassigned;
}


bridge_node_t *
bridge_node_first(void)
{
    return LIST_FIRST(&bridge_nodes);
}


bridge_node_t *
bridge_node_of(unsigned slot)
{
    unsigned  i;

    i = bridge_topology ? bridge_topology->owner[slot] : PIMAP_REDIS_NO_NODE;

    return i == PIMAP_REDIS_NO_NODE ? NULL : bridge_node_masters[i];
}


bridge_node_t *
bridge_node_get(const char *host, unsigned port)
{
    bridge_node_t  *node;

    node = bridge_node_find(host, port);

    if (node == NULL) {
        node = bridge_alloc(sizeof(bridge_node_t));

        strcpy(node->host, host);
        node->port = port;
        node->used = bridge_now();

        LIST_INSERT_HEAD(&bridge_nodes, node, link);
        bridge_node_ops->opened(node);
    }

    node->used = bridge_now();

    return node;
}


static bridge_node_t *
bridge_node_find(const char *host, unsigned port)
{
    bridge_node_t  *node;

    LIST_FOREACH(node, &bridge_nodes, link) {
        if (node->port == port && strcmp(node->host, host) == 0) {
            return node;
        }
    }

    return NULL;
}


bridge_node_t *
bridge_node_moved(unsigned slot, const char *host, unsigned port)
{
    unsigned  i;

    bridge_topology_refresh();

    i = bridge_topology
        ? pimap_redis_topology_move(bridge_topology, slot, host, port)
        : PIMAP_REDIS_NO_NODE;

    if (i == PIMAP_REDIS_NO_NODE) {
        return NULL;
    }

    bridge_node_masters[i] = bridge_node_get(host, port);
    bridge_node_count();

    return bridge_node_masters[i];
}


/* Those without slots are swept later, as a callback of theirs may run. */

static void
bridge_node_count(void)
{
    unsigned        i;
    bridge_node_t  *node;

    LIST_FOREACH(node, &bridge_nodes, link) {
        node->slots = 0;
    }

    for (i = 0; i < bridge_topology->nnodes; i++) {
        if (bridge_node_masters[i]) {
            bridge_node_masters[i]->slots = bridge_topology->nodes[i].slots;
        }
    }

    if (!evtimer_pending(&bridge_node_sweeper, NULL)) {
        bridge_timer_set(&bridge_node_sweeper, BRIDGE_NODE_UNUSED);
    }

    bridge_node_ops->placed();
}


static void
bridge_node_sweep(evutil_socket_t fd, short what, void *data)
{
    int             left;
    bridge_node_t  *node, *next;

    left = 0;

    for (node = LIST_FIRST(&bridge_nodes); node; node = next) {
        next = LIST_NEXT(node, link);

        if (node->slots) {
            continue;
        }

        if (bridge_now() - node->used < BRIDGE_NODE_UNUSED
            || !bridge_node_ops->is_idle(node))
        {
            left = 1;
            continue;
        }

        bridge_node_free(node);
    }

    if (left) {
        bridge_timer_set(&bridge_node_sweeper, BRIDGE_NODE_UNUSED);
    }
}


static void
bridge_node_free(bridge_node_t *node)
{
    unsigned  i;

    for (i = 0; i < PIMAP_REDIS_MAX_NODES; i++) {
        if (bridge_node_masters[i] == node) {
            bridge_node_masters[i] = NULL;
        }
    }

    LIST_REMOVE(node, link);
    bridge_node_ops->closed(node);

    free(node);
}


unsigned
bridge_node_slot(bridge_node_t *node)
{
    unsigned  i;

    for (i = 0; bridge_topology && i < bridge_topology->nnodes; i++) {
        if (bridge_node_masters[i] == node) {
            return pimap_redis_topology_slot_of(bridge_topology, i);
        }
    }

    return PIMAP_REDIS_SLOTS;
}


void
bridge_node_choose(bridge_redis_t *redis)
{
    bridge_node_t  *node = redis->data;

    strcpy(redis->host, node->host);
    redis->port = node->port;
}


unsigned
bridge_node_share(int (*works)(bridge_node_t *node))
{
    unsigned        slots;
    bridge_node_t  *node;

    slots = 0;

    LIST_FOREACH(node, &bridge_nodes, link) {
        if (node->slots && works(node)) {
            slots += node->slots;
        }
    }

    return slots;
}


int
bridge_node_is_up(bridge_node_t *node)
{
    return node->commands.redis.state == BRIDGE_REDIS_UP
           && !node->commands.redis.failed;
}


int
bridge_node_ready(void)
{
    return bridge_node_share(bridge_node_is_up) > PIMAP_REDIS_SLOTS / 2;
}


int
bridge_node_redirect(bridge_node_t *node, redisReply *reply,
    bridge_node_t **ask)
{
    pimap_redis_redirect_t  redirect;

    *ask = NULL;

    switch (pimap_redis_redirect_parse(&redirect, reply->str, reply->len,
                                       node->host))
    {

    case PIMAP_REDIS_REDIRECT_MOVED:
        if (redirect.port) {
            (void) bridge_node_moved(redirect.slot, redirect.host,
                                     redirect.port);
        } else {
            bridge_topology_refresh();
        }

        return 1;

    case PIMAP_REDIS_REDIRECT_ASK:
        if (redirect.port) {
            *ask = bridge_node_get(redirect.host, redirect.port);
        }

        return 1;

    case PIMAP_REDIS_REDIRECT_TRYAGAIN:
        return 1;

    case PIMAP_REDIS_REDIRECT_DOWN:
        bridge_topology_refresh();
        return 1;

    default:
        return 0;
    }
}
