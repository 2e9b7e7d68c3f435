
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Finds request headers by name, and splits their lists.  Called by the rooms
 * http and locations.  Invariant: a header may occur more than once.  The
 * syntax of "Prefer": preference = token [ "=" word ] *( ";" [ parameter ] )
 */


#include "ngx_pimap_http.h"


static ngx_int_t ngx_pimap_header_preference(ngx_str_t *item,
    const char *name);


ngx_uint_t
ngx_pimap_header(ngx_http_request_t *r, const char *name, ngx_str_t *value)
{
    ngx_pimap_header_at_t  at;

    ngx_memzero(&at, sizeof(ngx_pimap_header_at_t));

    return ngx_pimap_header_next(r, &at, name, value);
}


ngx_uint_t
ngx_pimap_header_next(ngx_http_request_t *r, ngx_pimap_header_at_t *at,
    const char *name, ngx_str_t *value)
{
    size_t            len;
    ngx_table_elt_t  *h;

    len = ngx_strlen(name);

    if (at->part == NULL) {
        at->part = &r->headers_in.headers.part;
    }

    for ( ;; ) {

        while (at->i < at->part->nelts) {
            h = (ngx_table_elt_t *) at->part->elts + at->i++;

            if (h->key.len == len
                && ngx_strncasecmp(h->key.data, (u_char *) name, len) == 0)
            {
                *value = h->value;
                return 1;
            }
        }

        if (at->part->next == NULL) {
            return 0;
        }

        at->part = at->part->next;
        at->i = 0;
    }
}


ngx_uint_t
ngx_pimap_header_item(ngx_str_t *list, ngx_str_t *item)
{
    u_char      *p, *last;
    ngx_uint_t   quoted;

    p = list->data;
    last = p + list->len;

    while (p < last && (*p == ' ' || *p == '\t' || *p == ',')) { p++; }

    item->data = p;

    for (quoted = 0; p < last && (quoted || *p != ','); p++) {

        if (*p == '"') {
            quoted = !quoted;

        } else if (quoted && *p == '\\' && p + 1 < last) {
            p++;
        }
    }

    list->data = p;
    list->len = last - p;

    while (p > item->data && (p[-1] == ' ' || p[-1] == '\t')) { p--; }

    item->len = p - item->data;

    return item->len != 0;
}


ngx_uint_t
ngx_pimap_header_has(ngx_http_request_t *r, const char *name,
    const char *token)
{
    size_t                 len;
    ngx_str_t              value, item;
    ngx_pimap_header_at_t  at;

    ngx_memzero(&at, sizeof(ngx_pimap_header_at_t));
    len = ngx_strlen(token);

    while (ngx_pimap_header_next(r, &at, name, &value)) {

        while (ngx_pimap_header_item(&value, &item)) {
            if (item.len == len
                && ngx_strncasecmp(item.data, (u_char *) token, len) == 0)
            {
                return 1;
            }
        }
    }

    return 0;
}


/* RFC 7240: an unknown or invalid preference is ignored. */

ngx_int_t
ngx_pimap_header_prefer_wait(ngx_http_request_t *r)
{
    ngx_int_t              seconds;
    ngx_str_t              value, item;
    ngx_pimap_header_at_t  at;

    ngx_memzero(&at, sizeof(ngx_pimap_header_at_t));

    while (ngx_pimap_header_next(r, &at, "Prefer", &value)) {

        while (ngx_pimap_header_item(&value, &item)) {

            seconds = ngx_pimap_header_preference(&item, "wait");

            if (seconds != NGX_ERROR) {
                return seconds;
            }
        }
    }

    return NGX_DECLINED;
}


/* NGX_ERROR: another preference; NGX_DECLINED: not a number. */

static ngx_int_t
ngx_pimap_header_preference(ngx_str_t *item, const char *name)
{
    size_t      len;
    u_char     *p, *end, *last;
    ngx_int_t   n;

    p = item->data;
    last = p + item->len;
    len = ngx_strlen(name);

    if ((size_t) (last - p) < len
        || ngx_strncasecmp(p, (u_char *) name, len) != 0)
    {
        return NGX_ERROR;
    }

    p += len;

    while (p < last && (*p == ' ' || *p == '\t')) { p++; }

    if (p == last || *p == ';') {
        return NGX_DECLINED;
    }

    if (*p != '=') {
        return NGX_ERROR;
    }

    do { p++; } while (p < last && (*p == ' ' || *p == '\t' || *p == '"'));

    for (end = p; end < last && *end >= '0' && *end <= '9'; end++) {
        /* void */
    }

    n = ngx_atoi(p, end - p);

    return n == NGX_ERROR ? NGX_DECLINED : n;
}
