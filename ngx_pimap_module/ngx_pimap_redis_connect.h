
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

/* The connection is ready for the login. */
void ngx_pimap_redis_greet(ngx_pimap_redis_t *redis);

/* An answer to AUTH, SELECT or PING. */
void ngx_pimap_redis_greeted(ngx_pimap_redis_t *redis, redisReply *reply);

/* Closes a failed connection, tells its user, and plans the next one. */
void ngx_pimap_redis_lose(ngx_pimap_redis_t *redis);

void ngx_pimap_redis_read_handler(ngx_event_t *rev);
void ngx_pimap_redis_write_handler(ngx_event_t *wev);


#endif /* _NGX_PIMAP_REDIS_CONNECT_H_INCLUDED_ */
