
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The commands of this room, and the replies to them.
 */


#ifndef _NGX_PIMAP_COMMAND_H_INCLUDED_
#define _NGX_PIMAP_COMMAND_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_node.h"

#include "pimap_redis_key.h"


/*
 * ngx_pimap_command.c: Owns the nodes' commanding connections, and commands in
 * flight.  Invariant: each handler is called once, with the answer or NULL.
 */

typedef struct ngx_pimap_command_s  ngx_pimap_command_t;

/* reply == NULL: no answer; Redis may have executed the command or not. */
typedef void (*ngx_pimap_command_pt)(void *data, redisReply *reply);

void ngx_pimap_command_init_process(void);
void ngx_pimap_command_exit_process(void);

/* For the room's client: a node's events. */
void ngx_pimap_command_created(ngx_pimap_node_t *node);
void ngx_pimap_command_destroyed(ngx_pimap_node_t *node);
void ngx_pimap_command_lost(ngx_pimap_node_t *node);
void ngx_pimap_command_reply(ngx_pimap_redis_t *redis, redisReply *reply);
void ngx_pimap_command_reachable(void);

/* The node that has the slot takes commands. */
ngx_uint_t ngx_pimap_command_ready(ngx_uint_t slot);

/* How long the oldest command waits for its answer, in msec; 0: none waits. */
ngx_msec_t ngx_pimap_command_waits(ngx_pimap_node_t *node);

/* Drops the connection and makes a new one. */
void ngx_pimap_command_renew(ngx_uint_t slot, const char *why);

/*
 * A command in the format language of hiredis, or as a list of arguments, for
 * the node that has the slot.  The handler (or NULL) is not called before this
 * returns.  NULL: nothing was sent, and the last function says why.
 */
ngx_pimap_command_t *ngx_pimap_command_send(ngx_uint_t slot,
    ngx_pimap_command_pt handler, void *data, const char *format, ...);
ngx_pimap_command_t *ngx_pimap_command_send_list(ngx_uint_t slot,
    ngx_pimap_command_pt handler, void *data, int argc, const char **argv,
    const size_t *len);
const char *ngx_pimap_command_trouble(ngx_uint_t slot);

/* For this node, whatever slots it has; NGX_ERROR: nothing was sent. */
ngx_int_t ngx_pimap_command_send_node(ngx_pimap_node_t *node,
    ngx_pimap_command_pt handler, void *data, const char *format, ...);

/* Publishes in the channel of an account. */
ngx_pimap_command_t *ngx_pimap_command_publish(ngx_str_t *account,
    ngx_str_t *payload, ngx_pimap_command_pt handler, void *data);

/* "PUBLISH", or in a cluster "SPUBLISH". */
const char *ngx_pimap_command_publishes(void);

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
 * ngx_pimap_function_library.c: Owns the knowledge whether Redis has our
 * function library, which keeps the log, and loads it there.  Called by the
 * room's client, and by each caller of a function.
 */

/* The handler is called when the node's library is ready or missing. */
void ngx_pimap_function_library_init_process(ngx_pimap_conf_redis_t *conf,
    ngx_pimap_node_pt handler);
void ngx_pimap_function_library_created(ngx_pimap_node_t *node);

/* Of the node that has the slot. */
ngx_pimap_function_library_state_t ngx_pimap_function_library_state(
    ngx_uint_t slot);
const char *ngx_pimap_function_library_trouble(ngx_uint_t slot);
                                                    /* if it is unknown */

/* Commands can be sent, or no longer. */
void ngx_pimap_function_library_start(ngx_pimap_node_t *node);
void ngx_pimap_function_library_stop(ngx_pimap_node_t *node);

/* A function was not found: another client has flushed them. */
void ngx_pimap_function_library_lost(ngx_uint_t slot);

/* Logs the error of a function, and acts on it. */
void ngx_pimap_function_library_refused(ngx_uint_t slot, const char *what,
    redisReply *reply, ngx_log_t *log);


/* ngx_pimap_eviction.c: Warns once if a node may evict what must stay. */
void ngx_pimap_eviction_check(ngx_pimap_node_t *node);


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
 * ngx_pimap_update_stream.c: Owns the streams P:updates, which backends
 * read.  Called by updates/ and by locations.  Invariant: adding an update
 * again is harmless.
 */

typedef struct ngx_pimap_update_addition_s  ngx_pimap_update_addition_t;

typedef struct {
    ngx_str_t    id;
    ngx_str_t    json;
    ngx_uint_t   line;                  /* of a body, if any */
} ngx_pimap_update_item_t;

/*
 * Adds all updates or none; an update that is there is not added again.  NULL:
 * nothing was sent, and "why" is set.
 */
ngx_pimap_update_addition_t *ngx_pimap_update_stream_add(ngx_str_t *account,
    ngx_str_t *device, ngx_pimap_update_item_t *updates, ngx_uint_t n,
    ngx_pimap_command_pt handler, void *data, const char **why);

/* The handler's data goes: it will not be called.  The updates are added. */
void ngx_pimap_update_stream_forget(ngx_pimap_update_addition_t *a);

/*
 * The reply for n updates.  NGX_HTTP_ACCEPTED: it is an array, with a text for
 * each update that has a result.  NGX_HTTP_CONFLICT: the update "at" (from 0)
 * was sent before with another text.  NGX_HTTP_SERVICE_UNAVAILABLE: an error.
 * "why" is set but for the first.
 */
ngx_uint_t ngx_pimap_update_stream_answer(ngx_str_t *account,
    redisReply *reply, ngx_uint_t n, ngx_log_t *log, ngx_uint_t *at,
    const char **why);


#endif /* _NGX_PIMAP_COMMAND_H_INCLUDED_ */
