
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Chooses a format and a coding for the client.  Called by events and status,
 * and by transports.  Invariant: a range has no parameter but its weight.
 */


#include "ngx_pimap_http.h"
#include "ngx_pimap_conf.h"
#include "ngx_pimap_encode.h"


static ngx_uint_t ngx_pimap_accept_matches(u_char *range, size_t len,
    const char *name);
static ngx_uint_t ngx_pimap_accept_weight(u_char *p, u_char *last);


ngx_uint_t
ngx_pimap_accept(ngx_str_t *list, const char *name)
{
    u_char      *end, *last;
    ngx_str_t    rest, item;
    ngx_uint_t   matches, best, weight;

    best = 0;
    weight = 0;
    rest = *list;

    while (ngx_pimap_header_item(&rest, &item)) {

        last = item.data + item.len;

        for (end = item.data;
             end < last && *end != ';' && *end != ' ' && *end != '\t';
             end++)
        {
            /* void */
        }

        matches = ngx_pimap_accept_matches(item.data, end - item.data, name);

        if (matches > best) {
            best = matches;
            weight = ngx_pimap_accept_weight(end, last);
        }
    }

    return weight;
}


/* The number of bytes that match, so how specific; 0: no match. */

static ngx_uint_t
ngx_pimap_accept_matches(u_char *range, size_t len, const char *name)
{
    if (len == ngx_strlen(name)
        && ngx_strncasecmp(range, (u_char *) name, len) == 0)
    {
        return len + 1;
    }

    if ((len == 1 && range[0] == '*')
        || (len == 3 && ngx_strncmp(range, "*/*", 3) == 0))
    {
        return 1;
    }

    if (len > 2 && range[len - 1] == '*' && range[len - 2] == '/'
        && ngx_strncasecmp(range, (u_char *) name, len - 1) == 0)
    {
        return len;
    }

    return 0;
}


/* An invalid weight is ignored. */

static ngx_uint_t
ngx_pimap_accept_weight(u_char *p, u_char *last)
{
    ngx_int_t  n;

    while (p < last) {

        while (p < last && (*p == ' ' || *p == '\t' || *p == ';')) { p++; }

        if (last - p > 2 && (p[0] == 'q' || p[0] == 'Q') && p[1] == '=') {

            for (p += 2, n = 2; n < last - p && n < 5; n++) {
                if (p[n] < '0' || p[n] > '9') {
                    break;
                }
            }

            n = ngx_atofp(p, ngx_min(n, last - p), 3);

            return n == NGX_ERROR ? 1000 : ngx_min(n, 1000);
        }

        while (p < last && *p != ';') {
            p++;
        }

        p++;
    }

    return 1000;
}


ngx_pimap_format_t
ngx_pimap_accept_format(ngx_http_request_t *r)
{
    ngx_str_t           accept;
    ngx_uint_t          weight, most;
    ngx_pimap_format_t  format, best;

    best = NGX_PIMAP_FORMAT_SSE;
    most = 0;

    if (!ngx_pimap_header(r, "Accept", &accept)) {
        return best;
    }

    for (format = 0; format < NGX_PIMAP_NFORMATS; format++) {

        if (ngx_pimap_encoders[format]->name.len == 0) {
            continue;
        }

        weight = ngx_pimap_accept(&accept,
                                  ngx_pimap_encoders[format]->content_type);
        if (weight > most) {
            most = weight;
            best = format;
        }
    }

    return best;
}


ngx_int_t
ngx_pimap_accept_compression(ngx_http_request_t *r)
{
    ngx_str_t              value;
    ngx_pimap_loc_conf_t  *plcf;

    plcf = ngx_http_get_module_loc_conf(r, ngx_pimap_module);

    if (plcf->compress.value == NULL) {
        return NGX_OK;
    }

    if (ngx_http_complex_value(r, plcf->compress.value, &value) != NGX_OK) {
        return NGX_ERROR;
    }

    return value.len == 0 || ngx_pimap_is(&value, "0")
           || ngx_pimap_is(&value, "off") ? NGX_DECLINED : NGX_OK;
}


/*
 * RFC 9110, 12.5.3.  Of codings with the same weight, our first one is taken.
 * A client that refuses all codings gets "identity".
 */

ngx_int_t
ngx_pimap_accept_coding(ngx_http_request_t *r, ngx_pimap_coding_t *coding)
{
    ngx_int_t           rc;
    ngx_str_t           accept;
    ngx_uint_t          weight, most;
    ngx_pimap_coding_t  i;

    *coding = NGX_PIMAP_IDENTITY;

    rc = ngx_pimap_accept_compression(r);

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_OK : rc;
    }

    if (!ngx_pimap_header(r, "Accept-Encoding", &accept)) {
        return NGX_OK;
    }

    most = 0;

    for (i = NGX_PIMAP_NCODINGS - 1; i > NGX_PIMAP_IDENTITY; i--) {

        weight = ngx_pimap_accept(&accept, ngx_pimap_codings[i]);

        if (weight && weight >= most) {
            most = weight;
            *coding = i;
        }
    }

    if (ngx_pimap_accept(&accept, ngx_pimap_codings[NGX_PIMAP_IDENTITY])
        > most)
    {
        *coding = NGX_PIMAP_IDENTITY;
    }

    return NGX_OK;
}


ngx_int_t
ngx_pimap_accept_encoded(ngx_http_request_t *r, ngx_pimap_coding_t coding)
{
    if (ngx_pimap_add_header(r, "Vary", "Accept-Encoding") != NGX_OK) {
        return NGX_ERROR;
    }

    if (coding == NGX_PIMAP_IDENTITY) {
        return NGX_OK;
    }

    if (ngx_pimap_add_header(r, "Content-Encoding",
                             ngx_pimap_codings[coding])
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* the last header, so that nginx's filters don't encode again */

    r->headers_out.content_encoding = ngx_pimap_last_header(r);

    return NGX_OK;
}
