
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns which devices get an event.  An event is encoded once for each format,
 * and sent to each device whose filter lets it pass.
 */


#ifndef _NGX_PIMAP_FANOUT_H_INCLUDED_
#define _NGX_PIMAP_FANOUT_H_INCLUDED_


#include "ngx_pimap.h"

#include "pimap_event.h"


/* To all devices of the account.  The event is in its order. */
void ngx_pimap_fanout(ngx_pimap_account_t *account, pimap_event_t *ev);

/* To one device.  NGX_ERROR: it did not get the event, and ends. */
ngx_int_t ngx_pimap_fanout_one(ngx_pimap_device_t *d, pimap_event_t *ev);


#endif /* _NGX_PIMAP_FANOUT_H_INCLUDED_ */
