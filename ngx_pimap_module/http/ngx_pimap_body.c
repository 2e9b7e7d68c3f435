
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Reads the body of a request.  Called by publish and update.  Invariant: a
 * body is only in memory, because a worker writes no files.  The configuration
 * phase has made "client_body_buffer_size" large enough.
 */


#include "ngx_pimap_http.h"
#include "ngx_pimap_conf.h"


static ngx_int_t ngx_pimap_body_too_large(ngx_http_request_t *r);
static ngx_int_t ngx_pimap_body_join(ngx_http_request_t *r, ngx_str_t *body,
    ngx_int_t *rc);


ngx_int_t
ngx_pimap_body_read(ngx_http_request_t *r,
    ngx_http_client_body_handler_pt handler)
{
    ngx_int_t              rc;
    ngx_pimap_loc_conf_t  *plcf;

    plcf = ngx_http_get_module_loc_conf(r, ngx_pimap_module);

    if (r->headers_in.content_length_n > (off_t) plcf->max_body) {
        return ngx_pimap_body_too_large(r);
    }

    r->request_body_in_file_only = 0;

    rc = ngx_http_read_client_request_body(r, handler);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return rc;
    }

    return NGX_DONE;
}


static ngx_int_t
ngx_pimap_body_too_large(ngx_http_request_t *r)
{
    return ngx_pimap_problem(r, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                             "the body is larger than \"pimap_max_body\"");
}


void
ngx_pimap_body_handle(ngx_http_request_t *r,
    ngx_int_t (*handler)(ngx_http_request_t *r, ngx_str_t *body))
{
    ngx_int_t  rc;
    ngx_str_t  body;

    if (ngx_pimap_body_join(r, &body, &rc) == NGX_OK) {
        rc = handler(r, &body);
    }

    if (rc != NGX_DONE) {
        ngx_http_finalize_request(r, rc);
    }
}


/*
 * nginx may have read the first part with the head.  NGX_ABORT: refused, and
 * "rc" is what a content handler returns.
 */

static ngx_int_t
ngx_pimap_body_join(ngx_http_request_t *r, ngx_str_t *body, ngx_int_t *rc)
{
    u_char                *p;
    ngx_chain_t           *cl, *in;
    ngx_pimap_loc_conf_t  *plcf;

    plcf = ngx_http_get_module_loc_conf(r, ngx_pimap_module);

    ngx_str_null(body);

    in = r->request_body ? r->request_body->bufs : NULL;

    for (cl = in; cl; cl = cl->next) {
        body->len += ngx_buf_size(cl->buf);
    }

    if (body->len == 0) {
        return NGX_OK;
    }

    if (r->request_body->temp_file || body->len > plcf->max_body) {
        *rc = ngx_pimap_body_too_large(r);
        return NGX_ABORT;
    }

    if (in->next == NULL) {
        body->data = in->buf->pos;
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, body->len);
    if (p == NULL) {
        *rc = NGX_HTTP_INTERNAL_SERVER_ERROR;
        return NGX_ABORT;
    }

    for (body->data = p, cl = in; cl; cl = cl->next) {

        /* the last buffer may be empty, without memory */

        if (cl->buf->pos != cl->buf->last) {
            p = ngx_cpymem(p, cl->buf->pos, ngx_buf_size(cl->buf));
        }
    }

    return NGX_OK;
}


ngx_uint_t
ngx_pimap_body_is(ngx_http_request_t *r, const char *name)
{
    size_t      len;
    ngx_str_t  *type;

    if (r->headers_in.content_type == NULL) {
        return 0;
    }

    type = &r->headers_in.content_type->value;
    len = ngx_strlen(name);

    return type->len >= len
           && ngx_strncasecmp(type->data, (u_char *) name, len) == 0
           && (type->len == len || type->data[len] == ';'
               || type->data[len] == ' ');
}


ngx_uint_t
ngx_pimap_body_line(ngx_str_t *body, ngx_str_t *line, ngx_uint_t *n)
{
    u_char  *end, *last;

    while (body->len) {

        last = body->data + body->len;
        end = ngx_strlchr(body->data, last, LF);

        line->data = body->data;
        line->len = (end ? end : last) - line->data;

        body->data = end ? end + 1 : last;
        body->len = last - body->data;
        (*n)++;

        if (line->len && line->data[line->len - 1] == CR) {
            line->len--;
        }

        if (line->len) {
            return 1;
        }
    }

    return 0;
}
