
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The braces are Redis Cluster's hash tag: all of an account in one slot.
 */


#include "ngx_pimap_channel.h"


size_t
ngx_pimap_channel_name(u_char *channel, ngx_pimap_conf_redis_t *conf,
    ngx_str_t *account)
{
    u_char  *p;

    p = ngx_cpymem(channel, conf->prefix.data, conf->prefix.len);
    *p++ = ':';
    *p++ = '{';
    p = ngx_cpymem(p, account->data, account->len);
    *p++ = '}';

    return p - channel;
}


ngx_int_t
ngx_pimap_channel_account(ngx_str_t *channel, ngx_pimap_conf_redis_t *conf,
    ngx_str_t *account)
{
    size_t  n;

    n = conf->prefix.len;

    if (channel->len < n + 3
        || channel->data[n] != ':' || channel->data[n + 1] != '{'
        || channel->data[channel->len - 1] != '}')
    {
        return NGX_DECLINED;
    }

    account->data = channel->data + n + 2;
    account->len = channel->len - n - 3;

    return NGX_OK;
}
