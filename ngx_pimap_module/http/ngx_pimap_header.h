
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Request headers by name.
 */


#ifndef _NGX_PIMAP_HEADER_H_INCLUDED_
#define _NGX_PIMAP_HEADER_H_INCLUDED_


#include "ngx_pimap.h"


/* A position in the list of request headers; zeroed: before the first. */
typedef struct {
    ngx_list_part_t  *part;
    ngx_uint_t        i;
} ngx_pimap_header_at_t;

/* The first header of that name; false if the request has none. */
ngx_uint_t ngx_pimap_header(ngx_http_request_t *r, const char *name,
    ngx_str_t *value);

/* The next header of that name; false if there are no more. */
ngx_uint_t ngx_pimap_header_next(ngx_http_request_t *r,
    ngx_pimap_header_at_t *at, const char *name, ngx_str_t *value);


#endif /* _NGX_PIMAP_HEADER_H_INCLUDED_ */
