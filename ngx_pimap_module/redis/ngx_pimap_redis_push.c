
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the reading of short replies where they stand: an array of three, of
 * which each is a string or a number, as the messages of channels are.  Called
 * by ngx_pimap_redis.c.  hiredis would copy their bytes twice, allocate each
 * element, and move the rest of its buffer.  Any other reply is left to it.
 */


#include "ngx_pimap_redis_push.h"


static ngx_int_t ngx_pimap_redis_push_element(redisReply *element,
    u_char **pos, u_char *last);
static ngx_int_t ngx_pimap_redis_push_number(size_t *n, u_char **pos,
    u_char *last);


ngx_int_t
ngx_pimap_redis_push(ngx_pimap_redis_push_t *push, u_char **pos, u_char *last)
{
    u_char      *p;
    size_t       len;
    ngx_int_t    rc;
    ngx_uint_t   i;

    static const u_char  head[] = "*3" CRLF;

    p = *pos;
    len = ngx_min((size_t) (last - p), sizeof(head) - 1);

    if (ngx_memcmp(p, head, len) != 0) {
        return NGX_DECLINED;
    }

    if (len < sizeof(head) - 1) {
        return NGX_AGAIN;
    }

    p += len;

    for (i = 0; i < NGX_PIMAP_REDIS_PUSH_ELEMENTS; i++) {
        rc = ngx_pimap_redis_push_element(&push->elements[i], &p, last);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    ngx_memzero(&push->reply, sizeof(redisReply));

    push->reply.type = REDIS_REPLY_ARRAY;
    push->reply.elements = NGX_PIMAP_REDIS_PUSH_ELEMENTS;
    push->reply.element = push->pointers;

    for (i = 0; i < NGX_PIMAP_REDIS_PUSH_ELEMENTS; i++) {
        push->pointers[i] = &push->elements[i];

        /* as those of hiredis; an incomplete reply is read once more */

        if (push->elements[i].str) {
            push->elements[i].str[push->elements[i].len] = '\0';
        }
    }

    *pos = p;

    return NGX_OK;
}


static ngx_int_t
ngx_pimap_redis_push_element(redisReply *element, u_char **pos, u_char *last)
{
    u_char     *p;
    size_t      n;
    ngx_int_t   rc;

    p = *pos;

    if (p == last) {
        return NGX_AGAIN;
    }

    if (*p != '$' && *p != ':') {
        return NGX_DECLINED;
    }

    ngx_memzero(element, sizeof(redisReply));
    element->type = *p++ == '$' ? REDIS_REPLY_STRING : REDIS_REPLY_INTEGER;

    rc = ngx_pimap_redis_push_number(&n, &p, last);

    if (rc != NGX_OK) {
        return rc;
    }

    if (element->type == REDIS_REPLY_INTEGER) {
        element->integer = n;

    } else {
        if ((size_t) (last - p) < n + 2) {
            return NGX_AGAIN;
        }

        if (p[n] != CR || p[n + 1] != LF) {
            return NGX_DECLINED;
        }

        element->str = (char *) p;
        element->len = n;
        p += n + 2;
    }

    *pos = p;

    return NGX_OK;
}


/* A line of digits. */

static ngx_int_t
ngx_pimap_redis_push_number(size_t *n, u_char **pos, u_char *last)
{
    u_char  *p;

    *n = 0;

    for (p = *pos; p < last && *p >= '0' && *p <= '9'; p++) {
        *n = *n * 10 + (*p - '0');

        if (*n > NGX_PIMAP_REDIS_PUSH_MAX) {
            return NGX_DECLINED;
        }
    }

    if (last - p < 2) {
        return NGX_AGAIN;
    }

    if (p == *pos || p[0] != CR || p[1] != LF) {
        return NGX_DECLINED;
    }

    *pos = p + 2;

    return NGX_OK;
}
