
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A publish request, from its checked body to its answer.
 */


#ifndef _NGX_PIMAP_PUBLISH_REQUEST_H_INCLUDED_
#define _NGX_PIMAP_PUBLISH_REQUEST_H_INCLUDED_


#include "ngx_pimap.h"
#include "pimap_event_id.h"


/* Lives in the request's pool, ends with it. */
typedef struct {
    ngx_http_request_t    *request;
    ngx_str_t              account;
    ngx_str_t              key;         /* Idempotency-Key; may be empty */
    ngx_array_t            events;      /* of ngx_str_t */
    ngx_array_t            commands;    /* of ngx_pimap_command_t *; NULL:
                                           answered */
    ngx_uint_t             answered;
    ngx_uint_t             failed;
    u_char                 refusal[128];    /* the reason of the log */

    ngx_uint_t             receivers;   /* of the last event */
    ngx_str_t              id;          /* of it; empty: it is not logged */
    u_char                 id_text[PIMAP_EVENT_ID_LEN];

    ngx_int_t              refused;     /* a content handler's result */
    unsigned               from_body:1; /* an OX payload's account */
    unsigned               waiting:1;
} ngx_pimap_publish_request_t;


/* NULL if memory is out. */
ngx_pimap_publish_request_t *ngx_pimap_publish_request_create(
    ngx_http_request_t *r);

/*
 * Publishes the events.  NGX_DONE: the request is answered after Redis has
 * replied; NGX_DECLINED: Redis is away; NGX_ERROR: memory is out.
 */
ngx_int_t ngx_pimap_publish_request_send(ngx_pimap_publish_request_t *pr);


#endif /* _NGX_PIMAP_PUBLISH_REQUEST_H_INCLUDED_ */
