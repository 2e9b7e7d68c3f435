
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the bytes of one connection to Redis: hiredis formats and parses, nginx
 * does the I/O.  Called by the command and the subscriber.  Invariant: the
 * connection is made again after each loss, by ngx_pimap_redis_connect.c.
 */


#ifndef _NGX_PIMAP_REDIS_H_INCLUDED_
#define _NGX_PIMAP_REDIS_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_conf_redis.h"

#include <ngx_event_connect.h>
#include <hiredis/hiredis.h>
#include <hiredis/read.h>

#include "pimap_redis_login.h"


#define NGX_PIMAP_REDIS_READ_SIZE      65536

/* Bounds of replies, and of the output that is queued. */
#define NGX_PIMAP_REDIS_MAX_REPLY      (8 * 1024 * 1024)
#define NGX_PIMAP_REDIS_MAX_LINE       16384
#define NGX_PIMAP_REDIS_MAX_ELEMENTS   65536
#define NGX_PIMAP_REDIS_MAX_DEPTH      7
#define NGX_PIMAP_REDIS_MAX_OUTPUT     (16 * 1024 * 1024)


typedef struct ngx_pimap_redis_s  ngx_pimap_redis_t;

typedef void (*ngx_pimap_redis_pt)(ngx_pimap_redis_t *redis);
typedef void (*ngx_pimap_redis_reply_pt)(ngx_pimap_redis_t *redis,
    redisReply *reply);

/*
 *  state        begins with            ends with
 *  DOWN         a loss, or the start   the timer          -> RESOLVING
 *  RESOLVING    a host's name          its address        -> CONNECTING
 *  CONNECTING   connect()              TLS' handshake     -> GREETING
 *  GREETING     AUTH, SELECT, PING     the last answer    -> UP
 *                                      a sentinel's       -> CONNECTING
 *  UP
 *
 * Each of them ends in DOWN if it fails.
 */

typedef enum {
    NGX_PIMAP_REDIS_DOWN = 0,
    NGX_PIMAP_REDIS_RESOLVING,
    NGX_PIMAP_REDIS_CONNECTING,
    NGX_PIMAP_REDIS_GREETING,
    NGX_PIMAP_REDIS_UP
} ngx_pimap_redis_state_t;


/* What a state does with the events of its socket. */
typedef struct {
    ngx_pimap_redis_pt         writable;        /* NULL: sends output */
    ngx_pimap_redis_reply_pt   reply;
    ngx_pimap_redis_pt         over;            /* failed or redirected */
} ngx_pimap_redis_phase_t;


struct ngx_pimap_redis_s {
    ngx_pimap_redis_pt         up;      /* logged in */
    ngx_pimap_redis_pt         down;    /* was up, is lost */
    ngx_pimap_redis_reply_pt   reply;   /* the reply is freed afterwards */
    ngx_pimap_redis_reply_pt   ahead;   /* NULL; sees the next reply, if it
                                           has three elements */

    /* event ident must be after 3 pointers as in ngx_connection_t */
    ngx_int_t                  ident;   /* -1 */

    const char                *role;    /* for logs */
    ngx_pimap_conf_redis_t    *conf;
    ngx_pimap_redis_server_t  *server;
    ngx_pimap_redis_state_t    state;
    const ngx_pimap_redis_phase_t  *phase;

    ngx_peer_connection_t      peer;
    ngx_connection_t          *connection;
    ngx_resolver_ctx_t        *resolving;
    ngx_uint_t                 addr;    /* the next of the server's */
    redisReader               *reader;
    size_t                     unread;  /* bytes of a reply's beginning */
    size_t                     in_len;

    u_char                    *out;     /* from out_pos to out_last unsent */
    size_t                     out_size;
    size_t                     out_pos;
    size_t                     out_last;

    ngx_event_t                timer;   /* to reconnect, or to give up */
    pimap_redis_login_t        login;

    ngx_sockaddr_t             master;  /* by the sentinel */
    socklen_t                  master_len;
    ngx_str_t                  host;    /* the peer's address */
    u_char                     host_text[NGX_SOCKADDR_STRLEN];

    ngx_uint_t                 failures; /* since a good reply */
    ngx_uint_t                 outage;  /* that it was back from, last */

    unsigned                   reading:1;
    unsigned                   failed:1;
    unsigned                   sentinel:1;      /* the peer is one */
    unsigned                   redirected:1;    /* to the master, next */
    unsigned                   local:1;         /* by a Unix socket */

    u_char                    *in;      /* NGX_PIMAP_REDIS_READ_SIZE bytes */
};


/* Callbacks, role, conf and server are the caller's; connects at once. */
void ngx_pimap_redis_open(ngx_pimap_redis_t *redis);

/* True if it is up, and nothing has failed in this turn. */
#define ngx_pimap_redis_ready(redis)                                         \
    ((redis)->state == NGX_PIMAP_REDIS_UP && !(redis)->failed)

/* The wait for the next attempt to connect is not longer than that. */
void ngx_pimap_redis_hurry(ngx_pimap_redis_t *redis, ngx_msec_t limit);

/* Closes for good, e.g. when the process leaves. */
void ngx_pimap_redis_close(ngx_pimap_redis_t *redis);

/*
 * Queues a command in the format language of hiredis; or one that hiredis has
 * formatted, and frees that; or bytes.  It is sent before the worker waits for
 * events again.  NGX_DECLINED: not up, or too much is queued.
 */
ngx_int_t ngx_pimap_redis_send(ngx_pimap_redis_t *redis, const char *format,
    ...);
ngx_int_t ngx_pimap_redis_send_text(ngx_pimap_redis_t *redis, char *text,
    int len);
ngx_int_t ngx_pimap_redis_send_bytes(ngx_pimap_redis_t *redis,
    const char *data, size_t len);

/*
 * Drops the connection and makes a new one later.  Any callback may call this:
 * the connection is closed after it.  "why" is logged, with the error of a
 * system call unless it is 0.
 */
void ngx_pimap_redis_fail(ngx_pimap_redis_t *redis, const char *why);
void ngx_pimap_redis_fail_errno(ngx_pimap_redis_t *redis, const char *why,
    ngx_err_t err);


/* For the other ngx_pimap_redis_*.c. */

void ngx_pimap_redis_set_state(ngx_pimap_redis_t *redis,
    ngx_pimap_redis_state_t state);
void ngx_pimap_redis_set_log(ngx_connection_t *c, ngx_log_t *log);

void ngx_pimap_redis_read_handler(ngx_event_t *rev);
void ngx_pimap_redis_write_handler(ngx_event_t *wev);

/* ngx_pimap_redis_trouble.c: the lines of a loss, and of its end. */
void ngx_pimap_redis_trouble(ngx_pimap_redis_t *redis, const char *why,
    ngx_err_t err);
void ngx_pimap_redis_connected_line(ngx_pimap_redis_t *redis);

/* ngx_pimap_redis_tls.c: ends in a greeting, or fails. */
void ngx_pimap_redis_handshake(ngx_pimap_redis_t *redis);

/* ngx_pimap_redis_login.c: asks a sentinel for the master, or logs in. */
void ngx_pimap_redis_greet(ngx_pimap_redis_t *redis);

/* An answer to that: the connection is up, redirected, or fails. */
void ngx_pimap_redis_greeted(ngx_pimap_redis_t *redis, redisReply *reply);


#endif /* _NGX_PIMAP_REDIS_H_INCLUDED_ */
