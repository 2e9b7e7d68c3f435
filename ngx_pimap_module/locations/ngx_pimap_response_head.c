
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Sends the head of a response with events.  Called by events.  Invariant: a
 * stream has status 200, a WebSocket 101.
 */


#include "ngx_pimap_locations.h"
#include "ngx_pimap_http.h"
#include "ngx_pimap_encode.h"
#include "ngx_pimap_transport.h"
#include "ngx_pimap_zone.h"


static ngx_int_t ngx_pimap_response_head_stream(ngx_http_request_t *r,
    ngx_pimap_park_request_t *parking);
static void ngx_pimap_response_head_encoded(ngx_http_request_t *r);
static ngx_int_t ngx_pimap_response_head_send(ngx_http_request_t *r,
    ngx_pimap_message_t *message, ngx_uint_t last);


ngx_int_t
ngx_pimap_response_head(ngx_http_request_t *r,
    ngx_pimap_park_request_t *parking)
{
    ngx_int_t  rc;

    ngx_http_clear_content_length(r);
    ngx_http_clear_accept_ranges(r);

    rc = ngx_pimap_is_websocket(parking->format)
         ? ngx_pimap_websocket_handshake_head(r, parking->extensions)
         : ngx_pimap_response_head_stream(r, parking);

    if (rc == NGX_OK && parking->start.known) {
        rc = ngx_pimap_add_event_id(r, &parking->start.id);
    }

    if (rc != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_send_header(r);

    if (rc == NGX_OK && parking->coding == NGX_PIMAP_IDENTITY
        && r->headers_out.content_encoding)
    {
        ngx_pimap_response_head_encoded(r);
    }

    return rc;
}


/* It works, but such a filter takes a hundred times our memory. */

static void
ngx_pimap_response_head_encoded(ngx_http_request_t *r)
{
    ngx_uint_t                 level;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    level = ngx_pimap_zone_trouble(NGX_PIMAP_TROUBLE_ENCODED, NGX_LOG_WARN);

    ngx_log_error(level, r->connection->log, 0,
                  "pimap: a filter of nginx compresses the events of location "
                  "\"%V\" with \"%V\", which takes much memory for each "
                  "device: take \"text/event-stream\" out of \"gzip_types\"",
                  &clcf->name, &r->headers_out.content_encoding->value);
}


static ngx_int_t
ngx_pimap_response_head_stream(ngx_http_request_t *r,
    ngx_pimap_park_request_t *parking)
{
    r->headers_out.status = NGX_HTTP_OK;

    ngx_pimap_content_type(r,
                           ngx_pimap_encoders[parking->format]->content_type);

    if (ngx_pimap_add_header(r, "Cache-Control", "no-store, no-transform")
        != NGX_OK
        || ngx_pimap_add_header(r, "X-Accel-Buffering", "no") != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_pimap_accept_encoded(r, parking->coding);
}


/*
 * A browser never comes back after a 503 (WHATWG HTML, 9.2.3), so it gets a
 * response with a time to come back, which ends at once.  A poll gets a 503 if
 * the server is full.  If the worker quits, each format ends as it does for
 * devices that were parked before.
 */

ngx_int_t
ngx_pimap_response_head_later(ngx_http_request_t *r,
    ngx_pimap_park_request_t *parking, ngx_msec_t retry)
{
    ngx_int_t   rc;
    ngx_uint_t  websocket;

    if (parking->format == NGX_PIMAP_FORMAT_JSON) {
        return ngx_exiting ? ngx_pimap_poll_retry(r, parking)
             : ngx_pimap_problem_later(r,
                                       ngx_pimap_encode_jitter(retry) / 1000
                                       + 1,
                                       "the server is full");
    }

    parking->coding = NGX_PIMAP_IDENTITY;

    rc = ngx_pimap_response_head(r, parking);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    websocket = ngx_pimap_is_websocket(parking->format);

    rc = ngx_pimap_response_head_send(r,
              ngx_pimap_encode(parking->format, NGX_PIMAP_CONTROL_RETRY, retry,
                               NULL, r->connection->log),
              !websocket);

    if (websocket && rc != NGX_ERROR) {
        rc = ngx_pimap_response_head_send(r,
              ngx_pimap_encode_close(ngx_exiting ? PIMAP_WS_GOING_AWAY
                                                 : PIMAP_WS_TRY_LATER,
                                     "come back", r->connection->log),
              1);
    }

    return rc;
}


/* WHATWG HTML, 9.2: a 204 tells an EventSource to stop reconnecting. */

ngx_int_t
ngx_pimap_response_head_away(ngx_http_request_t *r)
{
    if (ngx_pimap_add_header(r, "Cache-Control", "no-store") != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->headers_out.status = NGX_HTTP_NO_CONTENT;
    r->header_only = 1;

    return ngx_http_send_header(r);
}


/* Takes the message's reference; NULL if memory was out. */

static ngx_int_t
ngx_pimap_response_head_send(ngx_http_request_t *r,
    ngx_pimap_message_t *message, ngx_uint_t last)
{
    ngx_buf_t    *b;
    ngx_chain_t   out;

    if (message == NULL) {
        return NGX_ERROR;
    }

    b = ngx_create_temp_buf(r->pool, message->len);

    if (b) {
        b->last = ngx_cpymem(b->pos, message->data, message->len);
    }

    ngx_pimap_message_unref(message);

    if (b == NULL) {
        return NGX_ERROR;
    }

    b->last_buf = last;
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}
