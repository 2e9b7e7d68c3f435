
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * WebSocket (RFC 6455): each text frame is a message with one JSON object.
 * With permessage-deflate (RFC 7692) an event is compressed by itself, once
 * for all devices; what is said to one device only is too short for that.
 */


#include "ngx_pimap_encode_websocket.h"
#include "ngx_pimap_deflate.h"
#include "ngx_pimap_encode_json.h"
#include "ngx_pimap_zone.h"


static ngx_pimap_message_t *ngx_pimap_encode_websocket_event(pimap_event_t *ev,
    ngx_log_t *log);
static ngx_pimap_message_t *ngx_pimap_encode_deflated_event(pimap_event_t *ev,
    ngx_log_t *log);
static ngx_pimap_message_t *ngx_pimap_encode_websocket_json(pimap_event_t *ev,
    ngx_str_t *payload, ngx_log_t *log);
static ngx_pimap_message_t *ngx_pimap_encode_websocket_control(
    ngx_pimap_control_t *control, ngx_log_t *log);
static ngx_pimap_message_t *ngx_pimap_encode_websocket_last(ngx_pimap_end_t reason, ngx_log_t *log);
static ngx_pimap_message_t *ngx_pimap_encode_websocket_text(pimap_ws_op_t op,
    size_t len, u_char **payload, ngx_log_t *log);


const ngx_pimap_encoder_t  ngx_pimap_encode_websocket = {
    ngx_null_string,
    NULL,
    ngx_pimap_encode_websocket_event,
    ngx_pimap_encode_websocket_control,
    ngx_pimap_encode_websocket_last
};


const ngx_pimap_encoder_t  ngx_pimap_encode_deflated = {
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


/* RFC 7692, 6.1: what does not get shorter goes as it is. */

static ngx_pimap_message_t *
ngx_pimap_encode_deflated_event(pimap_event_t *ev, ngx_log_t *log)
{
    u_char            *p;
    ngx_str_t          payload, packed;
    ngx_pimap_message_t  *text, *plain;

    plain = ngx_pimap_encode_websocket_json(ev, &payload, log);
    if (plain == NULL) {
        return NULL;
    }

    if (ngx_pimap_deflate_message(&packed, &payload) != NGX_OK
        || packed.len >= payload.len)
    {
        return plain;
    }

    text = ngx_pimap_encode_websocket_text(PIMAP_WS_OP_TEXT, packed.len, &p,
                                        log);
    if (text == NULL) {
        return plain;
    }

    text->data[0] |= PIMAP_WS_RSV1;
    ngx_memcpy(p, packed.data, packed.len);

    text->plain = plain->len;
    ngx_pimap_count(compressed);

    ngx_pimap_message_unref(plain);

    return text;
}


static ngx_pimap_message_t *
ngx_pimap_encode_websocket_json(pimap_event_t *ev, ngx_str_t *payload,
    ngx_log_t *log)
{
    ngx_pimap_message_t         *text;
    ngx_pimap_encode_json_t   json;

    ngx_pimap_encode_json(&json, ev);

    text = ngx_pimap_encode_websocket_text(PIMAP_WS_OP_TEXT, json.len,
                                        &payload->data, log);
    if (text) {
        payload->len = ngx_pimap_encode_json_copy(payload->data, &json)
                       - payload->data;
    }

    return text;
}


static ngx_pimap_message_t *
ngx_pimap_encode_websocket_control(ngx_pimap_control_t *control,
    ngx_log_t *log)
{
    size_t  len;
    u_char  buf[NGX_PIMAP_ENCODE_JSON_CONTROL];

    len = ngx_pimap_encode_json_control(buf, control);

    return ngx_pimap_encode_frame(PIMAP_WS_OP_TEXT, buf, len, log);
}


/* RFC 6455, 7.4.1: who may come back at once sees 1000, later: 1001. */

static ngx_pimap_message_t *
ngx_pimap_encode_websocket_last(ngx_pimap_end_t reason, ngx_log_t *log)
{
    switch (reason) {

    case NGX_PIMAP_END_CLOSEAFTER:
        return ngx_pimap_encode_close(PIMAP_WS_NORMAL, "closeafter", log);

    case NGX_PIMAP_END_SUPERSEDED:
        return ngx_pimap_encode_close(PIMAP_WS_NORMAL, "superseded", log);

    case NGX_PIMAP_END_DRAIN:
        return ngx_pimap_encode_close(PIMAP_WS_GOING_AWAY, "come back", log);

    default: /* NGX_PIMAP_END_EXPIRED */
        return ngx_pimap_encode_close(PIMAP_WS_POLICY, "expired", log);
    }
}


ngx_pimap_message_t *
ngx_pimap_encode_frame(pimap_ws_op_t op, u_char *data, size_t len,
    ngx_log_t *log)
{
    u_char            *p;
    ngx_pimap_message_t  *text;

    text = ngx_pimap_encode_websocket_text(op, len, &p, log);

    if (text && len) {
        ngx_memcpy(p, data, len);
    }

    return text;
}


ngx_pimap_message_t *
ngx_pimap_encode_close(int code, const char *why, ngx_log_t *log)
{
    size_t             len;
    u_char             buf[PIMAP_WS_HEAD_MAX + PIMAP_WS_CONTROL_MAX];
    ngx_pimap_message_t  *text;

    len = pimap_ws_close(buf, code, why);

    text = ngx_pimap_message_create(len, log);

    if (text) {
        ngx_memcpy(text->data, buf, len);
    }

    return text;
}


/* A frame; its payload is the caller's to fill. */

static ngx_pimap_message_t *
ngx_pimap_encode_websocket_text(pimap_ws_op_t op, size_t len, u_char **payload,
    ngx_log_t *log)
{
    size_t             n;
    u_char             head[PIMAP_WS_HEAD_MAX];
    ngx_pimap_message_t  *text;

    n = pimap_ws_head(head, op, len);

    text = ngx_pimap_message_create(n + len, log);

    if (text) {
        *payload = ngx_cpymem(text->data, head, n);
    }

    return text;
}
