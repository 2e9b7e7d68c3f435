
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * How a topology is filled in.  For pimap_redis_topology*.c only.
 */


#ifndef _PIMAP_REDIS_TOPOLOGY_BUILD_H_INCLUDED_
#define _PIMAP_REDIS_TOPOLOGY_BUILD_H_INCLUDED_


#include "pimap_redis_topology.h"


/* Without nodes; NULL without memory. */
pimap_redis_topology_t *pimap_redis_topology_new(void);

/* A further node; PIMAP_REDIS_NO_NODE if there are too many, or no memory. */
unsigned pimap_redis_topology_add(pimap_redis_topology_t *topology,
    const char *host, unsigned port);

/* The node is the master of this slot now. */
void pimap_redis_topology_assign(pimap_redis_topology_t *topology,
    unsigned slot, unsigned node);


#endif /* _PIMAP_REDIS_TOPOLOGY_BUILD_H_INCLUDED_ */
