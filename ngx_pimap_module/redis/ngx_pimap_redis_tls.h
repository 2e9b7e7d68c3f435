
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * TLS to Redis.  For ngx_pimap_redis_connect.c.
 */


#ifndef _NGX_PIMAP_REDIS_TLS_H_INCLUDED_
#define _NGX_PIMAP_REDIS_TLS_H_INCLUDED_


#include "ngx_pimap_redis.h"


/* Ends in ngx_pimap_redis_greet() or ngx_pimap_redis_fail(). */
void ngx_pimap_redis_handshake(ngx_pimap_redis_t *redis);


#endif /* _NGX_PIMAP_REDIS_TLS_H_INCLUDED_ */
