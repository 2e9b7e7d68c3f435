
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * nginx has read the request's head, and what came with it; what comes after
 * it is read from the connection.
 */


#include "ngx_pimap_transport_request_read.h"
#include "ngx_pimap_request_body.h"
#include "ngx_pimap_input.h"


void
ngx_pimap_transport_request_read_ahead(ngx_http_request_t *r,
    ngx_pimap_parking_t *parking, ngx_str_t *ahead)
{
    ngx_buf_t  *b;

    ngx_str_null(ahead);

    if (parking->input == NGX_PIMAP_INPUT_NONE
        || parking->input == NGX_PIMAP_INPUT_NDJSON)
    {
        return;
    }

    b = r->header_in;

    ahead->data = b->pos;
    ahead->len = b->last - b->pos;

    b->pos = b->last;
}


ngx_int_t
ngx_pimap_transport_request_read(ngx_http_request_t *r, ngx_pimap_device_t *d)
{
    ssize_t            n;
    ngx_uint_t         turns;
    ngx_connection_t  *c;
    static u_char      buf[NGX_PIMAP_INPUT_READ];

    if (d->input == NGX_PIMAP_INPUT_NDJSON) {
        return ngx_pimap_request_body_read(r, d);
    }

    c = r->connection;

    for (turns = 0; turns < NGX_PIMAP_INPUT_TURNS; turns++) {

        if (d->doomed) {
            return NGX_OK;
        }

        n = c->recv(c, buf, sizeof(buf));

        if (n == NGX_AGAIN) {
            return ngx_handle_read_event(c->read, 0);
        }

        if (n == NGX_ERROR || n == 0) {
            c->read->eof = 1;
            return NGX_DONE;
        }

        (void) ngx_pimap_input(d, buf, n);
    }

    /* there may be more */

    ngx_post_event(c->read, &ngx_posted_next_events);

    return NGX_OK;
}
