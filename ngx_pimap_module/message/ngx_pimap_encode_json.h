
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Events and control messages as one JSON object on one line.
 */


#ifndef _NGX_PIMAP_ENCODE_JSON_H_INCLUDED_
#define _NGX_PIMAP_ENCODE_JSON_H_INCLUDED_


#include "ngx_pimap_encode.h"


#define NGX_PIMAP_ENCODE_JSON_HEAD     192      /* bytes, at most */
#define NGX_PIMAP_ENCODE_JSON_CONTROL  512


/* An object in three pieces; "rest" points into the event. */
typedef struct {
    size_t                  len;                /* of the whole */
    size_t                  head_len;
    ngx_str_t               rest;
    ngx_str_t               tail;
    u_char                  head[NGX_PIMAP_ENCODE_JSON_HEAD];
} ngx_pimap_encode_json_t;


void ngx_pimap_encode_json(ngx_pimap_encode_json_t *json, pimap_event_t *ev);

/* Writes the pieces; returns the end. */
u_char *ngx_pimap_encode_json_copy(u_char *p, ngx_pimap_encode_json_t *json);

/* Returns the length; "buf" has NGX_PIMAP_ENCODE_JSON_CONTROL bytes. */
size_t ngx_pimap_encode_json_control(u_char *buf,
    ngx_pimap_control_parts_t *parts);


#endif /* _NGX_PIMAP_ENCODE_JSON_H_INCLUDED_ */
