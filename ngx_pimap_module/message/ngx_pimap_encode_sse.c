
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Encodes Server-Sent Events (WHATWG HTML, 9.2).  Called through the table of
 * encoders.  Invariant: an event is one line of JSON in one "data:" line.
 */


#include "ngx_pimap_encode.h"


#define NGX_PIMAP_ENCODE_SSE_CONTROL  512


static ngx_pimap_message_t *ngx_pimap_encode_sse_event(pimap_event_t *ev,
    ngx_log_t *log);
static ngx_pimap_message_t *ngx_pimap_encode_sse_control(
    ngx_pimap_control_parts_t *parts, ngx_log_t *log);


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
    size_t                size;
    u_char               *p;
    ngx_pimap_message_t  *message;

    size = sizeof("event: \ndata: \n\n") - 1 + ev->name.len + ev->json.len;

    if (ev->id.len) {
        size += sizeof("id: \n") - 1 + ev->id.len;
    }

    message = ngx_pimap_message_create(size, log);
    if (message == NULL) {
        return NULL;
    }

    p = message->data;

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

    return message;
}


static ngx_pimap_message_t *
ngx_pimap_encode_sse_control(ngx_pimap_control_parts_t *parts, ngx_log_t *log)
{
    u_char  *p, *last;
    u_char   buf[NGX_PIMAP_ENCODE_SSE_CONTROL];

    p = buf;
    last = buf + sizeof(buf);

    if (parts->retry) {
        p = ngx_slprintf(p, last, "retry: %M\n", parts->retry);
    }

    if (parts->superseded) {
        p = ngx_cpymem(p, "id: ", sizeof("id: ") - 1);
        p = ngx_pimap_superseded_id_text(p, parts->id);
        *p++ = '\n';

    } else if (parts->id) {
        p = ngx_cpymem(p, "id: ", sizeof("id: ") - 1);
        p += pimap_event_id_text(parts->id, p);
        *p++ = '\n';
    }

    /* some clients take a block without data for an empty message */

    p = ngx_slprintf(p, last, "event: %s\ndata: {%V}\n\n", parts->name,
                     &parts->members);

    return ngx_pimap_message_copy(buf, p - buf, log);
}
