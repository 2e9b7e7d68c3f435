
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The commands of this room, and the replies to them.
 */


#ifndef _NGX_PIMAP_COMMAND_H_INCLUDED_
#define _NGX_PIMAP_COMMAND_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_redis.h"

#include "pimap_event_id.h"
#include "pimap_redis_key.h"


/*
 * ngx_pimap_command.c: Owns the worker's commanding connection, and commands
 * in flight.  Invariant: each handler is called once, with the answer or NULL.
 */

typedef struct ngx_pimap_command_s  ngx_pimap_command_t;

/* reply == NULL: no answer; Redis may have executed the command or not. */
typedef void (*ngx_pimap_command_pt)(void *data, redisReply *reply);

/* "down" is called before the commands in flight are answered with NULL. */
void ngx_pimap_command_open(ngx_pimap_conf_redis_t *conf, void (*up)(void),
    void (*down)(void));
void ngx_pimap_command_close(void);

ngx_uint_t ngx_pimap_command_ready(void);

/* How long the oldest command waits for its answer, in msec; 0: none waits. */
ngx_msec_t ngx_pimap_command_waits(void);

/* Drops the connection and makes a new one; logs an error of Redis. */
void ngx_pimap_command_renew(const char *why);
void ngx_pimap_command_complain(const char *why);

/*
 * A command in the format language of hiredis, or as a list of arguments.
 * The handler (or NULL) is not called before this returns.  NULL: nothing was
 * sent, and the last function says why.
 */
ngx_pimap_command_t *ngx_pimap_command_send(ngx_pimap_command_pt handler,
    void *data, const char *format, ...);
ngx_pimap_command_t *ngx_pimap_command_send_list(ngx_pimap_command_pt handler,
    void *data, int argc, const char **argv, const size_t *len);
const char *ngx_pimap_command_trouble(void);
/* PUBLISH to the channel of an account. */
ngx_pimap_command_t *ngx_pimap_command_publish(ngx_str_t *account,
    ngx_str_t *payload, ngx_pimap_command_pt handler, void *data);

/* The handler's data goes: it will not be called. */
void ngx_pimap_command_forget(ngx_pimap_command_t *command);

/* Of all names in Redis. */
ngx_str_t *ngx_pimap_command_prefix(void);

/* PIMAP_REDIS_KEY with its arguments. */
#define NGX_PIMAP_COMMAND_KEY  PIMAP_REDIS_KEY("%b", "%b")

#define ngx_pimap_command_key(account)                                        \
    ngx_pimap_command_prefix()->data, ngx_pimap_command_prefix()->len,        \
    (account)->data, (account)->len


/*
 * ngx_pimap_event_log.c: Owns the commands for an account's log, which
 * redis/pimap.lua keeps, and the parsing of their replies.  Called by the
 * replay and by locations.
 */

typedef struct {
    ngx_uint_t              resync;     /* events after the id are missing */
    ngx_str_t               reason;     /* of the resync: a fixed word */
    pimap_event_id_t        last;       /* in the log; "0" if it is empty */
    ngx_uint_t              n;          /* entries */
    redisReply            **entries;    /* id, text, id, text ...; each id
                                           is "<epoch>-<n>" */
} ngx_pimap_event_log_page_t;

/* As ngx_pimap_command_send(): NULL if Redis is away. */
ngx_pimap_command_t *ngx_pimap_event_log_last(ngx_str_t *account,
    ngx_pimap_command_pt handler, void *data);

/* The entry with this id, and the one after it. */
ngx_pimap_command_t *ngx_pimap_event_log_peek(ngx_str_t *account,
    pimap_event_id_t *id, ngx_pimap_command_pt handler, void *data);

/* The entries after this id: at most "count", or about "bytes". */
ngx_pimap_command_t *ngx_pimap_event_log_read(ngx_str_t *account,
    pimap_event_id_t *id, ngx_uint_t count, size_t bytes,
    ngx_pimap_command_pt handler, void *data);

/* Adds and publishes an event; with the same "key", if any, only once. */
ngx_pimap_command_t *ngx_pimap_event_log_post(ngx_str_t *account,
    ngx_str_t *event, ngx_str_t *key, ngx_pimap_command_pt handler,
    void *data);

