
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Reads the body of a request.  Called by publish and update.  Invariant: a
 * handler gets the whole body, in memory, or the request is refused.
 *
 * The configuration phase has made "client_body_buffer_size" large enough for
 * a body that our location reads.  Another location may have read the body
 * before, with a smaller buffer: then nginx has just written it to a file.
 */


#include "ngx_pimap_http.h"
#include "ngx_pimap_conf.h"


static ngx_int_t ngx_pimap_body_too_large(ngx_http_request_t *r);
static ngx_int_t ngx_pimap_body_join(ngx_http_request_t *r, ngx_str_t *body,
    ngx_int_t *rc);
static ngx_int_t ngx_pimap_body_copy(ngx_chain_t *in, u_char *p);


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
    ngx_chain_t           *cl, *in;
    ngx_pimap_loc_conf_t  *plcf;

    plcf = ngx_http_get_module_loc_conf(r, ngx_pimap_module);

    ngx_str_null(body);

    in = r->request_body ? r->request_body->bufs : NULL;

    for (cl = in; cl; cl = cl->next) {
        body->len += ngx_buf_size(cl->buf);
    }

    if ((off_t) body->len < r->headers_in.content_length_n) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "pimap has %uz of %O bytes of the body: the location "
                      "that the request was in before has not read it, or "
                      "keeps no copy of it; see \"mirror_request_body\" and "
                      "\"proxy_request_buffering\"",
                      body->len, r->headers_in.content_length_n);
        *rc = NGX_HTTP_INTERNAL_SERVER_ERROR;
        return NGX_ABORT;
    }

    if (body->len == 0) {
        return NGX_OK;
    }

    if (body->len > plcf->max_body) {
        *rc = ngx_pimap_body_too_large(r);
        return NGX_ABORT;
    }

    if (in->next == NULL && ngx_buf_in_memory(in->buf)) {
        body->data = in->buf->pos;
        return NGX_OK;
    }

    body->data = ngx_pnalloc(r->pool, body->len);

    if (body->data == NULL
        || ngx_pimap_body_copy(in, body->data) != NGX_OK)
    {
        *rc = NGX_HTTP_INTERNAL_SERVER_ERROR;
        return NGX_ABORT;
    }

    return NGX_OK;
}


/* A file has just been written, so its pages are in memory. */

static ngx_int_t
ngx_pimap_body_copy(ngx_chain_t *in, u_char *p)
{
    size_t      size;
    ngx_buf_t  *b;

    for ( /* void */ ; in; in = in->next) {

        b = in->buf;
        size = ngx_buf_size(b);

        /* the last buffer may be empty, without memory */

        if (size == 0) {
            continue;
        }

        if (ngx_buf_in_memory(b)) {
            ngx_memcpy(p, b->pos, size);

        } else if (ngx_read_file(b->file, p, size, b->file_pos)
                   != (ssize_t) size)
        {
            return NGX_ERROR;
        }

        p += size;
    }

    return NGX_OK;
}


ngx_int_t
ngx_pimap_body_type(ngx_http_request_t *r, const char **problem)
{
    if (ngx_pimap_body_is(r, "application/json")
        || ngx_pimap_body_is(r, "application/x-ndjson"))
    {
        return NGX_OK;
    }

    *problem = "the Content-Type is neither application/json nor "
               "application/x-ndjson";

    return NGX_HTTP_UNSUPPORTED_MEDIA_TYPE;
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
        end = memchr(body->data, LF, body->len);

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
