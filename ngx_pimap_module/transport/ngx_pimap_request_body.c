
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The in-band mode of P-IMAP.  In HTTP/2, nginx reads the frames, and enlarges
 * the client's window when a part of the body has been read.  In HTTP/1.1 it
 * reads the head only (ngx_pimap_input_ndjson.c).
 */


#include "ngx_pimap_transport.h"
#include "ngx_pimap_http.h"
#include "ngx_pimap_updates.h"


static void ngx_pimap_request_body_handler(ngx_http_request_t *r);
static ngx_int_t ngx_pimap_request_body_continue(ngx_http_request_t *r);
static void ngx_pimap_request_body_take(ngx_http_request_t *r,
    ngx_pimap_device_t *d);


ngx_int_t
ngx_pimap_request_body_check(ngx_http_request_t *r,
    ngx_pimap_park_request_t *parking, const char **problem)
{
    if (!ngx_pimap_body_is(r, "application/x-ndjson")) {
        *problem = "the body is not \"application/x-ndjson\"";
        return NGX_HTTP_UNSUPPORTED_MEDIA_TYPE;
    }

    if (r->request_body) {
        *problem = "another module has read the body, "
                   "see \"mirror_request_body\"";
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    parking->format = NGX_PIMAP_FORMAT_NDJSON;

    if (r->http_version > NGX_HTTP_VERSION_11) {
        parking->input = NGX_PIMAP_INPUT_NDJSON;
        return NGX_OK;
    }

    /* a proxy may have read the whole body, and send its length */

    if (!r->headers_in.chunked && r->headers_in.content_length_n <= 0) {
        return NGX_OK;
    }

    parking->input = NGX_PIMAP_INPUT_CHUNKS;

    if (!r->headers_in.chunked) {
        parking->length = r->headers_in.content_length_n;
    }

    /* nginx does not find the end of the body */

    r->keepalive = 0;
    r->lingering_close = 1;

    return NGX_OK;
}


ngx_int_t
ngx_pimap_request_body_begin(ngx_http_request_t *r,
    ngx_pimap_park_request_t *parking)
{
    ngx_int_t  rc;

    if (parking->input == NGX_PIMAP_INPUT_CHUNKS) {
        return ngx_pimap_request_body_continue(r);
    }

    if (parking->input == NGX_PIMAP_INPUT_NONE) {
        return NGX_OK;
    }

    r->request_body_no_buffering = 1;

    rc = ngx_http_read_client_request_body(r, ngx_pimap_request_body_handler);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return rc;
    }

    r->main->count--;

    return NGX_OK;
}


/* The body is read when the device is parked. */

static void
ngx_pimap_request_body_handler(ngx_http_request_t *r)
{
}


/* RFC 9110, 10.1.1; as nginx does before it reads a body. */

static ngx_int_t
ngx_pimap_request_body_continue(ngx_http_request_t *r)
{
    ngx_str_t  *expect;

    static const char  text[] = "HTTP/1.1 100 Continue" CRLF CRLF;

    if (r->headers_in.expect == NULL || r->expect_tested) {
        return NGX_OK;
    }

    r->expect_tested = 1;

    expect = &r->headers_in.expect->value;

    if (expect->len != sizeof("100-continue") - 1
        || ngx_strncasecmp(expect->data, (u_char *) "100-continue",
                           expect->len)
           != 0)
    {
        return NGX_OK;
    }

    /* a socket that has sent nothing has room for so few bytes */

    if (r->connection->send(r->connection, (u_char *) text, sizeof(text) - 1)
        != (ssize_t) sizeof(text) - 1)
    {
        r->connection->error = 1;
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_pimap_request_body_read(ngx_http_request_t *r, ngx_pimap_device_t *d)
{
    ngx_int_t     rc;
    ngx_event_t  *rev;

    rev = r->connection->read;

    do {
        /* "client_body_timeout" would end a body that stays open */

        rev->timedout = 0;

        rc = ngx_http_read_unbuffered_request_body(r);

        if (rev->timer_set) {
            ngx_del_timer(rev);
        }

        if (rc >= NGX_HTTP_SPECIAL_RESPONSE || rc == NGX_ERROR) {
            return NGX_DONE;
        }

        if (r->request_body->bufs == NULL) {
            break;
        }

        ngx_pimap_request_body_take(r, d);

    } while (rc == NGX_AGAIN && !d->closing && !d->paused
             && !ngx_pimap_pace_over());

    if (d->paused || (rc == NGX_AGAIN && ngx_pimap_pace_over())) {
        return NGX_AGAIN;
    }

    if (rc == NGX_OK && !d->closing) {
        ngx_pimap_input_end(d);
        r->read_event_handler = ngx_http_test_reading;
    }

    return NGX_OK;
}


static void
ngx_pimap_request_body_take(ngx_http_request_t *r, ngx_pimap_device_t *d)
{
    ngx_buf_t                *b;
    ngx_chain_t              *cl;
    ngx_http_request_body_t  *rb;

    rb = r->request_body;

    while (rb->bufs) {
        cl = rb->bufs;
        rb->bufs = cl->next;
        b = cl->buf;

        if (b->pos != b->last) {
            (void) ngx_pimap_input(d, b->pos, b->last - b->pos);
            b->pos = b->last;
        }

        ngx_free_chain(r->pool, cl);
    }

    /* "client_max_body_size" would limit a body that is not kept */

    if (r->headers_in.content_length_n < 0) {
        rb->received = 0;
    }
}
