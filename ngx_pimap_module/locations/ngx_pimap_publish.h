
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The parts of a publish request.
 */


#ifndef _NGX_PIMAP_PUBLISH_H_INCLUDED_
#define _NGX_PIMAP_PUBLISH_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_event_log.h"

#include "pimap_event_id.h"


/*
 * ngx_pimap_publish_request.c: A publish request, from its checked body to
 * its answer.
 */

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

    void                  *mapping;     /* of "format", or NULL */
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


/*
 * ngx_pimap_publish_batch.c: A publish request whose lines name their
 * accounts, from its body to its answer.
 */

#define NGX_PIMAP_PUBLISH_BATCH_LINES   10000       /* of a request */
#define NGX_PIMAP_PUBLISH_BATCH_FLIGHT  256         /* without an answer */

/* A line that Redis has, without its answer. */
typedef struct {
    ngx_pimap_command_t   *command;
    ngx_str_t              account;
    ngx_uint_t             line;
    ngx_str_t             *answer;
} ngx_pimap_publish_flight_t;

/* Lives in the request's pool, ends with it. */
typedef struct {
    ngx_http_request_t          *request;
    ngx_str_t                    key;       /* of the request, or empty */
    ngx_str_t                    body;      /* what is not read yet */
    ngx_uint_t                   line;      /* that was read last, from 1 */
    ngx_array_t                  answers;   /* ngx_str_t of each line */
    ngx_uint_t                   failed;    /* lines */
    ngx_uint_t                   unknown;   /* of these, for want of Redis */
    ngx_uint_t                   whole;     /* is repeated as a whole */
    ngx_event_t                  turn;

    /* a ring: Redis answers in order */
    ngx_pimap_publish_flight_t  *flights;
    ngx_uint_t                   sent;
    ngx_uint_t                   answered;
} ngx_pimap_publish_batch_t;

/*
 * Publishes the lines of the body, each by itself.  NGX_DONE: it is answered
 * later; else what a content handler returns.
 */
ngx_int_t ngx_pimap_publish_batch(ngx_pimap_publish_request_t *pr,
    ngx_str_t *body);


/*
 * ngx_pimap_publish_format.c: Notifications of another mail server.
 */

/* The argument "format": NGX_OK, or a status and the problem. */
ngx_int_t ngx_pimap_publish_format_check(ngx_pimap_publish_request_t *pr,
    const char **problem);

/* The same as ngx_pimap_publish_batch() for such a body. */
ngx_int_t ngx_pimap_publish_format(ngx_pimap_publish_request_t *pr,
    ngx_str_t *body);


/*
 * ngx_pimap_publish_signature.c: The header X-Signature.
 */

/* NGX_OK: it fits, or the location has no key; or a status and the problem. */
ngx_int_t ngx_pimap_publish_signature(ngx_http_request_t *r, ngx_str_t *body,
    const char **problem);


/*
 * ngx_pimap_publish_answer.c: The answer to it.
 */

/* A line has an answer, or a problem.  NGX_ERROR: memory is out. */
ngx_int_t ngx_pimap_publish_answer_reply(ngx_pimap_publish_batch_t *b,
    ngx_pimap_publish_flight_t *flight, redisReply *reply);
ngx_int_t ngx_pimap_publish_answer_problem(ngx_pimap_publish_batch_t *b,
    ngx_uint_t line, ngx_str_t *answer, ngx_uint_t status,
    const char *detail);

/* All lines have an answer: sends it, as a content handler does. */
ngx_int_t ngx_pimap_publish_answer_send(ngx_pimap_publish_batch_t *b);


/*
 * ngx_pimap_publish_command.c: One event on its way to Redis.
 */

/* "key" may be empty.  NULL: nothing was sent. */
ngx_pimap_command_t *ngx_pimap_publish_command(ngx_str_t *account,
    ngx_str_t *event, ngx_str_t *key, ngx_pimap_command_pt handler,
    void *data);

/*
 * NGX_OK: it is published; the id is in the reply, and is empty without a log.
 * NGX_ERROR: it is not, or that is not known.  Counts both.
 */
ngx_int_t ngx_pimap_publish_command_reply(redisReply *reply, ngx_str_t *id,
    ngx_uint_t *receivers);

/* Why the log refuses the event; NULL: another error, which is logged. */
const char *ngx_pimap_publish_command_refusal(ngx_str_t *account,
    redisReply *reply, ngx_log_t *log);


#endif /* _NGX_PIMAP_PUBLISH_H_INCLUDED_ */
