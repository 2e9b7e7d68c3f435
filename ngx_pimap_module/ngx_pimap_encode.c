
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Server-Sent Events (WHATWG HTML, 9.2).  The text of an event is one line of
 * JSON, so that one "data:" line carries it.
 */


#include "ngx_pimap_encode.h"


static ngx_pimap_text_t *ngx_pimap_encode_printf(ngx_log_t *log,
    const char *fmt, ...);


ngx_pimap_text_t *
ngx_pimap_encode_hello(ngx_msec_t retry, ngx_pimap_start_t *start,
    ngx_log_t *log)
{
    size_t     n;
    u_char     text[NGX_PIMAP_POSITION_LEN];
    ngx_str_t  id;

    retry = ngx_pimap_encode_jitter(retry);

    if (!start->known) {
        return ngx_pimap_encode_printf(log, "retry: %M\n: parked\n\n", retry);
    }

    /* also a device that leaves before the first event can come back */

    n = ngx_pimap_position_text(&start->position, text);

    id.data = text;
    id.len = n;

    return ngx_pimap_encode_printf(log, "retry: %M\nid: %V\n: parked\n\n",
                                   retry, &id);
}


ngx_pimap_text_t *
ngx_pimap_encode_id(ngx_pimap_position_t *position, ngx_log_t *log)
{
    u_char     text[NGX_PIMAP_POSITION_LEN];
    ngx_str_t  id;

    id.data = text;
    id.len = ngx_pimap_position_text(position, text);

    return ngx_pimap_encode_printf(log, "id: %V\n\n", &id);
}


ngx_pimap_text_t *
ngx_pimap_encode_resync(ngx_str_t *reason, ngx_pimap_position_t *last,
    ngx_log_t *log)
{
    u_char     text[NGX_PIMAP_POSITION_LEN];
    ngx_str_t  id;

    id.data = text;
    id.len = ngx_pimap_position_text(last, text);

    return ngx_pimap_encode_printf(log, "id: %V\nevent: resync\n"
                                   "data: {\"reason\":\"%V\","
                                   "\"lastEventId\":\"%V\"}\n\n",
                                   &id, reason, &id);
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
                             "event: superseded\nretry: %M\ndata: {}\n\n",
                             ngx_pimap_encode_jitter(retry));
}


ngx_pimap_text_t *
ngx_pimap_encode_retry(ngx_msec_t retry, ngx_log_t *log)
{
    return ngx_pimap_encode_printf(log, "retry: %M\n: come back\n\n",
                                   ngx_pimap_encode_jitter(retry));
}


static ngx_pimap_text_t *
ngx_pimap_encode_printf(ngx_log_t *log, const char *fmt, ...)
{
    size_t             len;
    u_char             buf[256];
    va_list            args;
    ngx_pimap_text_t  *text;

    va_start(args, fmt);
    len = ngx_vslprintf(buf, buf + sizeof(buf), fmt, args) - buf;
    va_end(args);

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
