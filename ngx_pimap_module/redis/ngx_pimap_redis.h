
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * One connection to Redis: hiredis formats and reads, nginx does the I/O.
 * It connects by itself, logs in, and comes back after a loss.
 */


#ifndef _NGX_PIMAP_REDIS_H_INCLUDED_
#define _NGX_PIMAP_REDIS_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_conf_redis.h"

#include <ngx_event_connect.h>
#include <hiredis/hiredis.h>
#include <hiredis/read.h>


/* Bounds of what Redis may send and of what may wait to be sent to it. */
#define NGX_PIMAP_REDIS_MAX_REPLY      (8 * 1024 * 1024)
#define NGX_PIMAP_REDIS_MAX_LINE       16384
#define NGX_PIMAP_REDIS_MAX_ELEMENTS   65536
#define NGX_PIMAP_REDIS_MAX_OUTPUT     (16 * 1024 * 1024)


typedef struct ngx_pimap_redis_s  ngx_pimap_redis_t;

typedef void (*ngx_pimap_redis_pt)(ngx_pimap_redis_t *redis);
typedef void (*ngx_pimap_redis_reply_pt)(ngx_pimap_redis_t *redis,
    redisReply *reply);

typedef enum {
    NGX_PIMAP_REDIS_DOWN = 0,           /* the timer will try again */
    NGX_PIMAP_REDIS_RESOLVING,
    NGX_PIMAP_REDIS_CONNECTING,
    NGX_PIMAP_REDIS_GREETING,           /* AUTH, SELECT, PING */
    NGX_PIMAP_REDIS_UP
} ngx_pimap_redis_state_t;


struct ngx_pimap_redis_s {
    ngx_pimap_redis_pt         up;      /* logged in */
    ngx_pimap_redis_pt         down;    /* was up, is lost */
    ngx_pimap_redis_reply_pt   reply;   /* the reply is freed afterwards */

    /* event ident must be after 3 pointers as in ngx_connection_t */
    ngx_int_t                  ident;   /* -1 */

    const char                *role;    /* for logs */
    ngx_pimap_conf_redis_t    *conf;
    ngx_pimap_redis_state_t    state;

    ngx_peer_connection_t      peer;
    ngx_connection_t          *connection;
    ngx_resolver_ctx_t        *resolving;
    ngx_uint_t                 addr;    /* the next of conf->addrs */
    redisReader               *reader;
    size_t                     unread;  /* bytes of a reply's beginning */

    u_char                    *out;     /* from out_pos to out_last unsent */
    size_t                     out_size;
    size_t                     out_pos;
    size_t                     out_last;

    ngx_event_t                timer;   /* to reconnect, or to give up */
    const char                *greetings[4];    /* commands under way */
    ngx_uint_t                 ngreetings;
    ngx_uint_t                 greeted;

    ngx_sockaddr_t             master;  /* that a sentinel has told */
    socklen_t                  master_len;
    ngx_str_t                  host;    /* the peer's address */
    u_char                     host_text[NGX_SOCKADDR_STRLEN];

    ngx_uint_t                 failures; /* since a good reply */

    unsigned                   reading:1;
    unsigned                   failed:1;
    unsigned                   asks:1;  /* the peer is a sentinel */
    unsigned                   moves:1; /* to the master, next */
    unsigned                   told:1;  /* the outage is in the log */
};


/* Callbacks, role and conf are set by the caller; connects at once. */
void ngx_pimap_redis_open(ngx_pimap_redis_t *redis);

/* Closes for good, e.g. when the process leaves. */
void ngx_pimap_redis_close(ngx_pimap_redis_t *redis);

/*
 * Queues a command; it is sent before the worker waits for events again, at
 * the latest.  NGX_DECLINED: not up, or too much is waiting already.
 */
ngx_int_t ngx_pimap_redis_send(ngx_pimap_redis_t *redis, int argc,
    const char **argv, const size_t *len);

/*
 * Drops the connection and starts a new one later.  May be called by any
 * callback: the work is then done after it.  "why" has no secrets in it.
 */
void ngx_pimap_redis_fail(ngx_pimap_redis_t *redis, const char *why);


#endif /* _NGX_PIMAP_REDIS_H_INCLUDED_ */
