
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Server-Sent Events (WHATWG HTML, 9.2).  The text of an event is one line of
 * JSON, so that one "data:" line carries it.
 */


#include "ngx_pimap_encode.h"


static ngx_pimap_text_t *ngx_pimap_encode_printf(ngx_log_t *log,
    const char *fmt, ngx_uint_t value);


ngx_pimap_text_t *
ngx_pimap_encode_hello(ngx_msec_t retry, ngx_log_t *log)
{
    return ngx_pimap_encode_printf(log, "retry: %ui\n: parked\n\n",
                                   ngx_pimap_encode_jitter(retry));
}


ngx_pimap_text_t *
ngx_pimap_encode_event(pimap_event_t *ev, ngx_log_t *log)
{
    size_t             size;
    u_char            *p;
    ngx_pimap_text_t  *text;

    size = sizeof("event: \ndata: \n\n") - 1 + ev->name.len + ev->json.len;

    if (ev->id.len) {
        size += sizeof("id: \n") - 1 + ev->id.len;
    }

    text = ngx_pimap_text_create(size, log);
    if (text == NULL) {
        return NULL;
    }

    p = text->data;

    if (ev->id.len) {
        p = ngx_cpymem(p, "id: ", sizeof("id: ") - 1);
        p = ngx_cpymem(p, ev->id.data, ev->id.len);
        *p++ = '\n';
    }

    p = ngx_cpymem(p, "event: ", sizeof("event: ") - 1);
    p = ngx_cpymem(p, ev->name.data, ev->name.len);
    p = ngx_cpymem(p, "\ndata: ", sizeof("\ndata: ") - 1);
    p = ngx_cpymem(p, ev->json.data, ev->json.len);
    *p++ = '\n';
    *p = '\n';

    return text;
}


ngx_pimap_text_t *
ngx_pimap_encode_ping(ngx_uint_t interval, ngx_log_t *log)
{
    return ngx_pimap_encode_printf(log,
                                   "event: ping\ndata: {\"interval\":%ui}\n\n",
                                   interval);
}


ngx_pimap_text_t *
ngx_pimap_encode_superseded(ngx_msec_t retry, ngx_log_t *log)
{
    return ngx_pimap_encode_printf(log,
                             "event: superseded\nretry: %ui\ndata: {}\n\n",
                             ngx_pimap_encode_jitter(retry));
}


ngx_pimap_text_t *
ngx_pimap_encode_retry(ngx_msec_t retry, ngx_log_t *log)
{
    return ngx_pimap_encode_printf(log, "retry: %ui\n: come back\n\n",
                                   ngx_pimap_encode_jitter(retry));
}


static ngx_pimap_text_t *
ngx_pimap_encode_printf(ngx_log_t *log, const char *fmt, ngx_uint_t value)
{
    size_t             len;
    u_char             buf[128];
    ngx_pimap_text_t  *text;

    len = ngx_snprintf(buf, sizeof(buf), fmt, value) - buf;

    text = ngx_pimap_text_create(len, log);
    if (text) {
        ngx_memcpy(text->data, buf, len);
    }

    return text;
}


ngx_msec_t
ngx_pimap_encode_jitter(ngx_msec_t retry)
{
    return retry / 2 + (ngx_msec_t) ngx_random() % (retry + 1);
}
