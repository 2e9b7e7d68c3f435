
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The head of a response with events, and a response that ends at once.
 */


#ifndef _NGX_PIMAP_RESPONSE_HEAD_H_INCLUDED_
#define _NGX_PIMAP_RESPONSE_HEAD_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_park_request.h"


/* Returns what ngx_http_send_header() returns. */
ngx_int_t ngx_pimap_response_head(ngx_http_request_t *r,
    ngx_pimap_park_request_t *parking);

/* A whole response with the time to come back. */
ngx_int_t ngx_pimap_response_head_later(ngx_http_request_t *r,
    ngx_pimap_park_request_t *parking, ngx_msec_t retry);


#endif /* _NGX_PIMAP_RESPONSE_HEAD_H_INCLUDED_ */
