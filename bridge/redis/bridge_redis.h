
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns one connection to Redis: connects, logs in, and connects again after
 * a loss.  Called by all others of this room, and by the reader of updates.
 * hiredis formats and reads, libevent does the I/O.
 *
 * The asynchronous layer of hiredis in Debian 12 is not used, because it
 * blocks on names and has neither TLS nor a time-out for connecting.
 */


#ifndef _BRIDGE_REDIS_H_INCLUDED_
#define _BRIDGE_REDIS_H_INCLUDED_


#include "bridge.h"
#include "bridge_config_redis.h"

#include <sys/queue.h>

#include <event2/bufferevent.h>

#include <hiredis/hiredis.h>
#include <hiredis/read.h>


typedef struct bridge_redis_s  bridge_redis_t;

typedef void (*bridge_redis_pt)(bridge_redis_t *redis);
typedef void (*bridge_redis_reply_pt)(bridge_redis_t *redis,
    redisReply *reply);

/*
 *  state        begins with         ends with
 *  DOWN         a loss              the timer                 -> CONNECTING
 *  CONNECTING   connect()           TLS' handshake            -> GREETING
 *  GREETING     AUTH, SELECT, PING  the last answer           -> UP
 *                                   a sentinel names a master -> CONNECTING
 *  UP
 *
 * Each of them ends in DOWN if it fails.
 */

typedef enum {
    BRIDGE_REDIS_DOWN = 0,
    BRIDGE_REDIS_CONNECTING,
    BRIDGE_REDIS_GREETING,
    BRIDGE_REDIS_UP
} bridge_redis_state_t;


struct bridge_redis_s {
    const char            *role;        /* for logs */
    void                  *data;        /* of its owner */
    bridge_redis_pt        choose;      /* sets host and port; NULL: those of
                                           the settings */
    bridge_redis_pt        up;          /* logged in */
    bridge_redis_pt        down;        /* was up, is lost */
    bridge_redis_reply_pt  reply;       /* the reply is freed afterwards */

    char                   host[PIMAP_REDIS_HOST];  /* or a path */
    unsigned               port;        /* 0: host is a path */
    unsigned               turn;        /* of several sentinels */
    pimap_redis_peer_t     peer;
    pimap_redis_login_t    login;

    bridge_redis_state_t   state;
    struct bufferevent    *bev;
    redisReader           *reader;
    size_t                 unread;      /* bytes of a reply's beginning */
    struct event           timer;       /* to reconnect, or to give up */
    bridge_backoff_t       backoff;

    unsigned               reading:1;
    unsigned               failed:1;
    unsigned               redirected:1;    /* to the master */
};


extern bridge_redis_conf_t  *bridge_redis_conf;


/* Connects at once, and again after each loss.  The callbacks, "role" and
   "data" are set before. */
void bridge_redis_open(bridge_redis_t *redis);

/* For good. */
void bridge_redis_close(bridge_redis_t *redis);

/*
 * Queues a command that hiredis has formatted.  Returns -1 if Redis is away,
 * or too much is waiting to be sent.
 */
int bridge_redis_send(bridge_redis_t *redis, const char *command, size_t len);

/* The same with a format of hiredis. */
int bridge_redis_format(bridge_redis_t *redis, const char *format, ...);

/*
 * Drops the connection and makes it anew later; may be called by callbacks.
 * "why" has no secrets in it.
 */
void bridge_redis_fail(bridge_redis_t *redis, const char *why);

/* The same without a line in the log. */
void bridge_redis_end(bridge_redis_t *redis);

/* The text of an array's element; NULL if it has none. */
const char *bridge_redis_text(redisReply *reply, size_t i);

/* True if the answer is an error that begins so. */
int bridge_redis_is_error(redisReply *reply, const char *prefix);


/* bridge_redis_trouble.c: the lines of a loss, and of its end. */

void bridge_redis_trouble(bridge_redis_t *redis, const char *why);

/* Probes of all slots have come back: if there was an outage, it is over. */
void bridge_redis_works(void);

/* There is no outage: the settings are others. */
void bridge_redis_trouble_forget(void);


#endif /* _BRIDGE_REDIS_H_INCLUDED_ */
