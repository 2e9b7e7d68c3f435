
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Writes an event or a control message as a JSON object.  Called by the NDJSON
 * and WebSocket encoders.  Invariant: the publisher's object stays whole.  The
 * log's id and a missing name are put in front of its members.  If the object
 * has an "id" itself, it becomes the member "data" of a new object.
 */


#include "ngx_pimap_encode.h"


#define ngx_pimap_encode_json_id(p, last, id)                                 \
    ngx_slprintf(p, last, "\"id\":\"%V\",", id)


/* An id has up to PIMAP_EVENT_ID_LEN bytes, a name PIMAP_EVENT_MAX_NAME. */

void
ngx_pimap_encode_json(ngx_pimap_encode_json_t *json, pimap_event_t *ev)
{
    u_char      *p, *last;
    ngx_str_t    id, name;
    ngx_uint_t   nested;

    nested = (ev->members[PIMAP_MEMBER_ID].data != NULL);

    id.data = (u_char *) ev->id.data;
    id.len = ev->id.len;

    name.data = (u_char *) ev->name.data;
    name.len = ev->name.len;

    p = json->head;
    last = json->head + NGX_PIMAP_ENCODE_JSON_HEAD;

    *p++ = '{';

    if (id.len) {
        p = ngx_pimap_encode_json_id(p, last, &id);
    }

    if (nested || ev->members[PIMAP_MEMBER_EVENT].data == NULL) {
        p = ngx_slprintf(p, last, "\"event\":\"%V\",", &name);
    }

    json->rest.data = (u_char *) ev->json.data;
    json->rest.len = ev->json.len;

    if (nested) {
        p = ngx_slprintf(p, last, "\"data\":");
        ngx_str_set(&json->tail, "}");

    } else {
        json->rest.data++;
        json->rest.len--;
        ngx_str_set(&json->tail, "");
    }

    json->head_len = p - json->head;
    json->len = json->head_len + json->rest.len + json->tail.len;
}


u_char *
ngx_pimap_encode_json_copy(u_char *p, ngx_pimap_encode_json_t *json)
{
    p = ngx_cpymem(p, json->head, json->head_len);
    p = ngx_cpymem(p, json->rest.data, json->rest.len);

    return ngx_cpymem(p, json->tail.data, json->tail.len);
}


size_t
ngx_pimap_encode_json_control(u_char *buf, ngx_pimap_control_parts_t *parts)
{
    u_char     *p, *last, text[PIMAP_EVENT_ID_LEN];
    ngx_str_t   id;

    p = buf;
    last = buf + NGX_PIMAP_ENCODE_JSON_CONTROL;

    *p++ = '{';

    if (parts->id && !parts->superseded) {
        id.data = text;
        id.len = pimap_event_id_text(parts->id, text);

        p = ngx_pimap_encode_json_id(p, last, &id);
    }

    p = ngx_slprintf(p, last, "\"event\":\"%s\"", parts->name);

    if (parts->retry) {
        p = ngx_slprintf(p, last, ",\"retry\":%M", parts->retry);
    }

    if (parts->members.len) {
        p = ngx_slprintf(p, last, ",%V", &parts->members);
    }

    return ngx_slprintf(p, last, "}") - buf;
}
