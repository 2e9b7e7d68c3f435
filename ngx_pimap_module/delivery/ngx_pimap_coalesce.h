
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns events that wait for a newer one of their kind, within
 * "pimap_coalesce".  Called for each event in its order.
 */


#ifndef _NGX_PIMAP_COALESCE_H_INCLUDED_
#define _NGX_PIMAP_COALESCE_H_INCLUDED_


#include "ngx_pimap.h"

#include "pimap_event.h"


/* The window is in msec, 0: each event is sent at once. */
void ngx_pimap_coalesce_init_process(ngx_cycle_t *cycle,
    ngx_msec_t window);

/*
 * Sends an event to the account's devices, now or when its window ends; or an
 * event that covers it.  The event stays the caller's.
 */
void ngx_pimap_coalesce(ngx_pimap_account_t *account, pimap_event_t *ev);

/*
 * Sends the held events.  Devices may be closing afterwards, but are there.  A
 * device that was "joining" may have lost its reader.
 */
void ngx_pimap_coalesce_flush(ngx_pimap_account_t *account);

/* The account goes and has no devices: drops the held events. */
void ngx_pimap_coalesce_forget(ngx_pimap_account_t *account);


#endif /* _NGX_PIMAP_COALESCE_H_INCLUDED_ */
