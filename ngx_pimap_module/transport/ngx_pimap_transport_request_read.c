
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * nginx has read the request's head and the bytes that came with it.  Bytes
 * after them are read from the connection.
 */


#include "ngx_pimap_transport.h"
#include "ngx_pimap_updates.h"
#include "ngx_pimap_socket.h"


static ngx_int_t ngx_pimap_request_input(void *data, u_char *buf, size_t len);


void
ngx_pimap_request_read_ahead(ngx_http_request_t *r,
    ngx_pimap_park_request_t *parking, ngx_str_t *ahead)
{
    ngx_buf_t  *b;

    ngx_str_null(ahead);

    /* a stream of HTTP/2 or HTTP/3 has only bytes of its own request */

    if (r->http_version > NGX_HTTP_VERSION_11) {
        return;
    }

    b = r->header_in;

    ahead->data = b->pos;
    ahead->len = b->last - b->pos;

    b->pos = b->last;
}


ngx_int_t
ngx_pimap_request_read(ngx_http_request_t *r, ngx_pimap_device_t *d)
{
    ngx_int_t     rc;
    ngx_event_t  *rev;

    rev = r->connection->read;

    if (d->input != NGX_PIMAP_INPUT_NDJSON && d->closing) {
        return NGX_OK;
    }

    if (!ngx_pimap_pace_turn(rev)) {
        return NGX_OK;
    }

    rc = ngx_pimap_input_resume(d);

    if (rc == NGX_OK && d->input == NGX_PIMAP_INPUT_NDJSON) {
        rc = ngx_pimap_request_body_read(r, d);

    } else if (rc == NGX_OK) {
        rc = ngx_pimap_socket_read(r->connection, ngx_pimap_request_input, d);
    }

    if (rc == NGX_AGAIN && !d->paused) {
        (void) ngx_pimap_pace_turn(rev);
        return NGX_OK;
    }

    if (rc == NGX_AGAIN) {
        return d->input == NGX_PIMAP_INPUT_NDJSON
               ? NGX_OK : ngx_handle_read_event(rev, 0);
    }

    if (rc == NGX_DONE) {
        rev->eof = 1;
    }

    return rc == NGX_DECLINED ? NGX_OK : rc;
}


static ngx_int_t
ngx_pimap_request_input(void *data, u_char *buf, size_t len)
{
    ngx_int_t            rc;
    ngx_pimap_device_t  *d = data;

    rc = ngx_pimap_input(d, buf, len);

    return d->closing ? NGX_DECLINED : rc;
}
