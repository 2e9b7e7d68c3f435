
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A request with updates from the time when they are known until it is
 * answered.
 */


#ifndef _NGX_PIMAP_OUTCOME_H_INCLUDED_
#define _NGX_PIMAP_OUTCOME_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_update_stream.h"
#include "ngx_pimap_update_waiter.h"


/* Lives in the request's pool, ends with it. */
typedef struct {
    ngx_http_request_t    *request;
    ngx_str_t              account;
    ngx_str_t              device;      /* may be empty */
    ngx_array_t            updates;     /* of ngx_pimap_queued_t */

    ngx_str_t             *results;     /* of each; empty: there is none yet */
    ngx_uint_t             missing;     /* of those */
    ngx_pimap_command_t   *command;     /* NULL: Redis has answered */
    ngx_pimap_waiter_t     waiter;
    ngx_uint_t             waited;      /* seconds that it may wait */

    ngx_int_t              refused;     /* what answering it returned */
    unsigned               known:1;     /* Redis has them */
    unsigned               again:1;     /* ask when it has answered */
} ngx_pimap_update_request_t;


/* NULL if memory is out. */
ngx_pimap_update_request_t *ngx_pimap_update_request_create(ngx_http_request_t *r);

/*
 * Hands the updates over, and waits for their results for so long at most; 0:
 * not at all.  What a content handler returns; NGX_DONE: it will be answered.
 */
ngx_int_t ngx_pimap_update_request_ask(ngx_pimap_update_request_t *o,
    ngx_msec_t wait);

/* A problem of the update in that line of the body; 0: there is only one. */
ngx_int_t ngx_pimap_update_request_problem(ngx_pimap_update_request_t *o,
    ngx_uint_t status, ngx_uint_t line, const char *why);


#endif /* _NGX_PIMAP_OUTCOME_H_INCLUDED_ */
