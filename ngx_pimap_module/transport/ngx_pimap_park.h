
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns admission: how a request becomes a device, and how a worker that
 * leaves sends a device away.  Called by the transports and the hand-over.
 */


#ifndef _NGX_PIMAP_PARK_H_INCLUDED_
#define _NGX_PIMAP_PARK_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_park_request.h"


/*
 * Registers a device.  An older device of the same name ends.  Its place under
 * the limits was taken before by ngx_pimap_limit_admit().  NULL: no memory.
 */
ngx_pimap_device_t *ngx_pimap_park(ngx_pimap_park_request_t *request,
    const ngx_pimap_transport_t *transport, void *connection, ngx_log_t *log);

/* Tells a device to come back, and ends it. */
void ngx_pimap_unpark(ngx_pimap_device_t *d);


#endif /* _NGX_PIMAP_PARK_H_INCLUDED_ */
