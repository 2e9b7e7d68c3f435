
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the steps of a round.
 */


#ifndef _DAV_ROUND_H_INCLUDED_
#define _DAV_ROUND_H_INCLUDED_


#include "dav_state.h"


/* discover: calls dav_round_homes() in the end, or the client fails */

void dav_discovery_start(dav_client_t *c);
void dav_discovery_cancel(dav_client_t *c);


/* round */

void dav_round_start(dav_client_t *c);
void dav_round_homes(dav_client_t *c);
void dav_round_synced(dav_client_t *c);     /* go on with the next one */

/* It ends, and the next is in so many ms, 0: as it comes. */

void dav_round_end(dav_client_t *c, uint32_t after);


/* sync: calls dav_round_synced() in the end, or the client fails */

void dav_sync_start(dav_client_t *c, dav_collection_t *col);
void dav_sync_cancel(dav_client_t *c);


#endif /* _DAV_ROUND_H_INCLUDED_ */
