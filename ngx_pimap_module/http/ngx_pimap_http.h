
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The functions of the room, file by file; those of ngx_pimap_query.c have a
 * header of their own.
 */


#ifndef _NGX_PIMAP_HTTP_H_INCLUDED_
#define _NGX_PIMAP_HTTP_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_deflate.h"
#include "ngx_pimap_message.h"
#include "ngx_pimap_query.h"
#include "pimap_event_id.h"


/*
 * ngx_pimap_accept.c: The formats and codings that a client accepts.
 */

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


/*
 * ngx_pimap_body.c: The body of a request: a JSON text, or lines of JSON.
 */

/*
 * Reads the body, up to "pimap_max_body", then calls the handler.  Returns
 * what a content handler returns.
 */
ngx_int_t ngx_pimap_body_read(ngx_http_request_t *r,
    ngx_http_client_body_handler_pt handler);

/*
 * For that handler: calls "handler" with the body in one piece, and finalizes
 * the request with its result, except NGX_DONE.
 */
void ngx_pimap_body_handle(ngx_http_request_t *r,
    ngx_int_t (*handler)(ngx_http_request_t *r, ngx_str_t *body));

/*
 * NGX_OK if "Content-Type" is JSON or lines of JSON, which a form of another
 * site can't send; or a status and the problem.
 */
ngx_int_t ngx_pimap_body_type(ngx_http_request_t *r, const char **problem);

/* True if "Content-Type" is that media type. */
ngx_uint_t ngx_pimap_body_is(ngx_http_request_t *r, const char *type);

/* Removes the next line that is not empty, counts in "n"; false: no more. */
ngx_uint_t ngx_pimap_body_line(ngx_str_t *body, ngx_str_t *line,
    ngx_uint_t *n);


/*
 * ngx_pimap_header.c: Request headers by name.
 */

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

/*
 * Removes the first item of a comma list (RFC 9110, 5.6.1), which has no
 * blanks at its ends; false: the list is empty.  A comma may be quoted.
 */
ngx_uint_t ngx_pimap_header_item(ngx_str_t *list, ngx_str_t *item);

/* True if the list of a header of that name has the token. */
ngx_uint_t ngx_pimap_header_has(ngx_http_request_t *r, const char *name,
    const char *token);

/* Seconds of the first preference "wait"; NGX_DECLINED: none, or no number. */
ngx_int_t ngx_pimap_header_prefer_wait(ngx_http_request_t *r);


/*
 * ngx_pimap_origin.c: The pages whose requests are served.
 */

/* NGX_OK, or a status and the problem. */
ngx_int_t ngx_pimap_origin(ngx_http_request_t *r, const char **problem);

/* for the command table: "pimap_origin" */
char *ngx_pimap_origin_conf(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);


/*
 * ngx_pimap_problem.c: Short answers, mostly problem documents (RFC 9457).
 */

#define NGX_PIMAP_UNPROCESSABLE     422
#define NGX_PIMAP_UPGRADE_REQUIRED  426

/* Sends a problem document, for NGX_ERROR 500; as a content handler does. */
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

/* The type is a constant. */
void ngx_pimap_content_type(ngx_http_request_t *r, const char *type);

ngx_int_t ngx_pimap_add_header(ngx_http_request_t *r, const char *name,
    const char *value);

/* The header that was added last. */
#define ngx_pimap_last_header(r)                                             \
    ((ngx_table_elt_t *) (r)->headers_out.headers.last->elts                 \
     + (r)->headers_out.headers.last->nelts - 1)

ngx_int_t ngx_pimap_add_event_id(ngx_http_request_t *r,
    pimap_event_id_t *id);


/*
 * ngx_pimap_websocket_handshake.c: The handshake of a WebSocket.
 */

/* True if the request asks for a WebSocket. */
ngx_uint_t ngx_pimap_websocket_handshake_wanted(ngx_http_request_t *r);

/* NGX_OK, or a status and the problem. */
ngx_int_t ngx_pimap_websocket_handshake_check(ngx_http_request_t *r,
    const char **problem);

/* The answer to an offer of permessage-deflate; NULL: no offer. */
const char *ngx_pimap_websocket_handshake_deflate(ngx_http_request_t *r);

/* Sets the head of the answer; "extensions" as above. */
ngx_int_t ngx_pimap_websocket_handshake_head(ngx_http_request_t *r,
    const char *extensions);


#endif /* _NGX_PIMAP_HTTP_H_INCLUDED_ */
