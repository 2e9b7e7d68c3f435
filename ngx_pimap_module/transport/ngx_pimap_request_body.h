
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A request to park that has a body, which stays open: updates, one a line.
 */


#ifndef _NGX_PIMAP_DUPLEX_H_INCLUDED_
#define _NGX_PIMAP_DUPLEX_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_park_request.h"


/* NGX_OK: the parking is of that kind; or a status and what is wrong. */
ngx_int_t ngx_pimap_request_body_check(ngx_http_request_t *r,
    ngx_pimap_park_request_t *parking, const char **problem);

/*
 * Before the head: the client may send its body now.  Else what a content
 * handler returns.
 */
ngx_int_t ngx_pimap_request_body_begin(ngx_http_request_t *r,
    ngx_pimap_park_request_t *parking);

/*
 * Reads of the body what nginx has to read, for the device, and has the next
 * come: NGX_OK.  NGX_DONE: the client has closed.  The device may be doomed
 * afterwards.
 */
ngx_int_t ngx_pimap_request_body_read(ngx_http_request_t *r,
    ngx_pimap_device_t *d);


#endif /* _NGX_PIMAP_DUPLEX_H_INCLUDED_ */
