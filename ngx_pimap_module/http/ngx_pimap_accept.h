
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The formats and codings that a client accepts.
 */


#ifndef _NGX_PIMAP_ACCEPT_H_INCLUDED_
#define _NGX_PIMAP_ACCEPT_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_deflate.h"
#include "ngx_pimap_message.h"


/*
 * The weight of a media type or a coding, in lower case, in the list of an
 * Accept or Accept-Encoding header (RFC 9110, 12.4.2), in thousandths; 0: it
 * is not acceptable.  The most specific range that matches counts.
 */
ngx_uint_t ngx_pimap_accept(ngx_str_t *list, const char *name);

/* The format that "Accept" prefers; Server-Sent Events by default. */
ngx_pimap_format_t ngx_pimap_accept_format(ngx_http_request_t *r);

/* Whether "pimap_compress" is on: NGX_OK, NGX_DECLINED, NGX_ERROR. */
ngx_int_t ngx_pimap_accept_compression(ngx_http_request_t *r);

/* The coding by "Accept-Encoding" and "pimap_compress". */
ngx_int_t ngx_pimap_accept_coding(ngx_http_request_t *r,
    ngx_pimap_coding_t *coding);

/* Adds the headers for this coding to the response. */
ngx_int_t ngx_pimap_accept_encoded(ngx_http_request_t *r,
    ngx_pimap_coding_t coding);


#endif /* _NGX_PIMAP_ACCEPT_H_INCLUDED_ */
