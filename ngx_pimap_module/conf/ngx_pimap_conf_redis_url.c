
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * An error shows nothing of a URL, because a password may be in it.
 */


#include "ngx_pimap_conf_redis.h"


#define NGX_PIMAP_REDIS_PORT            6379
#define NGX_PIMAP_REDIS_SENTINEL_PORT   "26379"


static ngx_uint_t ngx_pimap_conf_redis_url_plain(u_char *p, u_char *last,
    const char *others);
static char *ngx_pimap_conf_redis_url_authority(ngx_conf_t *cf,
    ngx_pimap_conf_redis_t *rcf, u_char *p, u_char *last,
    ngx_uint_t sentinel);
static char *ngx_pimap_conf_redis_url_host(ngx_conf_t *cf,
    ngx_pimap_conf_redis_t *rcf, u_char *p, u_char *last);
static char *ngx_pimap_conf_redis_url_sentinels(ngx_conf_t *cf,
    ngx_pimap_conf_redis_t *rcf, u_char *p, u_char *last);
static char *ngx_pimap_conf_redis_url_name(ngx_conf_t *cf,
    ngx_pimap_conf_redis_t *rcf, u_char *p, u_char *last);
static ngx_int_t ngx_pimap_conf_redis_url_login(ngx_conf_t *cf,
    ngx_pimap_conf_redis_t *rcf, u_char *p, u_char *last);
static ngx_int_t ngx_pimap_conf_redis_url_decode(ngx_conf_t *cf,
    ngx_str_t *dst, u_char *p, u_char *last);


char *
ngx_pimap_conf_redis_url(ngx_conf_t *cf, ngx_pimap_conf_redis_t *rcf,
    ngx_str_t *url)
{
    u_char      *p, *last;
    ngx_uint_t   i;

    static const struct {
        ngx_str_t    scheme;
        ngx_uint_t   tls;
        ngx_uint_t   sentinel;
    } schemes[] = {
        { ngx_string("redis://"), 0, 0 },
        { ngx_string("rediss://"), 1, 0 },
        { ngx_string("sentinel://"), 0, 1 },
        { ngx_string("sentinels://"), 1, 1 }
    };

    p = url->data;
    last = url->data + url->len;

    if (url->len > 5 && ngx_strncmp(p, "unix:", 5) == 0) {

        if (p[5] != '/') {
            return "must have an absolute path after \"unix:\"";
        }

        if (!ngx_pimap_conf_redis_url_plain(p + 5, last, "/._-+,@~:=")) {
            return "has an odd character in its path, write each parameter "
                   "as a value of its own";
        }

        rcf->name = *url;
        return NGX_CONF_OK;
    }

    for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {

        if (url->len > schemes[i].scheme.len
            && ngx_strncmp(p, schemes[i].scheme.data, schemes[i].scheme.len)
               == 0)
        {
            rcf->tls = schemes[i].tls;

            return ngx_pimap_conf_redis_url_authority(cf, rcf,
                                                 p + schemes[i].scheme.len,
                                                 last, schemes[i].sentinel);
        }
    }

    return "must be redis://host:port, rediss://host:port, "
           "sentinel://host:port,.../master or unix:/path";
}


/*
 * True if there are letters, digits and these others only: a name is logged,
 * and could have a parameter such as the password in it.
 */

