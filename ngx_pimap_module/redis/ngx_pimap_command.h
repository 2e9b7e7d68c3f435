
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The worker's commanding connection: what is asked of Redis and answered.
 */


#ifndef _NGX_PIMAP_COMMANDER_H_INCLUDED_
#define _NGX_PIMAP_COMMANDER_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_redis.h"


typedef struct ngx_pimap_command_s  ngx_pimap_command_t;

/* reply == NULL: no answer, and nobody knows whether it was carried out. */
typedef void (*ngx_pimap_command_pt)(void *data, redisReply *reply);


void ngx_pimap_command_open(ngx_pimap_conf_redis_t *conf);
void ngx_pimap_command_close(void);

ngx_uint_t ngx_pimap_command_ready(void);

/* Drops the connection and makes it anew. */
void ngx_pimap_command_renew(const char *why);

/*
 * Any command.  The handler (or NULL) is called once, not before this
 * returns.  NULL: Redis is away or too far behind, nothing was sent.
 */
ngx_pimap_command_t *ngx_pimap_command_send(int argc, const char **argv,
    const size_t *len, ngx_pimap_command_pt handler, void *data);

/* PUBLISH to any channel, or to an account's. */
ngx_pimap_command_t *ngx_pimap_command_publish(ngx_str_t *channel,
    ngx_str_t *payload, ngx_pimap_command_pt handler, void *data);
ngx_pimap_command_t *ngx_pimap_command_publish_account(ngx_str_t *account,
    ngx_str_t *payload, ngx_pimap_command_pt handler, void *data);

/* The handler's data goes: it will not be called. */
void ngx_pimap_command_forget(ngx_pimap_command_t *command);


#endif /* _NGX_PIMAP_COMMANDER_H_INCLUDED_ */
