
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Reads the body of a park request, which stays open: one update in each line.
 * Called while the request is parked, and by the transport.
 */


#ifndef _NGX_PIMAP_REQUEST_BODY_H_INCLUDED_
#define _NGX_PIMAP_REQUEST_BODY_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_park_request.h"


/* NGX_OK: the request has such a body; or a status and the problem. */
ngx_int_t ngx_pimap_request_body_check(ngx_http_request_t *r,
    ngx_pimap_park_request_t *parking, const char **problem);

/*
 * Before the response's head: lets the client send its body.  NGX_OK, or the
 * result of a content handler.
 */
ngx_int_t ngx_pimap_request_body_begin(ngx_http_request_t *r,
    ngx_pimap_park_request_t *parking);

/*
 * Reads the next part of the body through nginx: NGX_OK; NGX_DONE: the client
 * has closed.  The device may be closing afterwards.
 */
ngx_int_t ngx_pimap_request_body_read(ngx_http_request_t *r,
    ngx_pimap_device_t *d);


#endif /* _NGX_PIMAP_REQUEST_BODY_H_INCLUDED_ */
