
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The body of a request: one JSON text, or one a line.
 */


#ifndef _NGX_PIMAP_BODY_H_INCLUDED_
#define _NGX_PIMAP_BODY_H_INCLUDED_


#include "ngx_pimap.h"


typedef struct {
    u_char       *pos;
    u_char       *last;
    ngx_uint_t    line;                 /* the one that was taken, from 1 */
} ngx_pimap_lines_t;


/*
 * Reads it, within "pimap_max_body"; what a content handler returns.  The
 * handler is called with all of it, see ngx_pimap_body_join().
 */
ngx_int_t ngx_pimap_body_read(ngx_http_request_t *r,
    ngx_http_client_body_handler_pt handler);

/*
 * The body in one piece: NGX_OK.  Else it has been refused, with what a
 * content handler returns in "rc": NGX_ABORT.
 */
ngx_int_t ngx_pimap_body_join(ngx_http_request_t *r, ngx_str_t *body,
    ngx_int_t *rc);

/* True if the body is said to be of that media type. */
ngx_uint_t ngx_pimap_body_is(ngx_http_request_t *r, const char *type);

void ngx_pimap_body_lines(ngx_pimap_lines_t *lines, ngx_str_t *body);

/* The next line that is not empty, without its end; false if there is none. */
ngx_uint_t ngx_pimap_body_line(ngx_pimap_lines_t *lines, ngx_str_t *line);


#endif /* _NGX_PIMAP_BODY_H_INCLUDED_ */
