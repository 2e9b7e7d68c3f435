
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * How a connection to Redis comes to life and ends.  For ngx_pimap_redis.c.
 */


#ifndef _NGX_PIMAP_REDIS_CONNECT_H_INCLUDED_
#define _NGX_PIMAP_REDIS_CONNECT_H_INCLUDED_


#include "ngx_pimap_redis.h"


/* The socket is connected, or is not. */
void ngx_pimap_redis_connected(ngx_pimap_redis_t *redis);

/* Asks a sentinel where the master is, or logs in to Redis. */
void ngx_pimap_redis_greet(ngx_pimap_redis_t *redis);

/* An answer to that. */
void ngx_pimap_redis_greeted(ngx_pimap_redis_t *redis, redisReply *reply);

/* Leaves the sentinel, goes to the master. */
void ngx_pimap_redis_move(ngx_pimap_redis_t *redis);

void ngx_pimap_redis_set_log(ngx_connection_t *c, ngx_log_t *log);

/* Closes a failed connection, tells its user, and plans the next one. */
void ngx_pimap_redis_lose(ngx_pimap_redis_t *redis);

void ngx_pimap_redis_read_handler(ngx_event_t *rev);
void ngx_pimap_redis_write_handler(ngx_event_t *wev);


#endif /* _NGX_PIMAP_REDIS_CONNECT_H_INCLUDED_ */
