
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Encodes newline-delimited JSON.  Called through the table of encoders.
 * Invariant: a message is one line with one JSON object.
 */


#include "ngx_pimap_encode.h"


static ngx_pimap_message_t *ngx_pimap_encode_ndjson_event(pimap_event_t *ev,
    ngx_log_t *log);
static ngx_pimap_message_t *ngx_pimap_encode_ndjson_control(
    ngx_pimap_control_parts_t *parts, ngx_log_t *log);


const ngx_pimap_encoder_t  ngx_pimap_encode_ndjson = {
    ngx_string("ndjson"),
    "application/x-ndjson",
    ngx_pimap_encode_ndjson_event,
    ngx_pimap_encode_ndjson_control,
    NULL
};


/* A poll puts the same lines into one object. */

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
    ngx_pimap_message_t      *message;
    ngx_pimap_encode_json_t   json;

    ngx_pimap_encode_json(&json, ev);

    message = ngx_pimap_message_create(json.len + 1, log);

    if (message) {
        p = ngx_pimap_encode_json_copy(message->data, &json);
        *p = '\n';
    }

    return message;
}


static ngx_pimap_message_t *
ngx_pimap_encode_ndjson_control(ngx_pimap_control_parts_t *parts,
    ngx_log_t *log)
{
    size_t  len;
    u_char  buf[NGX_PIMAP_ENCODE_JSON_CONTROL + 1];

    len = ngx_pimap_encode_json_control(buf, parts);
    buf[len++] = '\n';

    return ngx_pimap_message_copy(buf, len, log);
}
