
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A device without an input has next to nothing to say.  One with an input
 * sends messages; memory is taken only while one of them is not complete.
 */


#include "ngx_pimap_input.h"
#include "ngx_pimap_backlog.h"
#include "ngx_pimap_conf.h"
#include "ngx_pimap_encode_frames.h"
#include "ngx_pimap_submit.h"
#include "ngx_pimap_wheel.h"

#include "pimap_ws.h"


#define NGX_PIMAP_INPUT_BLANKS  4       /* CR and LF after the request */
#define NGX_PIMAP_INPUT_IDLE    32      /* a second: what brings nothing */


/* A message that is not complete: the reader's state, and what has come. */
struct ngx_pimap_partial_s {
    pimap_ws_t            ws;
    ngx_pimap_backlog_t  *text;         /* NULL: nothing */
};


static ngx_int_t ngx_pimap_input_blanks(ngx_pimap_device_t *d, u_char *data,
    size_t len);
static void ngx_pimap_input_frames(ngx_pimap_device_t *d,
    ngx_pimap_partial_t *partial, u_char *data, size_t len);
static void ngx_pimap_input_frame(ngx_pimap_device_t *d,
    ngx_pimap_partial_t *partial, pimap_ws_result_t rc, pimap_ws_in_t *in);
static ngx_int_t ngx_pimap_input_data(ngx_pimap_device_t *d,
    ngx_pimap_partial_t *partial, u_char *data, size_t len, ngx_uint_t last);
static void ngx_pimap_input_keep(ngx_pimap_device_t *d,
    ngx_pimap_partial_t *partial);
static ngx_uint_t ngx_pimap_input_flood(ngx_pimap_device_t *d);
static void ngx_pimap_input_pong(ngx_pimap_device_t *d, u_char *data,
    size_t len);
static void ngx_pimap_input_closed(ngx_pimap_device_t *d, u_char *data,
    size_t len);
static void ngx_pimap_input_close(ngx_pimap_device_t *d, int code,
    const char *why);


ngx_int_t
ngx_pimap_input(ngx_pimap_device_t *d, u_char *data, size_t len)
{
    ngx_pimap_partial_t  fresh, *partial;

    if (d->doomed) {
        return NGX_OK;
    }

    if (d->input == NGX_PIMAP_INPUT_NONE) {
        return ngx_pimap_input_blanks(d, data, len);
    }

    partial = d->partial;

    if (partial == NULL) {
        ngx_memzero(&fresh, sizeof(ngx_pimap_partial_t));
        partial = &fresh;
    }

    ngx_pimap_input_frames(d, partial, data, len);

    ngx_pimap_input_keep(d, partial);

    return NGX_OK;
}


/*
 * Some clients send a line end after a request (RFC 9112, 2.2).  One, not one
 * after the other: nobody keeps us busy with them.
 */

static ngx_int_t
ngx_pimap_input_blanks(ngx_pimap_device_t *d, u_char *data, size_t len)
{
    size_t  i;

    if (len > NGX_PIMAP_INPUT_BLANKS - (size_t) d->blanks) {
        return NGX_ERROR;
    }

    for (i = 0; i < len; i++) {
        if (data[i] != CR && data[i] != LF) {
            return NGX_ERROR;
        }
    }

    d->blanks += len;

    return NGX_OK;
}


static void
ngx_pimap_input_frames(ngx_pimap_device_t *d, ngx_pimap_partial_t *partial,
    u_char *data, size_t len)
{
    pimap_ws_in_t       in;
    pimap_ws_result_t   rc;

    while (!d->doomed) {

        rc = pimap_ws_read(&partial->ws, data, len, d->conf->max_update, &in);

        if (rc == PIMAP_WS_AGAIN) {
            return;
        }

        data += in.used;
        len -= in.used;

        ngx_pimap_input_frame(d, partial, rc, &in);
    }
}


static void
ngx_pimap_input_frame(ngx_pimap_device_t *d, ngx_pimap_partial_t *partial,
    pimap_ws_result_t rc, pimap_ws_in_t *in)
{
    if (rc == PIMAP_WS_CLOSE) {
        ngx_pimap_input_closed(d, in->data, in->len);
        return;
    }

    if (rc == PIMAP_WS_FAIL) {
        ngx_pimap_input_close(d, in->code, in->why);
        return;
    }

    /* control frames, and fragments without anything in them */

    if ((rc != PIMAP_WS_DATA || in->len == 0) && ngx_pimap_input_flood(d)) {
        ngx_pimap_input_close(d, PIMAP_WS_POLICY, "too many frames");
        return;
    }

    if (rc == PIMAP_WS_PING) {
        ngx_pimap_input_pong(d, in->data, in->len);
        return;
    }

    if (rc == PIMAP_WS_DATA
        && ngx_pimap_input_data(d, partial, in->data, in->len, in->last)
           != NGX_OK)
    {
        ngx_pimap_input_close(d, PIMAP_WS_INTERNAL, "no memory");
    }
}


/* A piece of a message: one that comes as a whole is not copied. */

