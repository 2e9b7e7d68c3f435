
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Events of a publish request on their way through Redis.
 */


#ifndef _NGX_PIMAP_POST_H_INCLUDED_
#define _NGX_PIMAP_POST_H_INCLUDED_


#include "ngx_pimap.h"
#include "pimap_event_id.h"


/* Lives in the request's pool, ends with it. */
typedef struct {
    ngx_http_request_t    *request;
    ngx_str_t              account;
    ngx_str_t              key;         /* Idempotency-Key; may be empty */
    ngx_array_t            events;      /* of ngx_str_t */
    ngx_array_t            commands;    /* of ngx_pimap_command_t *, or NULL
                                           once it has been answered */
    ngx_uint_t             answered;
    ngx_uint_t             failed;
    u_char                 refusal[128];    /* what the log says of an event */

    ngx_uint_t             receivers;   /* of the last event */
    ngx_str_t              id;          /* of it; empty: it was live only */
    u_char                 id_text[PIMAP_EVENT_ID_LEN];

    ngx_int_t              refused;     /* what answering it returned */
    unsigned               from_body:1; /* the account is an OX payload's */
    unsigned               waiting:1;
} ngx_pimap_publish_request_t;


/* NULL if memory is out. */
ngx_pimap_publish_request_t *ngx_pimap_publish_request_create(ngx_http_request_t *r);

/*
 * Publishes the events.  NGX_DONE: the request will be answered when Redis
 * has; NGX_DECLINED: Redis is away; NGX_ERROR: memory is out.
 */
ngx_int_t ngx_pimap_publish_request_send(ngx_pimap_publish_request_t *post);


#endif /* _NGX_PIMAP_POST_H_INCLUDED_ */