static ngx_uint_t
ngx_pimap_conf_redis_url_plain(u_char *p, u_char *last, const char *others)
{
    for ( /* void */ ; p < last; p++) {

        if ((*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z')
            || (*p >= 'A' && *p <= 'Z') || *p >= 0x80)
        {
            continue;
        }

        if (*p == '\0' || strchr(others, *p) == NULL) {
            return 0;
        }
    }

    return 1;
}


static char *
ngx_pimap_conf_redis_url_authority(ngx_conf_t *cf, ngx_pimap_conf_redis_t *rcf,
    u_char *p, u_char *last, ngx_uint_t sentinel)
{
    char    *rv;
    u_char  *at, *slash, *path;

    at = p;

    for (slash = p; slash < last && *slash != '/'; slash++) {
        if (*slash == '@') {
            at = slash;
        }
    }

    if (at != p) {
        if (ngx_pimap_conf_redis_url_login(cf, rcf, p, at) != NGX_OK) {
            return "has an invalid user or password";
        }

        p = at + 1;
    }

    if (!ngx_pimap_conf_redis_url_plain(p, slash, "._-:[]%,")) {
        return "has an odd character in its host, write each parameter as a "
               "value of its own";
    }

    rv = sentinel ? ngx_pimap_conf_redis_url_sentinels(cf, rcf, p, slash)
                  : ngx_pimap_conf_redis_url_host(cf, rcf, p, slash);

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    path = slash < last ? slash + 1 : last;
    slash = path;

    if (sentinel) {

        while (slash < last && *slash != '/') {
            slash++;
        }

        rcf->master.data = path;
        rcf->master.len = slash - path;

        if (rcf->master.len == 0) {
            return "has no name of a master, must be "
                   "sentinel://host:port,.../master";
        }

        if (!ngx_pimap_conf_redis_url_plain(path, slash, "._-")) {
            return "has an odd character in the name of the master, write "
                   "each parameter as a value of its own";
        }

        path = slash < last ? slash + 1 : last;
    }

    rcf->db.data = path;
    rcf->db.len = last - path;

    return ngx_pimap_conf_redis_url_name(cf, rcf, p, slash);
}


static char *
ngx_pimap_conf_redis_url_host(ngx_conf_t *cf, ngx_pimap_conf_redis_t *rcf,
    u_char *p, u_char *last)
{
    u_char     *colon;
    ngx_int_t   port;

    rcf->port = NGX_PIMAP_REDIS_PORT;

    /* the port's colon comes after the ']' of an IPv6 address */

    for (colon = last; colon > p; colon--) {
        if (colon[-1] == ':' || colon[-1] == ']') {
            break;
        }
    }

    if (colon > p && colon[-1] == ':') {
        port = ngx_atoi(colon, last - colon);

        if (port < 1 || port > 65535) {
            return "has an invalid port, must be 1 to 65535";
        }

        rcf->port = (in_port_t) port;
        last = colon - 1;
    }

    if (last == p) {
        return "has no host, must be redis://host:port";
    }

    rcf->host.data = p;
    rcf->host.len = last - p;

    return NGX_CONF_OK;
}


static char *
ngx_pimap_conf_redis_url_sentinels(ngx_conf_t *cf, ngx_pimap_conf_redis_t *rcf,
    u_char *p, u_char *last)
{
    u_char     *comma;
    ngx_str_t  *sentinel;

    if (ngx_array_init(&rcf->sentinels, cf->pool, 3, sizeof(ngx_str_t))
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    for ( /* void */ ; p <= last; p = comma + 1) {

        comma = ngx_strlchr(p, last, ',');
        if (comma == NULL) {
            comma = last;
        }

        if (comma == p) {
            return "has a sentinel without a host: there is a comma too "
                   "much";
        }

        sentinel = ngx_array_push(&rcf->sentinels);
        if (sentinel == NULL) {
            return NGX_CONF_ERROR;
        }

        sentinel->data = p;
        sentinel->len = comma - p;
    }

    rcf->port = (in_port_t) atoi(NGX_PIMAP_REDIS_SENTINEL_PORT);

    return NGX_CONF_OK;
}


/* For logs, without the login. */

static char *
ngx_pimap_conf_redis_url_name(ngx_conf_t *cf, ngx_pimap_conf_redis_t *rcf,
    u_char *p, u_char *last)
{
    size_t     size;
    u_char    *end;
    ngx_str_t  rest;

    rest.data = p;
    rest.len = last - p;

    size = sizeof("sentinels://:65535") - 1 + ngx_max(rest.len, rcf->host.len);

    rcf->name.data = ngx_pnalloc(cf->pool, size);
    if (rcf->name.data == NULL) {
        return NGX_CONF_ERROR;
    }

    if (rcf->master.len) {
        end = ngx_snprintf(rcf->name.data, size, "sentinel%s://%V",
                           rcf->tls ? "s" : "", &rest);

    } else {
        end = ngx_snprintf(rcf->name.data, size, "redis%s://%V:%ui",
                           rcf->tls ? "s" : "", &rcf->host,
                           (ngx_uint_t) rcf->port);
    }

    rcf->name.len = end - rcf->name.data;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_pimap_conf_redis_url_login(ngx_conf_t *cf, ngx_pimap_conf_redis_t *rcf,
    u_char *p, u_char *last)
{
    u_char     *colon;
    ngx_int_t   rc;

    colon = ngx_strlchr(p, last, ':');

    rc = ngx_pimap_conf_redis_url_decode(cf, &rcf->user, p,
                                         colon ? colon : last);

    return rc == NGX_OK && colon
           ? ngx_pimap_conf_redis_url_decode(cf, &rcf->password, colon + 1,
                                             last)
           : rc;
}


static ngx_int_t
ngx_pimap_conf_redis_url_decode(ngx_conf_t *cf, ngx_str_t *dst, u_char *p,
    u_char *last)
{
    u_char  *d;

    d = ngx_pnalloc(cf->pool, last - p + 1);
    if (d == NULL) {
        return NGX_ERROR;
    }

    dst->data = d;
    ngx_unescape_uri(&d, &p, last - p, 0);
    dst->len = d - dst->data;

    return NGX_OK;
}
