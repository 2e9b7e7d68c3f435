
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A faulty publisher sends many: one line a minute, with a count.
 */


#include "ngx_pimap_delivery.h"
#include "ngx_pimap_device_room.h"


#define NGX_PIMAP_REFUSAL_QUIET  60     /* seconds between two lines */


void
ngx_pimap_refusal(ngx_str_t *account, ngx_str_t *id, const char *why)
{
    static time_t      last;
    static ngx_uint_t  unlogged;

    ngx_pimap_count(invalid);

    if (last && ngx_time() - last < NGX_PIMAP_REFUSAL_QUIET) {
        unlogged++;
        return;
    }

    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "pimap dropped invalid payload: %s, account \"%V\"%s%V "
                  "(%ui more before)", why, account, id->len ? ", id " : "",
                  id, unlogged);

    last = ngx_time();
    unlogged = 0;
}
