
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the bytes that a device sends.  Called by the transports.
 */


#include "ngx_pimap_updates.h"


static ngx_int_t ngx_pimap_input_blanks(ngx_pimap_device_t *d, u_char *data,
    size_t len);
static ngx_int_t ngx_pimap_input_read(ngx_pimap_device_t *d,
    ngx_pimap_partial_t *partial, ngx_str_t *in);
static void ngx_pimap_input_memory(ngx_pimap_device_t *d);
static void ngx_pimap_input_keep(ngx_pimap_device_t *d,
    ngx_pimap_partial_t *partial);
static ngx_uint_t ngx_pimap_input_idle(ngx_pimap_device_t *d,
    ngx_pimap_partial_t *partial);
static size_t ngx_pimap_input_state(ngx_pimap_device_t *d);


ngx_int_t
ngx_pimap_input(ngx_pimap_device_t *d, u_char *data, size_t len)
{
    ngx_int_t            rc;
    ngx_str_t            in;
    ngx_pimap_partial_t  empty, *partial;

    if (d->closing) {
        return NGX_OK;
    }

    if (d->input == NGX_PIMAP_INPUT_NONE) {
        return ngx_pimap_input_blanks(d, data, len);
    }

    partial = d->partial;

    if (partial == NULL) {
        ngx_memzero(&empty, sizeof(ngx_pimap_partial_t));
        partial = &empty;
    }

    in.data = data;
    in.len = len;

    rc = ngx_pimap_input_read(d, partial, &in);

    if (in.len && !d->closing
        && ngx_pimap_buffer_add(&partial->rest, in.data, in.len) != NGX_OK)
    {
        ngx_pimap_input_memory(d);
    }

    ngx_pimap_input_keep(d, partial);

    return rc;
}


ngx_int_t
ngx_pimap_input_length(ngx_pimap_device_t *d, off_t len)
{
    d->partial = ngx_calloc(sizeof(ngx_pimap_partial_t), ngx_cycle->log);
    if (d->partial == NULL) {
        return NGX_ERROR;
    }

    pimap_chunked_length(&d->partial->reader.chunked, len);

    return NGX_OK;
}


ngx_int_t
ngx_pimap_input_resume(ngx_pimap_device_t *d)
{
    size_t                len;
    ngx_int_t             rc;
    ngx_str_t             in;
    ngx_pimap_partial_t  *partial;

    rc = d->paused || ngx_pimap_pace_over() ? NGX_AGAIN : NGX_OK;
    partial = d->partial;

    if (partial && partial->rest && !d->paused && !d->closing) {
        ngx_pimap_buffer_rest(partial->rest, &in);

        len = in.len;

        rc = ngx_pimap_input_read(d, partial, &in);

        ngx_pimap_buffer_take(&partial->rest, len - in.len);
        ngx_pimap_input_keep(d, partial);
    }

    return rc;
}


/*
 * Bytes that do not complete a message are work, too.  Bytes after the last
 * chunk are for a device without an input.
 */

static ngx_int_t
ngx_pimap_input_read(ngx_pimap_device_t *d, ngx_pimap_partial_t *partial,
    ngx_str_t *in)
{
    size_t            len;
    ngx_pimap_rate_t  before;

    if (d->paused) {
        return NGX_AGAIN;
    }

    len = in->len;
    before = d->budget;

    switch (d->input) {

    case NGX_PIMAP_INPUT_WEBSOCKET:
        ngx_pimap_input_websocket(d, partial, in);
        break;

    case NGX_PIMAP_INPUT_CHUNKS:
        ngx_pimap_input_chunks(d, partial, in);
        break;

    default: /* NGX_PIMAP_INPUT_NDJSON */
        ngx_pimap_input_ndjson(d, partial, in);
    }

    if (ngx_memcmp(&before, &d->budget, sizeof(ngx_pimap_rate_t)) == 0) {
        ngx_pimap_pace(d, len);
    }

    if (d->input == NGX_PIMAP_INPUT_NONE && !d->closing) {
        len = in->len;
        in->len = 0;

        if (ngx_pimap_input_blanks(d, in->data, len) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return d->paused || ngx_pimap_pace_over() ? NGX_AGAIN : NGX_OK;
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


/*
 * RFC 9112, 2.2: some clients send a line end after a request.  Any other
 * byte is of a request that this connection can't answer any more.
 */

static ngx_int_t
ngx_pimap_input_blanks(ngx_pimap_device_t *d, u_char *data, size_t len)
{
    size_t  i;

    i = 0;

    if (len <= NGX_PIMAP_INPUT_BLANKS - (size_t) d->blanks) {
        while (i < len && (data[i] == CR || data[i] == LF)) {
            i++;
        }
    }

    if (i < len) {
        ngx_log_error(NGX_LOG_INFO, ngx_pimap_device_log(d), 0,
                      "pimap ends the response of a device of account \"%V\": "
                      "the client has sent bytes after its request",
                      &d->account->sub.sn.str);
        return NGX_ERROR;
    }

    d->blanks += len;

    return NGX_OK;
}


static void
ngx_pimap_input_keep(ngx_pimap_device_t *d, ngx_pimap_partial_t *partial)
{
    if (d->closing || ngx_pimap_input_idle(d, partial)) {
        ngx_pimap_buffer_free(&partial->data);
        ngx_pimap_buffer_free(&partial->rest);
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
    ngx_pimap_buffer_free(&partial->rest);
    ngx_pimap_input_memory(d);
}


static void
ngx_pimap_input_memory(ngx_pimap_device_t *d)
{
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
    if (partial->rest) {
        return 0;
    }

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
ngx_pimap_input_save(ngx_pimap_device_t *d, ngx_str_t *state, ngx_str_t *data,
    ngx_str_t *rest)
{
    if (d->partial == NULL) {
        return;
    }

    state->data = (u_char *) &d->partial->reader;
    state->len = ngx_pimap_input_state(d);

    if (d->partial->data) {
        ngx_pimap_buffer_rest(d->partial->data, data);
    }

    if (d->partial->rest) {
        ngx_pimap_buffer_rest(d->partial->rest, rest);
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
    ngx_str_t *data, ngx_str_t *rest)
{
    ngx_pimap_partial_t  *partial;

    if (state->len == 0) {
        return data->len || rest->len ? NGX_ERROR : NGX_OK;
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

    if (data->len
        && ngx_pimap_buffer_add(&partial->data, data->data, data->len)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return rest->len ? ngx_pimap_buffer_add(&partial->rest, rest->data,
                                            rest->len)
                     : NGX_OK;
}
