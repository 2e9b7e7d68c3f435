
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The transport that keeps the nginx request as long as the device is parked.
 * Called by the location "pimap_events".
 */


#ifndef _NGX_PIMAP_TRANSPORT_REQUEST_H_INCLUDED_
#define _NGX_PIMAP_TRANSPORT_REQUEST_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_park_request.h"


/*
 * Parks the request, whose head has been sent, with "hello" as the first
 * bytes of its body.  NGX_DONE: parked, the request will be finalized.
 */
ngx_int_t ngx_pimap_request_park(ngx_http_request_t *r,
    ngx_pimap_park_request_t *parking, ngx_pimap_message_t *hello);

/* HTTP/1 or HTTP/2, TLS or not. */
void ngx_pimap_request_kind(ngx_http_request_t *r,
    ngx_pimap_park_request_t *parking);


#endif /* _NGX_PIMAP_TRANSPORT_REQUEST_H_INCLUDED_ */
