
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the connections that a worker keeps for itself: for Redis, hand-overs,
 * publishers and the status page.  Called by all that parks a device.
 * Invariant: a device that is parked on one of them is on its way out.
 */


#ifndef _NGX_PIMAP_SPARE_H_INCLUDED_
#define _NGX_PIMAP_SPARE_H_INCLUDED_


#include "ngx_pimap.h"


void ngx_pimap_spare_init_process(ngx_cycle_t *cycle);

/*
 * How many more connections can be promised to devices on their way.  Other
 * clients come meanwhile, so a half of the free ones is left to them, unless
 * few are free.
 */
ngx_int_t ngx_pimap_spare_room(void);

/* True if a connection that is kept is in use. */
ngx_uint_t ngx_pimap_spare_over(void);

/* True if a connection is free, though it be one of those that are kept. */
ngx_uint_t ngx_pimap_spare_any(void);

/* Promises connections to devices on their way; a negative number ends it. */
void ngx_pimap_spare_promise(ngx_int_t n);

/* False: a request may not keep its connection.  It is logged once. */
ngx_uint_t ngx_pimap_spare_enough(ngx_log_t *log);


#endif /* _NGX_PIMAP_SPARE_H_INCLUDED_ */
