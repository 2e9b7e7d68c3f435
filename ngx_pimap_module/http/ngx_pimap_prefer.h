
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The preferences of a client (RFC 7240).
 */


#ifndef _NGX_PIMAP_PREFER_H_INCLUDED_
#define _NGX_PIMAP_PREFER_H_INCLUDED_


#include "ngx_pimap.h"


/* Seconds of the first "wait"; NGX_DECLINED: none, or not a number. */
ngx_int_t ngx_pimap_prefer_wait(ngx_http_request_t *r);


#endif /* _NGX_PIMAP_PREFER_H_INCLUDED_ */
