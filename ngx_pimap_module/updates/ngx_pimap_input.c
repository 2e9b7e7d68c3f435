
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A device without an input has next to nothing to say.  One with an input
 * sends messages; memory is taken only while one of them is not complete.
 */


#include "ngx_pimap_input.h"
#include "ngx_pimap_conf.h"
#include "ngx_pimap_input_websocket.h"
#include "ngx_pimap_input_ndjson.h"
#include "ngx_pimap_submit.h"


#define NGX_PIMAP_INPUT_BLANKS  4       /* CR and LF after the request */


static ngx_int_t ngx_pimap_input_blanks(ngx_pimap_device_t *d, u_char *data,
    size_t len);
static void ngx_pimap_input_keep(ngx_pimap_device_t *d,
    ngx_pimap_partial_t *partial);
static ngx_uint_t ngx_pimap_input_idle(ngx_pimap_device_t *d,
    ngx_pimap_partial_t *partial);
static size_t ngx_pimap_input_state(ngx_pimap_device_t *d);


ngx_int_t
ngx_pimap_input(ngx_pimap_device_t *d, u_char *data, size_t len)
{
    ngx_pimap_partial_t  fresh, *partial;

    if (d->doomed) {
        return NGX_OK;
    }

    partial = d->partial;

    if (partial == NULL) {
        ngx_memzero(&fresh, sizeof(ngx_pimap_partial_t));
        partial = &fresh;
    }

    switch (d->input) {

    case NGX_PIMAP_INPUT_WEBSOCKET:
        ngx_pimap_input_websocket(d, partial, data, len);
        break;

    case NGX_PIMAP_INPUT_CHUNKS:
        ngx_pimap_input_chunks(d, partial, data, len);
        break;

    case NGX_PIMAP_INPUT_NDJSON:
        ngx_pimap_input_ndjson(d, partial, data, len);
        break;

    default: /* NGX_PIMAP_INPUT_NONE */
        return ngx_pimap_input_blanks(d, data, len);
    }

    ngx_pimap_input_keep(d, partial);

    return NGX_OK;
}


void
ngx_pimap_input_end(ngx_pimap_device_t *d)
{
    if (d->partial) {
        ngx_pimap_input_ndjson_end(d, d->partial);
        ngx_pimap_input_free(d);
    }

    d->input = NGX_PIMAP_INPUT_NONE;
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


ngx_int_t
ngx_pimap_input_collect(ngx_pimap_partial_t *partial, u_char *data, size_t len,
    ngx_uint_t last, ngx_str_t *whole)
{
    if (last && partial->text == NULL) {
        whole->data = data;
        whole->len = len;

        return NGX_OK;
    }

    if (len && ngx_pimap_buffer_add(&partial->text, data, len) != NGX_OK) {
        return NGX_ERROR;
    }

    if (!last) {
        return NGX_AGAIN;
    }

    ngx_pimap_buffer_rest(partial->text, whole);

    return NGX_OK;
}


ngx_int_t
ngx_pimap_input_piece(ngx_pimap_device_t *d, ngx_pimap_partial_t *partial,
    u_char *data, size_t len, ngx_uint_t last)
{
    ngx_int_t  rc;
    ngx_str_t  whole;

    rc = ngx_pimap_input_collect(partial, data, len, last, &whole);

    if (rc != NGX_OK) {
        return rc == NGX_AGAIN ? NGX_OK : rc;
    }

    rc = ngx_pimap_submit(d, whole.data, whole.len);

    ngx_pimap_buffer_free(&partial->text);

    return rc;
}


static void
ngx_pimap_input_keep(ngx_pimap_device_t *d, ngx_pimap_partial_t *partial)
{
    if (d->doomed || ngx_pimap_input_idle(d, partial)) {
        ngx_pimap_buffer_free(&partial->text);

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

    if (d->partial) {
        *d->partial = *partial;
        return;
    }

    ngx_pimap_buffer_free(&partial->text);

    if (d->input == NGX_PIMAP_INPUT_WEBSOCKET) {
        ngx_pimap_input_websocket_memory(d);

    } else {
        ngx_pimap_device_end(d, NGX_PIMAP_END_ERROR, NULL);
    }
}


/* Between two messages: nothing has to be remembered. */

static ngx_uint_t
ngx_pimap_input_idle(ngx_pimap_device_t *d, ngx_pimap_partial_t *partial)
{
    switch (d->input) {

    case NGX_PIMAP_INPUT_WEBSOCKET:
        return pimap_ws_idle(&partial->reader.ws);

    case NGX_PIMAP_INPUT_CHUNKS:
        return partial->text == NULL
               && pimap_chunked_idle(&partial->reader.chunked);

    default: /* NGX_PIMAP_INPUT_NDJSON, or _NONE now */
        return partial->text == NULL;
    }
}


void
ngx_pimap_input_save(ngx_pimap_device_t *d, ngx_str_t *state, ngx_str_t *text)
{
    if (d->partial == NULL) {
        return;
    }

    state->data = (u_char *) &d->partial->reader;
    state->len = ngx_pimap_input_state(d);

    if (d->partial->text) {
        ngx_pimap_buffer_rest(d->partial->text, text);
    }
}


/* Its size; that of lines is in the request, which stays. */

static size_t
ngx_pimap_input_state(ngx_pimap_device_t *d)
{
    switch (d->input) {

    case NGX_PIMAP_INPUT_WEBSOCKET:
        return sizeof(pimap_ws_t);

    case NGX_PIMAP_INPUT_CHUNKS:
        return sizeof(pimap_chunked_t);

    default:
        return 0;
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

    if (state->len != ngx_pimap_input_state(d)) {
        return NGX_ERROR;
    }

    partial = ngx_calloc(sizeof(ngx_pimap_partial_t), ngx_cycle->log);
    if (partial == NULL) {
        return NGX_ERROR;
    }

    d->partial = partial;

    ngx_memcpy(&partial->reader, state->data, state->len);

    if (d->input == NGX_PIMAP_INPUT_WEBSOCKET
        ? !pimap_ws_valid(&partial->reader.ws,
                          d->format == NGX_PIMAP_FORMAT_WEBSOCKET_DEFLATE)
        : !pimap_chunked_valid(&partial->reader.chunked))
    {
        return NGX_ERROR;
    }

    return text->len ? ngx_pimap_buffer_add(&partial->text, text->data,
                                             text->len)
                     : NGX_OK;
}


void
ngx_pimap_input_free(ngx_pimap_device_t *d)
{
    if (d->partial) {
        ngx_pimap_buffer_free(&d->partial->text);
        ngx_free(d->partial);
        d->partial = NULL;
    }
}
