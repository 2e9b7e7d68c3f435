
/*
 * Copyright (C) ngx_pimap_module authors
 */


#ifndef _NGX_PIMAP_REDIS_PUSH_H_INCLUDED_
#define _NGX_PIMAP_REDIS_PUSH_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <hiredis/hiredis.h>


#define NGX_PIMAP_REDIS_PUSH_ELEMENTS  3
#define NGX_PIMAP_REDIS_PUSH_MAX       65536    /* of a number, or a length */


typedef struct {
    redisReply    reply;
    redisReply   *pointers[NGX_PIMAP_REDIS_PUSH_ELEMENTS];
    redisReply    elements[NGX_PIMAP_REDIS_PUSH_ELEMENTS];
} ngx_pimap_redis_push_t;


/*
 * Reads a reply at *pos, which is moved after it.  Its strings are in the
 * bytes, with a zero at their end; nothing is to be freed.  NGX_AGAIN: more
 * bytes are needed.  NGX_DECLINED: it is for hiredis.  Both change nothing.
 */
ngx_int_t ngx_pimap_redis_push(ngx_pimap_redis_push_t *push, u_char **pos,
    u_char *last);


#endif /* _NGX_PIMAP_REDIS_PUSH_H_INCLUDED_ */
