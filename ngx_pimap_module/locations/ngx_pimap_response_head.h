
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * How a response with events begins; and one without any, that is over at
 * once.
 */


#ifndef _NGX_PIMAP_HEAD_H_INCLUDED_
#define _NGX_PIMAP_HEAD_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_park_request.h"


/* Sends the head; what ngx_http_send_header() returns. */
ngx_int_t ngx_pimap_response_head(ngx_http_request_t *r,
    ngx_pimap_park_request_t *parking);

/* A whole response, which says when to come back. */
ngx_int_t ngx_pimap_response_head_later(ngx_http_request_t *r,
    ngx_pimap_park_request_t *parking, ngx_msec_t retry);


#endif /* _NGX_PIMAP_HEAD_H_INCLUDED_ */
