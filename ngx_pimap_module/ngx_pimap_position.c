
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Ids as text.
 */


#include "ngx_pimap_position.h"


static ngx_int_t ngx_pimap_position_number(u_char *p, u_char *last,
    uint64_t *number);


ngx_int_t
ngx_pimap_position_parse(ngx_pimap_position_t *position, u_char *data,
    size_t len)
{
    u_char  *dash, *last;

    position->epoch = 0;
    position->n = 0;

    if (len == 0 || (len == 1 && data[0] == '0')
        || (len == 8 && ngx_strncmp(data, "earliest", 8) == 0))
    {
        return NGX_OK;
    }

    last = data + len;
    dash = ngx_strlchr(data, last, '-');

    if (dash == NULL
        || ngx_pimap_position_number(data, dash, &position->epoch) != NGX_OK
        || ngx_pimap_position_number(dash + 1, last, &position->n) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    return position->epoch ? NGX_OK : NGX_DECLINED;
}


static ngx_int_t
ngx_pimap_position_number(u_char *p, u_char *last, uint64_t *number)
{
    uint64_t  n;

    if (p == last) {
        return NGX_DECLINED;
    }

    for (n = 0; p < last; p++) {

        if (*p < '0' || *p > '9' || n > (UINT64_MAX - (*p - '0')) / 10) {
            return NGX_DECLINED;
        }

        n = n * 10 + (*p - '0');
    }

    *number = n;

    return NGX_OK;
}


size_t
ngx_pimap_position_text(ngx_pimap_position_t *position, u_char *text)
{
    if (position->epoch == 0) {
        text[0] = '0';
        return 1;
    }

    return ngx_sprintf(text, "%uL-%uL", position->epoch, position->n) - text;
}
