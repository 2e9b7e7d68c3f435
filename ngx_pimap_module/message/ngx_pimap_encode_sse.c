
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Server-Sent Events (WHATWG HTML, 9.2).  The text of an event is one line of
 * JSON, so that one "data:" line carries it.
 */


#include "ngx_pimap_encode.h"


#define NGX_PIMAP_ENCODE_SSE_CONTROL  512


static ngx_pimap_message_t *ngx_pimap_encode_sse_event(pimap_event_t *ev,
    ngx_log_t *log);
static ngx_pimap_message_t *ngx_pimap_encode_sse_control(
    ngx_pimap_control_t *control, ngx_log_t *log);


const ngx_pimap_encoder_t  ngx_pimap_encode_sse = {
    ngx_string("sse"),
    "text/event-stream",
    ngx_pimap_encode_sse_event,
    ngx_pimap_encode_sse_control,
    NULL
};


static ngx_pimap_message_t *
ngx_pimap_encode_sse_event(pimap_event_t *ev, ngx_log_t *log)
{
    size_t             size;
    u_char            *p;
    ngx_pimap_message_t  *text;

    size = sizeof("event: \ndata: \n\n") - 1 + ev->name.len + ev->json.len;

    if (ev->id.len) {
        size += sizeof("id: \n") - 1 + ev->id.len;
    }

    text = ngx_pimap_message_create(size, log);
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


static ngx_pimap_message_t *
ngx_pimap_encode_sse_control(ngx_pimap_control_t *control, ngx_log_t *log)
{
    u_char            *p, *last;
    u_char             buf[NGX_PIMAP_ENCODE_SSE_CONTROL];
    ngx_pimap_message_t  *text;

    p = buf;
    last = buf + sizeof(buf);

    if (control->retry) {
        p = ngx_slprintf(p, last, "retry: %M\n", control->retry);
    }

    if (control->position) {
        p = ngx_cpymem(p, "id: ", sizeof("id: ") - 1);
        p += pimap_event_id_text(control->position, p);
        *p++ = '\n';
    }

    if (control->comment) {
        p = ngx_slprintf(p, last, ": %s\n\n", control->comment);

    } else {
        p = ngx_slprintf(p, last, "event: %s\ndata: {%V}\n\n", control->name,
                         &control->members);
    }

    text = ngx_pimap_message_create(p - buf, log);

    if (text) {
        ngx_memcpy(text->data, buf, p - buf);
    }

    return text;
}
