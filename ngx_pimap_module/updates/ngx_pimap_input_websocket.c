
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Reads updates as messages of a WebSocket.
 */


#include "ngx_pimap_updates.h"
#include "ngx_pimap_device_room.h"
#include "ngx_pimap_conf.h"
#include "ngx_pimap_encode.h"
#include "ngx_pimap_inflate.h"


static void ngx_pimap_input_frame(ngx_pimap_device_t *d,
    ngx_pimap_partial_t *partial, pimap_ws_result_t rc, pimap_ws_in_t *in);
static ngx_int_t ngx_pimap_input_compressed(ngx_pimap_device_t *d,
    ngx_pimap_partial_t *partial, pimap_ws_in_t *in);
static ngx_int_t ngx_pimap_input_inflated(ngx_pimap_device_t *d,
    ngx_str_t *text, size_t compressed);
static void ngx_pimap_input_pong(ngx_pimap_device_t *d, u_char *data,
    size_t len);
static void ngx_pimap_input_closed(ngx_pimap_device_t *d, u_char *data,
    size_t len);
static void ngx_pimap_input_close(ngx_pimap_device_t *d, int code,
    const char *why);


void
ngx_pimap_input_websocket(ngx_pimap_device_t *d, ngx_pimap_partial_t *partial,
    ngx_str_t *in)
{
    pimap_ws_in_t       piece;
    pimap_ws_result_t   rc;

    while (!d->closing && !d->paused) {

        rc = pimap_ws_read(&partial->reader.ws, in->data, in->len,
                           d->conf->max_update,
                           d->format == NGX_PIMAP_FORMAT_WEBSOCKET_DEFLATE,
                           &piece);

        if (rc == PIMAP_WS_AGAIN) {
            in->len = 0;
            return;
        }

        in->data += piece.used;
        in->len -= piece.used;

        ngx_pimap_input_frame(d, partial, rc, &piece);
    }
}


static void
ngx_pimap_input_frame(ngx_pimap_device_t *d, ngx_pimap_partial_t *partial,
    pimap_ws_result_t rc, pimap_ws_in_t *in)
{
    ngx_int_t  taken;

    if (rc == PIMAP_WS_CLOSE) {
        ngx_pimap_input_closed(d, in->data, in->len);
        return;
    }

    if (rc == PIMAP_WS_FAIL) {
        ngx_pimap_input_close(d, in->code, in->why);
        return;
    }

    /* control frames and empty fragments; a message counts when complete */

    if (rc != PIMAP_WS_DATA || (in->len == 0 && !in->last)) {
        ngx_pimap_pace(d, 0);
    }

    if (rc == PIMAP_WS_PING) {
        ngx_pimap_input_pong(d, in->data, in->len);
        return;
    }

    if (rc != PIMAP_WS_DATA) {
        return;
    }

    taken = in->compressed
            ? ngx_pimap_input_compressed(d, partial, in)
            : ngx_pimap_input_message(d, partial, in->data, in->len, in->last);

    if (taken != NGX_OK) {
        ngx_pimap_input_websocket_memory(d);
    }
}


/* RFC 7692, 7.2.2: a message is inflated when it is complete. */

static ngx_int_t
ngx_pimap_input_compressed(ngx_pimap_device_t *d, ngx_pimap_partial_t *partial,
    pimap_ws_in_t *in)
{
    ngx_int_t  rc;
    ngx_str_t  compressed, text;

    rc = ngx_pimap_input_message_add(partial, in->data, in->len, in->last,
                                     &compressed);

    if (rc != NGX_OK) {
        return rc == NGX_AGAIN ? NGX_OK : rc;
    }

    rc = ngx_pimap_inflate(&text, &compressed, d->conf->max_update);

    ngx_pimap_buffer_free(&partial->data);

    switch (rc) {

    case NGX_OK:
        return ngx_pimap_input_inflated(d, &text, compressed.len);

    case NGX_BUSY:
        ngx_pimap_input_close(d, PIMAP_WS_TOO_LARGE, "message too large");
        return NGX_OK;

    case NGX_DECLINED:
        ngx_pimap_input_close(d, PIMAP_WS_NOT_UTF8, "not deflated");
        return NGX_OK;

    default: /* NGX_ERROR */
        return rc;
    }
}


/* pimap_ws_read() checks the messages that are not compressed. */

static ngx_int_t
ngx_pimap_input_inflated(ngx_pimap_device_t *d, ngx_str_t *text,
    size_t compressed)
{
    pimap_utf8_t  utf8;

    ngx_memzero(&utf8, sizeof(pimap_utf8_t));

    if (!pimap_utf8_check(&utf8, text->data, text->len) || utf8.need) {
        ngx_pimap_input_close(d, PIMAP_WS_NOT_UTF8, "not UTF-8");
        return NGX_OK;
    }

    return ngx_pimap_submit(d, text->data, text->len,
                            text->len + compressed);
}


static void
ngx_pimap_input_pong(ngx_pimap_device_t *d, u_char *data, size_t len)
{
    (void) ngx_pimap_device_send_control(d,
                   ngx_pimap_encode_frame(PIMAP_WS_OP_PONG, data, len,
                                          ngx_cycle->log));
}


/* RFC 6455, 5.5.1: the answer has the same code. */

static void
ngx_pimap_input_closed(ngx_pimap_device_t *d, u_char *data, size_t len)
{
    ngx_pimap_device_close(d, NGX_PIMAP_END_CLIENT,
                           ngx_pimap_encode_frame(PIMAP_WS_OP_CLOSE, data,
                                                  ngx_min(len, 2),
                                                  ngx_cycle->log));
}


static void
ngx_pimap_input_close(ngx_pimap_device_t *d, int code, const char *why)
{
    ngx_log_error(NGX_LOG_INFO, ngx_pimap_device_log(d), 0,
                  "pimap closes a WebSocket with code %d: %s, "
                  "account \"%V\"", code, why, &d->account->sub.sn.str);

    ngx_pimap_device_close(d, NGX_PIMAP_END_ERROR,
                           ngx_pimap_encode_close(code, why, ngx_cycle->log));
}


void
ngx_pimap_input_websocket_memory(ngx_pimap_device_t *d)
{
    ngx_pimap_input_close(d, PIMAP_WS_INTERNAL, "no memory");
}
