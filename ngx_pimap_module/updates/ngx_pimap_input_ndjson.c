
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Reads updates as lines of an open request body.
 */


#include "ngx_pimap_updates.h"
#include "ngx_pimap_encode.h"


static void ngx_pimap_input_line(ngx_pimap_device_t *d,
    ngx_pimap_partial_t *partial, u_char *data, size_t len, ngx_uint_t last);
static ngx_uint_t ngx_pimap_input_blank(ngx_pimap_partial_t *partial,
    u_char *data, size_t len);
static size_t ngx_pimap_input_waiting(ngx_pimap_partial_t *partial);
static void ngx_pimap_input_ndjson_refuse(ngx_pimap_device_t *d,
    const char *why);


void
ngx_pimap_input_chunks(ngx_pimap_device_t *d, ngx_pimap_partial_t *partial,
    ngx_str_t *in)
{
    ngx_str_t           body;
    pimap_chunked_in_t  piece;

    while (!d->closing && !d->paused) {

        switch (pimap_chunked_read(&partial->reader.chunked, in->data, in->len,
                                   &piece))
        {
        case PIMAP_CHUNKED_AGAIN:
            in->len = 0;
            return;

        case PIMAP_CHUNKED_DATA:
            body.data = piece.data;
            body.len = piece.len;

            ngx_pimap_input_ndjson(d, partial, &body);

            pimap_chunked_unread(&partial->reader.chunked, body.len);
            piece.used -= body.len;
            break;

        case PIMAP_CHUNKED_END:
            in->data += piece.used;
            in->len -= piece.used;
            ngx_pimap_input_ndjson_end(d, partial);
            return;

        default: /* PIMAP_CHUNKED_FAIL */
            ngx_pimap_input_ndjson_refuse(d, piece.why);
            return;
        }

        in->data += piece.used;
        in->len -= piece.used;
    }
}


void
ngx_pimap_input_ndjson(ngx_pimap_device_t *d, ngx_pimap_partial_t *partial,
    ngx_str_t *in)
{
    size_t   len;
    u_char  *end;

    while (in->len && !d->closing && !d->paused) {

        end = ngx_strlchr(in->data, in->data + in->len, LF);
        len = end ? (size_t) (end - in->data) : in->len;

        ngx_pimap_input_line(d, partial, in->data, len, end != NULL);

        len += (end != NULL);

        in->data += len;
        in->len -= len;
    }
}


/* Clients may send empty lines to keep a proxy's connection open. */

static void
ngx_pimap_input_line(ngx_pimap_device_t *d, ngx_pimap_partial_t *partial,
    u_char *data, size_t len, ngx_uint_t last)
{
    size_t  waiting;

    waiting = ngx_pimap_input_waiting(partial);

    if (waiting + len > d->conf->max_update + 1) {
        ngx_pimap_input_ndjson_refuse(d, "a line is larger than "
                                        "\"pimap_max_update\"");
        return;
    }

    if (last && ngx_pimap_input_blank(partial, data, len)) {
        ngx_pimap_buffer_free(&partial->data);
        return;
    }

    if (ngx_pimap_input_message(d, partial, data, len, last) != NGX_OK) {
        ngx_pimap_device_end(d, NGX_PIMAP_END_ERROR, NULL);
    }
}


/* The CR may have come before the LF. */

static ngx_uint_t
ngx_pimap_input_blank(ngx_pimap_partial_t *partial, u_char *data, size_t len)
{
    ngx_str_t  line;

    line.data = data;
    line.len = len;

    if (partial->data) {

        if (len) {
            return 0;
        }

        ngx_pimap_buffer_rest(partial->data, &line);
    }

    return line.len == 0 || (line.len == 1 && line.data[0] == CR);
}


static size_t
ngx_pimap_input_waiting(ngx_pimap_partial_t *partial)
{
    return partial->data ? ngx_pimap_buffer_size(partial->data) : 0;
}


void
ngx_pimap_input_ndjson_end(ngx_pimap_device_t *d, ngx_pimap_partial_t *partial)
{
    if (partial->data) {
        ngx_pimap_input_line(d, partial, (u_char *) "", 0, 1);
    }

    d->input = NGX_PIMAP_INPUT_NONE;
}


/* The begin of the next line is unknown, so the device ends. */

static void
ngx_pimap_input_ndjson_refuse(ngx_pimap_device_t *d, const char *why)
{
    ngx_log_t  *log;

    static ngx_str_t  none = ngx_null_string;

    log = ngx_pimap_device_log(d);

    ngx_log_error(NGX_LOG_INFO, log, 0,
                  "pimap refuses the body of a parked request: %s, "
                  "account \"%V\"", why, &d->account->sub.sn.str);

    ngx_pimap_device_close(d, NGX_PIMAP_END_ERROR,
                         ngx_pimap_encode_refused(d->format,
                                                  NGX_PIMAP_CONTROL_REFUSED,
                                                  &none, why, log));
}
