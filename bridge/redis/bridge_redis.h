
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns one connection to Redis: connects, logs in, and connects again after a
 * loss.  hiredis formats and reads, libevent does the I/O.
 *
 * The asynchronous layer of hiredis in Debian 12 is not used, because it
 * blocks on names and has neither TLS nor a time-out for connecting.
 */


#ifndef _BRIDGE_REDIS_H_INCLUDED_
#define _BRIDGE_REDIS_H_INCLUDED_


#include "bridge.h"
#include "bridge_config_redis.h"

#include <event2/bufferevent.h>

#include <hiredis/hiredis.h>
#include <hiredis/read.h>


typedef struct bridge_redis_s  bridge_redis_t;

typedef void (*bridge_redis_pt)(bridge_redis_t *redis);
typedef void (*bridge_redis_reply_pt)(bridge_redis_t *redis,
    redisReply *reply);

typedef enum {
    BRIDGE_REDIS_DOWN = 0,              /* the timer will try again */
    BRIDGE_REDIS_CONNECTING,
    BRIDGE_REDIS_GREETING,              /* AUTH, SELECT, PING */
    BRIDGE_REDIS_UP
} bridge_redis_state_t;


struct bridge_redis_s {
    const char            *role;        /* for logs */
    bridge_redis_pt        up;          /* logged in */
    bridge_redis_pt        down;        /* was up, is lost */
    bridge_redis_reply_pt  reply;       /* the reply is freed afterwards */

    bridge_redis_state_t   state;
    bridge_redis_t        *next;        /* of all that are open */
    struct bufferevent    *bev;
    redisReader           *reader;
    size_t                 unread;      /* bytes of a reply's beginning */
    struct event           timer;       /* to reconnect, or to give up */
    bridge_backoff_t       backoff;
    int                    greetings;   /* answers that are to come */

    unsigned               reading:1;
    unsigned               failed:1;
};


/* A channel, or the first word of a message in the inbox. */

typedef struct {
    const char  *name;                  /* NULL: the end of the table */
    void       (*handler)(const char *text, size_t len);
} bridge_redis_message_t;


/* The room reports by this table, which the program gives. */

typedef struct {
    void  (*commands_up)(void);
    void  (*commands_down)(void);
    void  (*function_missing)(void);    /* Redis has lost the functions */
    void  (*functions_ready)(void);     /* also after each reconnection */
    void  (*listening)(void);           /* also after each reconnection */

    const bridge_redis_message_t  *channels;
    const bridge_redis_message_t  *inbox;
} bridge_redis_handlers_t;


extern bridge_redis_conf_t            *bridge_redis_conf;
extern const bridge_redis_handlers_t  *bridge_redis_handlers;


void bridge_redis_init(bridge_redis_conf_t *conf,
    const bridge_redis_handlers_t *handlers);

/* Connects at once, and again after each loss. */
void bridge_redis_open(bridge_redis_t *redis, const char *role,
    bridge_redis_pt up, bridge_redis_pt down, bridge_redis_reply_pt reply);

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

/* A probe has come back: if there was an outage, it is over. */
void bridge_redis_works(void);

/* New settings.  If they differ, all connections are made anew. */
void bridge_redis_reload(bridge_redis_conf_t *conf);

/* True if the answer is an error that begins so. */
int bridge_redis_is_error(redisReply *reply, const char *prefix);


/*
 * bridge_redis_command.c owns the connection for commands, which Redis
 * answers in their order.
 */

typedef struct bridge_command_s  bridge_command_t;

/* reply == NULL: no answer, Redis may have executed the command or not. */
typedef void (*bridge_command_pt)(void *data, redisReply *reply);

void bridge_redis_command_init(void);
void bridge_redis_command_done(void);

int bridge_redis_command_ready(void);

/*
 * The handler (or NULL) is called once, after this has returned.  Returns NULL
 * if Redis is away or too far behind, and nothing was sent.  The format is
 * that of hiredis: "%s", "%d", "%b" (pointer and size_t); a space ends an
 * argument.
 */
bridge_command_t *bridge_redis_command_send(bridge_command_pt handler,
    void *data, const char *format, ...);
bridge_command_t *bridge_redis_command_send_argv(bridge_command_pt handler,
    void *data, int argc, const char **argv, const size_t *len);

/* The same; the format's first "%s" is the prefix of all keys. */
#define bridge_redis_call(handler, data, format, ...)                         \
    bridge_redis_command_send(handler, data, format,                          \
                              bridge_redis_conf->prefix, ##__VA_ARGS__)

/* The text of an array's element; NULL if it has none. */
const char *bridge_redis_text(redisReply *reply, size_t i);

/* The handler is not called any more. */
void bridge_redis_command_forget(bridge_command_t *command);


/*
 * bridge_subscriber.c owns the connection for subscriptions, and the probe
 * that tells whether it still receives messages.
 */

void bridge_subscriber_init(void);
void bridge_subscriber_done(void);

/* Subscribed, and the last probe came back. */
int bridge_subscriber_ready(void);

/* Sends a message to the inbox of the bridge, the channel P:bridge:<id>. */
void bridge_subscriber_tell(const char *bridge, const char *format, ...)
    __attribute__((format(printf, 2, 3)));


/*
 * bridge_function_library.c owns the knowledge whether Redis has the function
 * library, and loads it.
 */

/* The connection for commands is up, and Redis has the functions. */
int bridge_function_library_ready(void);

/* The connection for commands is up, or down. */
void bridge_function_library_start(void);
void bridge_function_library_stop(void);

/* A function was not found, as the functions were flushed. */
void bridge_function_library_lost(void);


#endif /* _BRIDGE_REDIS_H_INCLUDED_ */
