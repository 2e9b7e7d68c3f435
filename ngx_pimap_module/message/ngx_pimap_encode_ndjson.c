
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Newline-delimited JSON.
 */


#include "ngx_pimap_encode_json.h"


static ngx_pimap_message_t *ngx_pimap_encode_ndjson_event(pimap_event_t *ev,
    ngx_log_t *log);
static ngx_pimap_message_t *ngx_pimap_encode_ndjson_control(
    ngx_pimap_control_t *control, ngx_log_t *log);


const ngx_pimap_encoder_t  ngx_pimap_encode_ndjson = {
    ngx_string("ndjson"),
    "application/x-ndjson",
    ngx_pimap_encode_ndjson_event,
    ngx_pimap_encode_ndjson_control,
    NULL
};


/* The same lines, which ngx_pimap_transport_poll.c puts into one object. */

const ngx_pimap_encoder_t  ngx_pimap_encode_object = {
    ngx_string("json"),
    "application/json",
    ngx_pimap_encode_ndjson_event,
    ngx_pimap_encode_ndjson_control,
    NULL
};


static ngx_pimap_message_t *
ngx_pimap_encode_ndjson_event(pimap_event_t *ev, ngx_log_t *log)
{
    u_char                   *p;
    ngx_pimap_message_t         *text;
    ngx_pimap_encode_json_t   json;

    ngx_pimap_encode_json(&json, ev);

    text = ngx_pimap_message_create(json.len + 1, log);

    if (text) {
        p = ngx_pimap_encode_json_copy(text->data, &json);
        *p = '\n';
    }

    return text;
}


static ngx_pimap_message_t *
ngx_pimap_encode_ndjson_control(ngx_pimap_control_t *control, ngx_log_t *log)
{
    size_t             len;
    u_char             buf[NGX_PIMAP_ENCODE_JSON_CONTROL];
    ngx_pimap_message_t  *text;

    len = ngx_pimap_encode_json_control(buf, control);

    text = ngx_pimap_message_create(len + 1, log);

    if (text) {
        ngx_memcpy(text->data, buf, len);
        text->data[len] = '\n';
    }

    return text;
}
