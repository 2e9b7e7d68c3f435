
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the bytes that a device sends.  Called by the transports.
 */


#include "ngx_pimap_updates.h"


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
    ngx_pimap_partial_t  empty, *partial;

    if (d->closing) {
        return NGX_OK;
    }

    partial = d->partial;

    if (partial == NULL) {
        ngx_memzero(&empty, sizeof(ngx_pimap_partial_t));
        partial = &empty;
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
        ngx_pimap_partial_message_free(d);
    }

    d->input = NGX_PIMAP_INPUT_NONE;
}


/* RFC 9112, 2.2: some clients send a line end after a request. */

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
ngx_pimap_input_keep(ngx_pimap_device_t *d, ngx_pimap_partial_t *partial)
{
    if (d->closing || ngx_pimap_input_idle(d, partial)) {
        ngx_pimap_buffer_free(&partial->data);
        ngx_pimap_partial_message_free(d);
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

    ngx_pimap_buffer_free(&partial->data);

    if (d->input == NGX_PIMAP_INPUT_WEBSOCKET) {
        ngx_pimap_input_websocket_memory(d);

    } else {
        ngx_pimap_device_end(d, NGX_PIMAP_END_ERROR, NULL);
    }
}


/* True between two messages. */

static ngx_uint_t
ngx_pimap_input_idle(ngx_pimap_device_t *d, ngx_pimap_partial_t *partial)
{
    switch (d->input) {

    case NGX_PIMAP_INPUT_WEBSOCKET:
        return pimap_ws_idle(&partial->reader.ws);

    case NGX_PIMAP_INPUT_CHUNKS:
        return partial->data == NULL
               && pimap_chunked_idle(&partial->reader.chunked);

    default: /* NGX_PIMAP_INPUT_NDJSON, or _NONE now */
        return partial->data == NULL;
    }
}


void
ngx_pimap_input_save(ngx_pimap_device_t *d, ngx_str_t *state, ngx_str_t *data)
{
    if (d->partial == NULL) {
        return;
    }

    state->data = (u_char *) &d->partial->reader;
    state->len = ngx_pimap_input_state(d);

    if (d->partial->data) {
        ngx_pimap_buffer_rest(d->partial->data, data);
    }
}


/* The size of the input's state.  nginx keeps the state of its own bodies. */

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
    ngx_str_t *data)
{
    ngx_pimap_partial_t  *partial;

    if (state->len == 0) {
        return data->len ? NGX_ERROR : NGX_OK;
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

    return data->len ? ngx_pimap_buffer_add(&partial->data, data->data,
                                            data->len)
                     : NGX_OK;
}
