
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A round, and the steps of it that have files of their own: dav_discovery.c
 * and dav_sync.c.  A step calls done() once, unless it is cancelled.
 */


#ifndef _DAV_ROUND_H_INCLUDED_
#define _DAV_ROUND_H_INCLUDED_


#include "dav_state.h"


/* The turn of a client. */

void dav_round_start(void *data);

/* From the login to c->homes. */

void dav_discovery_start(dav_client_t *c, dav_step_pt done);
void dav_discovery_cancel(dav_client_t *c);

/* Publishes and stores the changes in a collection. */

void dav_sync_start(dav_client_t *c, dav_collection_t *col, dav_step_pt done);
void dav_sync_cancel(dav_client_t *c);


#endif /* _DAV_ROUND_H_INCLUDED_ */
