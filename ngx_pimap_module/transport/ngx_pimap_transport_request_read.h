
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * What comes in from a held device.
 */


#ifndef _NGX_PIMAP_HELD_READ_H_INCLUDED_
#define _NGX_PIMAP_HELD_READ_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_park_request.h"


/* Before the device is parked: takes what nginx has read beyond the head. */
void ngx_pimap_transport_request_read_ahead(ngx_http_request_t *r,
    ngx_pimap_park_request_t *parking, ngx_str_t *ahead);

/*
 * Takes what has come in: NGX_OK; NGX_DONE: the client has closed.  The
 * device may be doomed afterwards.
 */
ngx_int_t ngx_pimap_transport_request_read(ngx_http_request_t *r,
    ngx_pimap_device_t *d);


#endif /* _NGX_PIMAP_HELD_READ_H_INCLUDED_ */
