
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Names of the Redis contract: the channel of an account is P:{A}.
 */


#ifndef _NGX_PIMAP_CHANNEL_H_INCLUDED_
#define _NGX_PIMAP_CHANNEL_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_conf_redis.h"


#define NGX_PIMAP_ACCOUNT_MAX     1024
#define NGX_PIMAP_CHANNEL_MAX     (NGX_PIMAP_ACCOUNT_MAX + 64 + 3)


/* Writes the channel's name, without a terminating zero; its length. */
size_t ngx_pimap_channel_name(u_char *channel, ngx_pimap_conf_redis_t *conf,
    ngx_str_t *account);

/* NGX_DECLINED if the channel is not one of an account. */
ngx_int_t ngx_pimap_channel_account(ngx_str_t *channel,
    ngx_pimap_conf_redis_t *conf, ngx_str_t *account);


#endif /* _NGX_PIMAP_CHANNEL_H_INCLUDED_ */
