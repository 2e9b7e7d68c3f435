
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Encodes WebSocket frames (RFC 6455).  Called through the table of encoders,
 * and by the rooms updates and locations for single frames.  Invariant: a text
 * frame is a whole message with one JSON object.  With permessage-deflate (RFC
 * 7692) an event is compressed without a dictionary, so once for all devices;
 * control messages are too short for that.
 */


#include "ngx_pimap_encode.h"
#include "ngx_pimap_deflate.h"
#include "ngx_pimap_zone.h"


static ngx_pimap_message_t *ngx_pimap_encode_websocket_event(pimap_event_t *ev,
    ngx_log_t *log);
static ngx_pimap_message_t *ngx_pimap_encode_deflated_event(pimap_event_t *ev,
    ngx_log_t *log);
static ngx_pimap_message_t *ngx_pimap_encode_websocket_json(pimap_event_t *ev,
    ngx_str_t *payload, ngx_log_t *log);
static ngx_pimap_message_t *ngx_pimap_encode_websocket_control(
    ngx_pimap_control_parts_t *parts, ngx_log_t *log);
static ngx_pimap_message_t *ngx_pimap_encode_websocket_last(
    ngx_pimap_end_t reason, ngx_log_t *log);
static ngx_pimap_message_t *ngx_pimap_encode_websocket_frame(
    pimap_ws_op_t op, size_t len, u_char **payload, ngx_log_t *log);


const ngx_pimap_encoder_t  ngx_pimap_encode_websocket = {
    ngx_null_string,
    NULL,
    ngx_pimap_encode_websocket_event,
    ngx_pimap_encode_websocket_control,
    ngx_pimap_encode_websocket_last
};


const ngx_pimap_encoder_t  ngx_pimap_encode_websocket_deflate = {
    ngx_null_string,
    NULL,
    ngx_pimap_encode_deflated_event,
    ngx_pimap_encode_websocket_control,
    ngx_pimap_encode_websocket_last
};


static ngx_pimap_message_t *
ngx_pimap_encode_websocket_event(pimap_event_t *ev, ngx_log_t *log)
{
    ngx_str_t  payload;

    return ngx_pimap_encode_websocket_json(ev, &payload, log);
}


/* RFC 7692, 6.1: an event that does not get shorter is sent plain. */

static ngx_pimap_message_t *
ngx_pimap_encode_deflated_event(pimap_event_t *ev, ngx_log_t *log)
{
    u_char               *p;
    ngx_str_t             payload, compressed;
    ngx_pimap_message_t  *message, *plain;

    plain = ngx_pimap_encode_websocket_json(ev, &payload, log);
    if (plain == NULL) {
        return NULL;
    }

    if (ngx_pimap_deflate_message(&compressed, &payload) != NGX_OK
        || compressed.len >= payload.len)
    {
        return plain;
    }

    message = ngx_pimap_encode_websocket_frame(PIMAP_WS_OP_TEXT,
                                               compressed.len, &p, log);
    if (message == NULL) {
        return plain;
    }

    message->data[0] |= PIMAP_WS_RSV1;
    ngx_memcpy(p, compressed.data, compressed.len);

    message->plain_len = plain->len;
    ngx_pimap_count(compressed);

    ngx_pimap_message_unref(plain);

    return message;
}


static ngx_pimap_message_t *
ngx_pimap_encode_websocket_json(pimap_event_t *ev, ngx_str_t *payload,
    ngx_log_t *log)
{
    ngx_pimap_message_t      *message;
    ngx_pimap_encode_json_t   json;

    ngx_pimap_encode_json(&json, ev);

    message = ngx_pimap_encode_websocket_frame(PIMAP_WS_OP_TEXT, json.len,
                                        &payload->data, log);
    if (message) {
        payload->len = ngx_pimap_encode_json_copy(payload->data, &json)
                       - payload->data;
    }

    return message;
}


static ngx_pimap_message_t *
ngx_pimap_encode_websocket_control(ngx_pimap_control_parts_t *parts,
    ngx_log_t *log)
{
    size_t  len;
    u_char  buf[NGX_PIMAP_ENCODE_JSON_CONTROL];

    len = ngx_pimap_encode_json_control(buf, parts);

    return ngx_pimap_encode_frame(PIMAP_WS_OP_TEXT, buf, len, log);
}


/* RFC 6455, 7.4.1: 1000 lets a client come back at once, 1001 later. */

static ngx_pimap_message_t *
ngx_pimap_encode_websocket_last(ngx_pimap_end_t reason, ngx_log_t *log)
{
    switch (reason) {

    case NGX_PIMAP_END_CLOSEAFTER:
        return ngx_pimap_encode_close(PIMAP_WS_NORMAL, "closeafter", log);

    case NGX_PIMAP_END_SUPERSEDED:
        return ngx_pimap_encode_close(PIMAP_WS_NORMAL, "superseded", log);

    case NGX_PIMAP_END_DRAIN:
    case NGX_PIMAP_END_OPERATOR:
        return ngx_pimap_encode_close(PIMAP_WS_GOING_AWAY, "come back", log);

    default: /* NGX_PIMAP_END_EXPIRED */
        return ngx_pimap_encode_close(PIMAP_WS_POLICY, "expired", log);
    }
}


ngx_pimap_message_t *
ngx_pimap_encode_frame(pimap_ws_op_t op, u_char *data, size_t len,
    ngx_log_t *log)
{
    u_char               *p;
    ngx_pimap_message_t  *message;

    message = ngx_pimap_encode_websocket_frame(op, len, &p, log);

    if (message && len) {
        ngx_memcpy(p, data, len);
    }

    return message;
}


ngx_pimap_message_t *
ngx_pimap_encode_close(int code, const char *why, ngx_log_t *log)
{
    u_char  buf[PIMAP_WS_HEAD_MAX + PIMAP_WS_CONTROL_MAX];

    return ngx_pimap_message_copy(buf, pimap_ws_close(buf, code, why), log);
}


/* The caller fills the payload. */

static ngx_pimap_message_t *
ngx_pimap_encode_websocket_frame(pimap_ws_op_t op, size_t len,
    u_char **payload, ngx_log_t *log)
{
    size_t                n;
    u_char                head[PIMAP_WS_HEAD_MAX];
    ngx_pimap_message_t  *message;

    n = pimap_ws_head(head, op, len);

    message = ngx_pimap_message_create(n + len, log);

    if (message) {
        *payload = ngx_cpymem(message->data, head, n);
    }

    return message;
}
