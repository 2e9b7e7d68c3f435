
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Asks Redis for revoked logins.  Called by preflight and by device/.
 */


#include "ngx_pimap_command.h"


static time_t ngx_pimap_revocation_later(time_t time, redisReply *reply);


ngx_pimap_command_t *
ngx_pimap_revocation_read(ngx_str_t *account, ngx_pimap_command_pt handler,
    void *data)
{
    if (ngx_pimap_function_library_state()
        != NGX_PIMAP_FUNCTION_LIBRARY_READY)
    {
        return NULL;
    }

    return ngx_pimap_command_send(handler, data,
                                  "HGETALL " NGX_PIMAP_COMMAND_KEY
                                  PIMAP_REDIS_REVOKED,
                                  ngx_pimap_command_key(account));
}


/* HGETALL: name, time, name, time ...; "" stands for all devices. */

time_t
ngx_pimap_revocation_time(redisReply *reply, ngx_str_t *device)
{
    size_t        i;
    time_t        time;
    redisReply  **e;

    /* no login is older */

    time = -1;

    if (reply->type != REDIS_REPLY_ARRAY) {
        return time;
    }

    e = reply->element;

    for (i = 0; i + 1 < reply->elements; i += 2) {

        if (e[i]->type == REDIS_REPLY_STRING
            && (e[i]->len == 0
                || ((size_t) e[i]->len == device->len
                    && ngx_memcmp(e[i]->str, device->data, device->len)
                       == 0)))
        {
            time = ngx_pimap_revocation_later(time, e[i + 1]);
        }
    }

    return time;
}


static time_t
ngx_pimap_revocation_later(time_t time, redisReply *reply)
{
    time_t  other;

    if (reply->type != REDIS_REPLY_STRING) {
        return time;
    }

    other = ngx_atotm((u_char *) reply->str, reply->len);

    return ngx_max(time, other);
}
