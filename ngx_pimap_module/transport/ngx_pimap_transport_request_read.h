
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Reads what a device sends while its request is kept.
 */


#ifndef _NGX_PIMAP_TRANSPORT_REQUEST_READ_H_INCLUDED_
#define _NGX_PIMAP_TRANSPORT_REQUEST_READ_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_park_request.h"


/* Before parking: takes the bytes that nginx has read after the head. */
void ngx_pimap_request_read_ahead(ngx_http_request_t *r,
    ngx_pimap_park_request_t *parking, ngx_str_t *ahead);

/*
 * Reads what has come in: NGX_OK; NGX_DONE: the client has closed.  The
 * device may be closing afterwards.
 */
ngx_int_t ngx_pimap_request_read(ngx_http_request_t *r, ngx_pimap_device_t *d);


#endif /* _NGX_PIMAP_TRANSPORT_REQUEST_READ_H_INCLUDED_ */
