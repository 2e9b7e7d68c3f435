
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Finds request headers by name.  Called by the rooms http and locations.
 * Invariant: a header may occur more than once.
 */


#include "ngx_pimap_header.h"


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
