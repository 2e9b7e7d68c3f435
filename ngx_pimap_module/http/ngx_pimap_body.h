
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The body of a request: a JSON text, or lines of JSON.
 */


#ifndef _NGX_PIMAP_BODY_H_INCLUDED_
#define _NGX_PIMAP_BODY_H_INCLUDED_


#include "ngx_pimap.h"


typedef struct {
    u_char       *pos;
    u_char       *last;
    ngx_uint_t    line;                 /* of the last one, from 1 */
} ngx_pimap_lines_t;


/*
 * Reads the body, up to "pimap_max_body", then calls the handler.  Returns
 * what a content handler returns.
 */
ngx_int_t ngx_pimap_body_read(ngx_http_request_t *r,
    ngx_http_client_body_handler_pt handler);

/*
 * The body in one piece.  NGX_OK; NGX_ABORT if it was refused: "rc" is what a
 * content handler returns.
 */
ngx_int_t ngx_pimap_body_join(ngx_http_request_t *r, ngx_str_t *body,
    ngx_int_t *rc);

/* True if "Content-Type" is that media type. */
ngx_uint_t ngx_pimap_body_is(ngx_http_request_t *r, const char *type);

void ngx_pimap_body_lines(ngx_pimap_lines_t *lines, ngx_str_t *body);

/* The next line that is not empty, without its end; false: no more. */
ngx_uint_t ngx_pimap_body_line(ngx_pimap_lines_t *lines, ngx_str_t *line);


#endif /* _NGX_PIMAP_BODY_H_INCLUDED_ */
