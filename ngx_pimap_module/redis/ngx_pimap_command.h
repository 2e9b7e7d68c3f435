
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the worker's commanding connection, and the commands in flight.
 * Called by every file that asks Redis.  Invariant: each handler is called
 * once, with the answer or with NULL.
 */


#ifndef _NGX_PIMAP_COMMAND_H_INCLUDED_
#define _NGX_PIMAP_COMMAND_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_redis.h"

#include "pimap_redis_key.h"


typedef struct ngx_pimap_command_s  ngx_pimap_command_t;

/* reply == NULL: no answer; Redis may have executed the command or not. */
typedef void (*ngx_pimap_command_pt)(void *data, redisReply *reply);


/* "down" is called before the commands in flight are answered with NULL. */
void ngx_pimap_command_open(ngx_pimap_conf_redis_t *conf, void (*up)(void),
    void (*down)(void));
void ngx_pimap_command_close(void);

ngx_uint_t ngx_pimap_command_ready(void);

/* Drops the connection and makes a new one. */
void ngx_pimap_command_renew(const char *why);

/*
 * A command in the format language of hiredis, or as a list of arguments.
 * The handler (or NULL) is not called before this returns.  NULL: nothing was
 * sent, because Redis is away or the queue is full.
 */
ngx_pimap_command_t *ngx_pimap_command_send(ngx_pimap_command_pt handler,
    void *data, const char *format, ...);
ngx_pimap_command_t *ngx_pimap_command_send_list(ngx_pimap_command_pt handler,
    void *data, int argc, const char **argv, const size_t *len);

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


#endif /* _NGX_PIMAP_COMMAND_H_INCLUDED_ */
