
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Asks Redis for revoked logins.  Called by preflight and by device/.
 * Invariant: an error is never read as "not revoked".
 */


#include "ngx_pimap_command.h"
#include "ngx_pimap_conf.h"


static ngx_int_t ngx_pimap_revocation_later(redisReply *reply, time_t *time);


ngx_uint_t
ngx_pimap_revocation_off(void)
{
    ngx_pimap_main_conf_t  *pmcf;

    pmcf = ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_pimap_module);

    return pmcf->redis.functions == NGX_PIMAP_FUNCTIONS_OFF;
}


ngx_pimap_command_t *
ngx_pimap_revocation_read(ngx_str_t *account, ngx_pimap_command_pt handler,
    void *data)
{
    return ngx_pimap_command_send(ngx_pimap_node_slot(account), handler, data,
                                  "HGETALL " NGX_PIMAP_COMMAND_KEY
                                  PIMAP_REDIS_REVOKED,
                                  ngx_pimap_command_key(account));
}


/* HGETALL: name, time, name, time ...; "" stands for all devices. */

ngx_int_t
ngx_pimap_revocation_time(redisReply *reply, ngx_str_t *device, time_t *time)
{
    size_t        i;
    ngx_int_t     rc;
    redisReply  **e;

    /* no login is older */

    *time = -1;

    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY) {
        return NGX_ERROR;
    }

    rc = NGX_OK;
    e = reply->element;

    for (i = 0; i + 1 < reply->elements; i += 2) {

        if (e[i]->type != REDIS_REPLY_STRING) {
            return NGX_ERROR;
        }

        if ((e[i]->len == 0
             || ((size_t) e[i]->len == device->len
                 && ngx_memcmp(e[i]->str, device->data, device->len) == 0))
            && ngx_pimap_revocation_later(e[i + 1], time) != NGX_OK)
        {
            rc = NGX_ERROR;
        }
    }

    return rc;
}


static ngx_int_t
ngx_pimap_revocation_later(redisReply *reply, time_t *time)
{
    time_t  other;

    if (reply->type != REDIS_REPLY_STRING) {
        return NGX_ERROR;
    }

    other = ngx_atotm((u_char *) reply->str, reply->len);

    if (other == NGX_ERROR) {
        return NGX_ERROR;
    }

    *time = ngx_max(*time, other);

    return NGX_OK;
}
