
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Reads updates as lines of an open request body.
 */


#include "ngx_pimap_updates.h"
#include "ngx_pimap_encode.h"


static void ngx_pimap_input_line(ngx_pimap_device_t *d,
    ngx_pimap_partial_t *partial, u_char *data, size_t len, ngx_uint_t last);
static size_t ngx_pimap_input_waiting(ngx_pimap_partial_t *partial);
static void ngx_pimap_input_ndjson_refuse(ngx_pimap_device_t *d,
    const char *why);


void
ngx_pimap_input_chunks(ngx_pimap_device_t *d, ngx_pimap_partial_t *partial,
    u_char *data, size_t len)
{
    pimap_chunked_in_t  in;

    while (!d->closing) {

        switch (pimap_chunked_read(&partial->reader.chunked, data, len, &in)) {

        case PIMAP_CHUNKED_AGAIN:
            return;

        case PIMAP_CHUNKED_DATA:
            ngx_pimap_input_ndjson(d, partial, in.data, in.len);
            break;

        case PIMAP_CHUNKED_END:
            ngx_pimap_input_ndjson_end(d, partial);
            return;

        default: /* PIMAP_CHUNKED_FAIL */
            ngx_pimap_input_ndjson_refuse(d, in.why);
            return;
        }

        data += in.used;
        len -= in.used;
    }
}


void
ngx_pimap_input_ndjson(ngx_pimap_device_t *d, ngx_pimap_partial_t *partial,
    u_char *data, size_t len)
{
    u_char  *end, *last;

    last = data + len;

    while (data < last && !d->closing) {

        end = ngx_strlchr(data, last, LF);

        if (end == NULL) {
            ngx_pimap_input_line(d, partial, data, last - data, 0);
            return;
        }

        ngx_pimap_input_line(d, partial, data, end - data, 1);

        data = end + 1;
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

    if (waiting == 0 && last
        && (len == 0 || (len == 1 && data[0] == CR)))
    {
        return;
    }

    if (ngx_pimap_input_message(d, partial, data, len, last) != NGX_OK) {
        ngx_pimap_device_end(d, NGX_PIMAP_END_ERROR, NULL);
    }
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
                         ngx_pimap_encode_refused(d->format, &none, why, log));
}
