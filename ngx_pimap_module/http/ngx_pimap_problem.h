
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Short answers, above all problem documents (RFC 9457).
 */


#ifndef _NGX_PIMAP_PROBLEM_H_INCLUDED_
#define _NGX_PIMAP_PROBLEM_H_INCLUDED_


#include "ngx_pimap.h"

#include "pimap_event_id.h"


#define NGX_PIMAP_UNPROCESSABLE     422
#define NGX_PIMAP_UPGRADE_REQUIRED  426


/* Sends a problem document; returns what a content handler returns. */
ngx_int_t ngx_pimap_problem(ngx_http_request_t *r, ngx_uint_t status,
    const char *detail);

/* "invalid <noun>", of that line of the body; 0: the body has no lines. */
ngx_int_t ngx_pimap_problem_line(ngx_http_request_t *r, ngx_uint_t status,
    const char *noun, ngx_uint_t line, const char *reason);

/* 503 with a Retry-After header. */
ngx_int_t ngx_pimap_problem_later(ngx_http_request_t *r, ngx_uint_t seconds,
    const char *detail);

/* 405 with an Allow header. */
ngx_int_t ngx_pimap_problem_method(ngx_http_request_t *r, const char *allow);

/* Sends this body, which must live as long as the request. */
ngx_int_t ngx_pimap_answer(ngx_http_request_t *r, ngx_uint_t status,
    const char *type, ngx_str_t *body);

ngx_int_t ngx_pimap_add_header(ngx_http_request_t *r, const char *name,
    const char *value);

ngx_int_t ngx_pimap_add_event_id(ngx_http_request_t *r,
    pimap_event_id_t *id);


#endif /* _NGX_PIMAP_PROBLEM_H_INCLUDED_ */
