
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Reads "Prefer" headers (RFC 7240).  Called by update.  Invariant: an unknown
 * or invalid preference is ignored.  The syntax, with commas between them:
 * preference = token [ "=" word ] *( ";" [ parameter ] )
 */


#include "ngx_pimap_prefer.h"
#include "ngx_pimap_header.h"


static u_char *ngx_pimap_prefer_end(u_char *p, u_char *last);
static ngx_int_t ngx_pimap_prefer_value(u_char *p, u_char *last,
    const char *name);


ngx_int_t
ngx_pimap_prefer_wait(ngx_http_request_t *r)
{
    u_char                 *p, *end, *last;
    ngx_int_t               seconds;
    ngx_str_t               value;
    ngx_pimap_header_at_t   at;

    ngx_memzero(&at, sizeof(ngx_pimap_header_at_t));

    while (ngx_pimap_header_next(r, &at, "Prefer", &value)) {
        last = value.data + value.len;

        for (p = value.data; p < last; p = end + 1) {
            end = ngx_pimap_prefer_end(p, last);

            seconds = ngx_pimap_prefer_value(p, end, "wait");

            if (seconds != NGX_ERROR) {
                return seconds;
            }
        }
    }

    return NGX_DECLINED;
}


/* A comma may be in a quoted string. */

static u_char *
ngx_pimap_prefer_end(u_char *p, u_char *last)
{
    ngx_uint_t  quoted;

    quoted = 0;

    for ( /* void */ ; p < last; p++) {

        if (*p == '"') {
            quoted = !quoted;

        } else if (quoted && *p == '\\') {
            p++;

        } else if (!quoted && *p == ',') {
            return p;
        }
    }

    return last;
}


/* NGX_ERROR: another preference; NGX_DECLINED: not a number. */

static ngx_int_t
ngx_pimap_prefer_value(u_char *p, u_char *last, const char *name)
{
    size_t      len;
    u_char     *end;
    ngx_int_t   n;

    len = ngx_strlen(name);

    while (p < last && (*p == ' ' || *p == '\t')) { p++; }

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
