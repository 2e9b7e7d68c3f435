
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns refusals: problem documents (RFC 9457).  Called by all content
 * handlers.  Invariant: the reason of each refusal is also logged ("info").
 */


#include "ngx_pimap_http.h"


static ngx_int_t ngx_pimap_problem_document(ngx_http_request_t *r,
    ngx_uint_t status, const char *detail);
static const char *ngx_pimap_problem_title(ngx_uint_t status);


ngx_int_t
ngx_pimap_problem(ngx_http_request_t *r, ngx_uint_t status,
    const char *detail)
{
    if (status == (ngx_uint_t) NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (status == NGX_HTTP_SERVICE_UNAVAILABLE) {
        return ngx_pimap_problem_later(r, 5, detail);
    }

    return ngx_pimap_problem_document(r, status, detail);
}


ngx_int_t
ngx_pimap_problem_line(ngx_http_request_t *r, ngx_uint_t status,
    const char *noun, ngx_uint_t line, const char *reason)
{
    u_char  *p, *last, detail[192];

    last = detail + sizeof(detail) - 1;
    p = ngx_slprintf(detail, last, "invalid %s", noun);

    if (line) {
        p = ngx_slprintf(p, last, " in line %ui", line);
    }

    *ngx_slprintf(p, last, ": %s", reason) = '\0';

    return ngx_pimap_problem(r, status, (char *) detail);
}


ngx_int_t
ngx_pimap_problem_later(ngx_http_request_t *r, ngx_uint_t seconds,
    const char *detail)
{
    u_char  *text;

    text = ngx_pnalloc(r->pool, NGX_INT_T_LEN + 1);
    if (text == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    *ngx_sprintf(text, "%ui", seconds) = '\0';

    if (ngx_pimap_add_header(r, "Retry-After", (char *) text) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_pimap_problem_document(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                      detail);
}


static ngx_int_t
ngx_pimap_problem_document(ngx_http_request_t *r, ngx_uint_t status,
    const char *detail)
{
    size_t       size;
    uintptr_t    escape;
    u_char      *p;
    ngx_str_t    body;
    const char  *title;

    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "pimap refused the request: %s", detail);

    title = ngx_pimap_problem_title(status);
    escape = ngx_escape_json(NULL, (u_char *) detail, ngx_strlen(detail));

    size = sizeof("{\"type\":\"about:blank\",\"title\":\"\",\"status\":000,"
                  "\"detail\":\"\"}\n") - 1
           + ngx_strlen(title) + ngx_strlen(detail) + escape;

    body.data = ngx_pnalloc(r->pool, size);
    if (body.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    p = ngx_sprintf(body.data, "{\"type\":\"about:blank\",\"title\":\"%s\","
                    "\"status\":%ui,\"detail\":\"", title, status);
    p = (u_char *) ngx_escape_json(p, (u_char *) detail, ngx_strlen(detail));
    p = ngx_cpymem(p, "\"}\n", 3);

    body.len = p - body.data;

    return ngx_pimap_answer(r, status, "application/problem+json", &body);
}


static const char *
ngx_pimap_problem_title(ngx_uint_t status)
{
    switch (status) {
    case NGX_HTTP_BAD_REQUEST:
        return "Bad Request";
    case NGX_HTTP_UNAUTHORIZED:
        return "Unauthorized";
    case NGX_HTTP_FORBIDDEN:
        return "Forbidden";
    case NGX_HTTP_NOT_FOUND:
        return "Not Found";
    case NGX_HTTP_NOT_ALLOWED:
        return "Method Not Allowed";
    case NGX_HTTP_CONFLICT:
        return "Conflict";
    case NGX_HTTP_REQUEST_ENTITY_TOO_LARGE:
        return "Content Too Large";
    case NGX_HTTP_UNSUPPORTED_MEDIA_TYPE:
        return "Unsupported Media Type";
    case NGX_PIMAP_UNPROCESSABLE:
        return "Unprocessable Content";
    case NGX_PIMAP_UPGRADE_REQUIRED:
        return "Upgrade Required";
    case NGX_HTTP_TOO_MANY_REQUESTS:
        return "Too Many Requests";
    case NGX_HTTP_SERVICE_UNAVAILABLE:
        return "Service Unavailable";
    default:
        return "Internal Server Error";
    }
}


ngx_int_t
ngx_pimap_problem_method(ngx_http_request_t *r, const char *allow)
{
    if (ngx_pimap_add_header(r, "Allow", allow) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_pimap_problem(r, NGX_HTTP_NOT_ALLOWED,
                             "the method is not allowed, "
                             "see the Allow header");
}


ngx_int_t
ngx_pimap_answer(ngx_http_request_t *r, ngx_uint_t status, const char *type,
    ngx_str_t *body)
{
    ngx_int_t     rc;
    ngx_buf_t    *b;
    ngx_chain_t   out;

    /* an unread body must not become the next request */

    r->expect_tested = 1;

    rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK) {
        return rc;
    }

    if (status == NGX_HTTP_REQUEST_ENTITY_TOO_LARGE) {
        r->keepalive = 0;
    }

    ngx_pimap_content_type(r, type);

    r->headers_out.status = status;
    r->headers_out.content_length_n = body->len;

    if (ngx_pimap_add_header(r, "Cache-Control", "no-store") != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->pos = body->data;
    b->last = body->data + body->len;
    b->memory = 1;
    b->last_buf = (r == r->main);
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}


/* A redirect within nginx leaves the character set of another response. */

void
ngx_pimap_content_type(ngx_http_request_t *r, const char *type)
{
    ngx_http_headers_out_t  *out;

    out = &r->headers_out;

    out->content_type.data = (u_char *) type;
    out->content_type.len = ngx_strlen(type);
    out->content_type_len = out->content_type.len;
    out->content_type_lowcase = NULL;
    ngx_str_null(&out->charset);
}


ngx_int_t
ngx_pimap_add_header(ngx_http_request_t *r, const char *name,
    const char *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    h->hash = 1;
    h->key.data = (u_char *) name;
    h->key.len = ngx_strlen(name);
    h->value.data = (u_char *) value;
    h->value.len = ngx_strlen(value);

    return NGX_OK;
}


ngx_int_t
ngx_pimap_add_event_id(ngx_http_request_t *r, pimap_event_id_t *id)
{
    u_char  *text;

    text = ngx_pnalloc(r->pool, PIMAP_EVENT_ID_LEN + 1);
    if (text == NULL) {
        return NGX_ERROR;
    }

    text[pimap_event_id_text(id, text)] = '\0';

    return ngx_pimap_add_header(r, "Pimap-Last-Event-ID", (char *) text);
}
