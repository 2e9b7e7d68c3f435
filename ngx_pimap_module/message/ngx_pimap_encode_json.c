
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The publisher's object, with the log's id in front of its members, and its
 * name if it has none, as JMAP's objects, which have an "@type".  An object
 * with an "id" of its own is put into "data", so that nothing of it is lost.
 */


#include "ngx_pimap_encode_json.h"


static u_char *ngx_pimap_encode_json_id(u_char *p, ngx_str_t *id);


void
ngx_pimap_encode_json(ngx_pimap_encode_json_t *json, pimap_event_t *ev)
{
    u_char      *p;
    ngx_str_t    id, name;
    ngx_uint_t   nested;

    nested = (json_object_get(ev->root, "id") != NULL);

    id.data = (u_char *) ev->id.data;
    id.len = ev->id.len;

    name.data = (u_char *) ev->name.data;
    name.len = ev->name.len;

    p = json->head;
    *p++ = '{';

    if (id.len) {
        p = ngx_pimap_encode_json_id(p, &id);
    }

    if (nested || json_object_get(ev->root, "event") == NULL) {
        p = ngx_sprintf(p, "\"event\":\"%V\",", &name);
    }

    json->rest.data = (u_char *) ev->json.data;
    json->rest.len = ev->json.len;

    if (nested) {
        p = ngx_sprintf(p, "\"data\":");
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
ngx_pimap_encode_json_control(u_char *buf, ngx_pimap_control_t *control)
{
    u_char     *p, *last, text[PIMAP_EVENT_ID_LEN];
    ngx_str_t   id;

    p = buf;
    last = buf + NGX_PIMAP_ENCODE_JSON_CONTROL;

    *p++ = '{';

    if (control->position) {
        id.data = text;
        id.len = pimap_event_id_text(control->position, text);

        p = ngx_pimap_encode_json_id(p, &id);
    }

    p = ngx_slprintf(p, last, "\"event\":\"%s\"", control->name);

    if (control->retry) {
        p = ngx_slprintf(p, last, ",\"retry\":%M", control->retry);
    }

    if (control->members.len) {
        p = ngx_slprintf(p, last, ",%V", &control->members);
    }

    return ngx_slprintf(p, last, "}") - buf;
}


static u_char *
ngx_pimap_encode_json_id(u_char *p, ngx_str_t *id)
{
    return ngx_sprintf(p, "\"id\":\"%V\",", id);
}
