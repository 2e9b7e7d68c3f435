
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns which slots of a master are on their way to another one.  Called by the
 * module and the bridge.  CLUSTER NODES says so in the line of the node that
 * is asked, and nothing else does.
 */


#ifndef _PIMAP_REDIS_MIGRATION_H_INCLUDED_
#define _PIMAP_REDIS_MIGRATION_H_INCLUDED_


#include "pimap_redis_slot.h"


typedef struct {
    pimap_redis_slot_set_t  leaving;    /* [slot->-node] */
    pimap_redis_slot_set_t  coming;     /* [slot-<-node] */
    unsigned                master:1;   /* the node is a master itself */
} pimap_redis_migration_t;


/* Reads the reply to CLUSTER NODES; -1 if it is malformed. */
int pimap_redis_migration_parse(pimap_redis_migration_t *migration,
    const char *text, size_t len);


#endif /* _PIMAP_REDIS_MIGRATION_H_INCLUDED_ */
