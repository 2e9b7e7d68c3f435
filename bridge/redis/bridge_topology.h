
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the topology of Redis, and the connection by which a cluster is asked
 * for it.  Called by bridge_node.c and by those that see a redirection.
 * Invariant: one Redis, and a master behind sentinels, is one node with all
 * slots.
 */


#ifndef _BRIDGE_TOPOLOGY_H_INCLUDED_
#define _BRIDGE_TOPOLOGY_H_INCLUDED_


#include "bridge_redis.h"

#include "pimap_redis_redirect.h"


/* NULL until a cluster has answered. */
extern pimap_redis_topology_t  *bridge_topology;


/*
 * The handler is called when the topology has come, and for each later one.
 * It returns 0 if a master can't be reached: then the next question is soon.
 */
void bridge_topology_start(int (*changed)(void));
void bridge_topology_stop(void);

/* Asks soon: something is not where the topology says. */
void bridge_topology_refresh(void);

/* A slot that something is in; 0 if there is no cluster. */
unsigned bridge_topology_slot(const char *name, size_t len);


#endif /* _BRIDGE_TOPOLOGY_H_INCLUDED_ */