/* True if the reply to a peek says that the log ends with this id. */
ngx_uint_t ngx_pimap_event_log_ends(redisReply *reply, pimap_event_id_t *id);

/* The reply of pimap_last, of pimap_read.  NGX_ERROR: it has another form. */
ngx_int_t ngx_pimap_event_log_id(redisReply *reply, pimap_event_id_t *id);
ngx_int_t ngx_pimap_event_log_page(redisReply *reply, pimap_event_id_t *start,
    ngx_pimap_event_log_page_t *page);


/*
 * ngx_pimap_function_library.c: Owns the knowledge whether Redis has our
 * function library, which keeps the log, and loads it there.  Called by the
 * room's client, and by each caller of a function.
 */

typedef enum {
    NGX_PIMAP_FUNCTION_LIBRARY_UNKNOWN = 0,     /* not asked, or no answer */
    NGX_PIMAP_FUNCTION_LIBRARY_READY,
    NGX_PIMAP_FUNCTION_LIBRARY_MISSING          /* there is no log */
} ngx_pimap_function_library_state_t;

typedef void (*ngx_pimap_function_library_pt)(
    ngx_pimap_function_library_state_t state);

/* The handler is called when the library is ready or missing. */
void ngx_pimap_function_library_init_process(ngx_cycle_t *cycle,
    ngx_pimap_conf_redis_t *conf, ngx_pimap_function_library_pt handler);

ngx_pimap_function_library_state_t ngx_pimap_function_library_state(void);
const char *ngx_pimap_function_library_trouble(void);   /* if it is unknown */

/* Commands can be sent, or no longer. */
void ngx_pimap_function_library_start(void);
void ngx_pimap_function_library_stop(void);

/* A function was not found: another client has flushed them. */
void ngx_pimap_function_library_lost(void);

/* Logs the error of a function, and acts on it. */
void ngx_pimap_function_library_refused(const char *what, redisReply *reply,
    ngx_log_t *log);


/* ngx_pimap_eviction.c: Warns once if Redis may evict what must stay. */
void ngx_pimap_eviction_check(void);


/*
 * ngx_pimap_revocation.c: Owns the hash P:{A}:revoked: the name of a
 * device, or "" for all devices of the account, and a time.  Called by each
 * check of a login.
 */

/* True with "functions=off": nothing can be revoked, so nothing is asked. */
ngx_uint_t ngx_pimap_revocation_off(void);

/* NULL: nothing was sent, because Redis is away. */
ngx_pimap_command_t *ngx_pimap_revocation_read(ngx_str_t *account,
    ngx_pimap_command_pt handler, void *data);

/* Logins up to this time are revoked, -1: none.  NGX_ERROR: maybe more. */
ngx_int_t ngx_pimap_revocation_time(redisReply *reply, ngx_str_t *device,
    time_t *time);


/*
 * ngx_pimap_update_stream.c: Owns the stream P:updates, which backends
 * read.  Called by updates/ and by locations.  Invariant: adding an update
 * again is harmless.
 */

typedef struct {
    ngx_str_t    id;
    ngx_str_t    json;
    ngx_uint_t   line;                  /* of a body, if any */
} ngx_pimap_update_item_t;

/*
 * Adds all updates or none; an update that is there is not added again.  NULL:
 * nothing was sent, and "why" is set.
 */
ngx_pimap_command_t *ngx_pimap_update_stream_add(ngx_str_t *account,
    ngx_str_t *device, ngx_pimap_update_item_t *updates, ngx_uint_t n,
    ngx_pimap_command_pt handler, void *data, const char **why);

/*
 * The reply for n updates.  NGX_HTTP_ACCEPTED: it is an array, with a text for
 * each update that has a result.  NGX_HTTP_CONFLICT: the update "at" (from 0)
 * was sent before with another text.  NGX_HTTP_SERVICE_UNAVAILABLE: an error.
 * "why" is set but for the first.
 */
ngx_uint_t ngx_pimap_update_stream_answer(redisReply *reply, ngx_uint_t n,
    ngx_log_t *log, ngx_uint_t *at, const char **why);


#endif /* _NGX_PIMAP_COMMAND_H_INCLUDED_ */
