
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The "pimap_accounts" location, file by file.
 */


#ifndef _NGX_PIMAP_ACCOUNTS_H_INCLUDED_
#define _NGX_PIMAP_ACCOUNTS_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_log_tail.h"

#include <jansson.h>


/*
 * ngx_pimap_accounts.c: What an operator asks about an account.
 */

ngx_int_t ngx_pimap_accounts_handler(ngx_http_request_t *r);


/*
 * ngx_pimap_accounts_request.c: Such a request, until its answer.
 */

/* Lives in the request's pool, ends with it. */
typedef struct {
    ngx_http_request_t    *request;
    ngx_str_t              account;
    ngx_str_t              device;      /* to end; empty: to list */
    ngx_uint_t             limit;       /* devices of the answer */
    ngx_str_t              after;       /* id of a device */
    ngx_pimap_log_tail_t   tail;        /* count 0: no events */

    ngx_queue_t            link;        /* of the requests that wait */
    ngx_str_t              token;
    ngx_pimap_command_t   *command;     /* NULL: the workers are asked */
    ngx_event_t            timer;

    ngx_uint_t             asked;       /* workers */
    ngx_uint_t             answered;
    json_int_t             count;       /* of their devices */
    json_int_t             moving;
    json_int_t             more;
    json_int_t             ended;
    json_t                *list;        /* the first devices of all */
    unsigned               waiting:1;
    unsigned               failed:1;    /* memory is out */
} ngx_pimap_accounts_request_t;

void ngx_pimap_accounts_request_init_process(void);

/* NULL if memory is out. */
ngx_pimap_accounts_request_t *ngx_pimap_accounts_request_create(
    ngx_http_request_t *r);

/* Returns what a content handler returns. */
ngx_int_t ngx_pimap_accounts_request_start(ngx_pimap_accounts_request_t *ar);

/* A worker's answer: "<request> <json>". */
void ngx_pimap_accounts_request_answered(u_char *data, size_t len);


/*
 * ngx_pimap_accounts_answer.c: The answers of workers, and the one that is
 * made of them.
 */

/* NGX_DECLINED: the text is no answer; NGX_ERROR: memory is out. */
ngx_int_t ngx_pimap_accounts_answer_add(ngx_pimap_accounts_request_t *ar,
    u_char *text, size_t len);

/* Sends the answer, as a content handler does. */
ngx_int_t ngx_pimap_accounts_answer(ngx_pimap_accounts_request_t *ar);


#endif /* _NGX_PIMAP_ACCOUNTS_H_INCLUDED_ */