static ngx_int_t
ngx_pimap_input_data(ngx_pimap_device_t *d, ngx_pimap_partial_t *partial,
    u_char *data, size_t len, ngx_uint_t last)
{
    ngx_int_t  rc;
    ngx_str_t  whole;

    if (last && partial->text == NULL) {
        return ngx_pimap_submit(d, data, len);
    }

    if (len && ngx_pimap_backlog_add(&partial->text, data, len) != NGX_OK) {
        return NGX_ERROR;
    }

    if (!last) {
        return NGX_OK;
    }

    ngx_pimap_backlog_rest(partial->text, &whole);

    rc = ngx_pimap_submit(d, whole.data, whole.len);

    ngx_pimap_backlog_free(&partial->text);

    return rc;
}


static void
ngx_pimap_input_keep(ngx_pimap_device_t *d, ngx_pimap_partial_t *partial)
{
    ngx_uint_t  idle;

    idle = d->doomed || pimap_ws_idle(&partial->ws);

    if (idle) {
        ngx_pimap_backlog_free(&partial->text);

        if (d->partial) {
            ngx_free(d->partial);
            d->partial = NULL;
        }

        return;
    }

    if (d->partial) {
        return;
    }

    d->partial = ngx_alloc(sizeof(ngx_pimap_partial_t), ngx_cycle->log);

    if (d->partial == NULL) {
        ngx_pimap_backlog_free(&partial->text);
        ngx_pimap_input_close(d, PIMAP_WS_INTERNAL, "no memory");
        return;
    }

    *d->partial = *partial;
}


/* By the wheel's seconds, of which the device remembers the last bits. */

static ngx_uint_t
ngx_pimap_input_flood(ngx_pimap_device_t *d)
{
    uint8_t  now;

    now = (uint8_t) ngx_pimap_wheel_now();

    if (d->beat != now) {
        d->beat = now;
        d->frames = 0;
    }

    return ++d->frames > NGX_PIMAP_INPUT_IDLE;
}


static void
ngx_pimap_input_pong(ngx_pimap_device_t *d, u_char *data, size_t len)
{
    ngx_pimap_text_t  *text;

    text = ngx_pimap_encode_frame(PIMAP_WS_OP_PONG, data, len,
                                  ngx_cycle->log);

    if (text == NULL) {
        ngx_pimap_input_close(d, PIMAP_WS_INTERNAL, "no memory");
        return;
    }

    (void) ngx_pimap_park_send(d, text);

    ngx_pimap_text_unref(text);
}


/* RFC 6455, 5.5.1: the answer has the same code. */

static void
ngx_pimap_input_closed(ngx_pimap_device_t *d, u_char *data, size_t len)
{
    ngx_pimap_text_t  *text;

    text = ngx_pimap_encode_frame(PIMAP_WS_OP_CLOSE, data, ngx_min(len, 2),
                                  ngx_cycle->log);

    ngx_pimap_park_close(d, NGX_PIMAP_END_CLIENT, text);
}


static void
ngx_pimap_input_close(ngx_pimap_device_t *d, int code, const char *why)
{
    ngx_pimap_text_t  *text;

    ngx_log_error(NGX_LOG_INFO, d->transport->log(d->connection), 0,
                  "pimap closes a WebSocket with %d: %s", code, why);

    text = ngx_pimap_encode_close(code, why, ngx_cycle->log);

    ngx_pimap_park_close(d, NGX_PIMAP_END_ERROR, text);
}


void
ngx_pimap_input_save(ngx_pimap_device_t *d, ngx_str_t *state, ngx_str_t *text)
{
    if (d->partial == NULL) {
        return;
    }

    state->data = (u_char *) &d->partial->ws;
    state->len = sizeof(pimap_ws_t);

    if (d->partial->text) {
        ngx_pimap_backlog_rest(d->partial->text, text);
    }
}


ngx_int_t
ngx_pimap_input_restore(ngx_pimap_device_t *d, ngx_str_t *state,
    ngx_str_t *text)
{
    ngx_pimap_partial_t  *partial;

    if (state->len == 0) {
        return text->len ? NGX_ERROR : NGX_OK;
    }

    if (state->len != sizeof(pimap_ws_t)
        || d->input == NGX_PIMAP_INPUT_NONE)
    {
        return NGX_ERROR;
    }

    partial = ngx_calloc(sizeof(ngx_pimap_partial_t), ngx_cycle->log);
    if (partial == NULL) {
        return NGX_ERROR;
    }

    d->partial = partial;

    ngx_memcpy(&partial->ws, state->data, sizeof(pimap_ws_t));

    if (!pimap_ws_valid(&partial->ws)) {
        return NGX_ERROR;
    }

    return text->len ? ngx_pimap_backlog_add(&partial->text, text->data,
                                             text->len)
                     : NGX_OK;
}


void
ngx_pimap_input_free(ngx_pimap_device_t *d)
{
    if (d->partial) {
        ngx_pimap_backlog_free(&d->partial->text);
        ngx_free(d->partial);
        d->partial = NULL;
    }
}
