
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Takes the parts of an address over into the settings.
 */


#include "ngx_pimap_conf_redis.h"

#include "pimap_redis_url.h"


static ngx_int_t ngx_pimap_conf_redis_url_parts(ngx_conf_t *cf,
    ngx_pimap_conf_redis_t *rcf, pimap_redis_url_t *u);
static ngx_int_t ngx_pimap_conf_redis_url_sentinels(ngx_conf_t *cf,
    ngx_pimap_conf_redis_t *rcf, pimap_redis_url_t *u);
static ngx_int_t ngx_pimap_conf_redis_url_seeds(ngx_conf_t *cf,
    ngx_pimap_conf_redis_t *rcf, pimap_redis_url_t *u);
static ngx_int_t ngx_pimap_conf_redis_url_host(ngx_conf_t *cf, ngx_str_t *str,
    pimap_redis_url_host_t *host, ngx_uint_t port);
static ngx_int_t ngx_pimap_conf_redis_url_copy(ngx_conf_t *cf, ngx_str_t *str,
    const char *text);


char *
ngx_pimap_conf_redis_url(ngx_conf_t *cf, ngx_pimap_conf_redis_t *rcf,
    ngx_str_t *url)
{
    ngx_int_t           rc;
    const char         *why;
    pimap_redis_url_t   u;

    why = pimap_redis_url_parse(&u, (char *) url->data, url->len);

    rc = why ? NGX_OK : ngx_pimap_conf_redis_url_parts(cf, rcf, &u);

    pimap_redis_url_free(&u);

    if (rc != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return why ? (char *) why : NGX_CONF_OK;
}


static ngx_int_t
ngx_pimap_conf_redis_url_parts(ngx_conf_t *cf, ngx_pimap_conf_redis_t *rcf,
    pimap_redis_url_t *u)
{
    rcf->tls = u->tls;

    if (ngx_pimap_conf_redis_url_copy(cf, &rcf->name, u->text) != NGX_OK
        || ngx_pimap_conf_redis_url_copy(cf, &rcf->user, u->user) != NGX_OK
        || ngx_pimap_conf_redis_url_copy(cf, &rcf->password, u->password)
           != NGX_OK
        || ngx_pimap_conf_redis_url_copy(cf, &rcf->master, u->master)
           != NGX_OK
        || ngx_pimap_conf_redis_url_copy(cf, &rcf->db, u->db) != NGX_OK)
    {
        return NGX_ERROR;
    }

    switch (u->type) {

    case PIMAP_REDIS_URL_SENTINEL:
        return ngx_pimap_conf_redis_url_sentinels(cf, rcf, u);

    case PIMAP_REDIS_URL_CLUSTER:
        return ngx_pimap_conf_redis_url_seeds(cf, rcf, u);

    case PIMAP_REDIS_URL_SINGLE:
        rcf->port = (in_port_t) u->hosts[0].port;
        return ngx_pimap_conf_redis_url_host(cf, &rcf->host, &u->hosts[0], 0);

    default: /* PIMAP_REDIS_URL_UNIX */
        return NGX_OK;
    }
}


static ngx_int_t
ngx_pimap_conf_redis_url_sentinels(ngx_conf_t *cf, ngx_pimap_conf_redis_t *rcf,
    pimap_redis_url_t *u)
{
    ngx_str_t   *sentinel;
    ngx_uint_t   i;

    if (ngx_array_init(&rcf->sentinels, cf->pool, u->nhosts, sizeof(ngx_str_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < u->nhosts; i++) {
        sentinel = ngx_array_push(&rcf->sentinels);

        if (sentinel == NULL
            || ngx_pimap_conf_redis_url_host(cf, sentinel, &u->hosts[i], 1)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_pimap_conf_redis_url_seeds(ngx_conf_t *cf, ngx_pimap_conf_redis_t *rcf,
    pimap_redis_url_t *u)
{
    ngx_uint_t                 i;
    ngx_pimap_redis_server_t  *seed;

    if (ngx_array_init(&rcf->seeds, cf->pool, u->nhosts,
                       sizeof(ngx_pimap_redis_server_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < u->nhosts; i++) {
        seed = ngx_array_push(&rcf->seeds);

        if (seed == NULL) {
            return NGX_ERROR;
        }

        ngx_memzero(seed, sizeof(ngx_pimap_redis_server_t));
        seed->port = (in_port_t) u->hosts[i].port;

        if (ngx_pimap_conf_redis_url_copy(cf, &seed->host, u->hosts[i].name)
            != NGX_OK
            || ngx_pimap_conf_redis_url_host(cf, &seed->name, &u->hosts[i], 1)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* As ngx_parse_url() reads it. */

static ngx_int_t
ngx_pimap_conf_redis_url_host(ngx_conf_t *cf, ngx_str_t *str,
    pimap_redis_url_host_t *host, ngx_uint_t port)
{
    size_t   size;
    u_char  *p;

    size = ngx_strlen(host->name) + sizeof("[]:65535") - 1;

    str->data = ngx_pnalloc(cf->pool, size);
    if (str->data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_sprintf(str->data, ngx_strchr(host->name, ':') ? "[%s]" : "%s",
                    host->name);

    if (port) {
        p = ngx_sprintf(p, ":%ui", (ngx_uint_t) host->port);
    }

    str->len = p - str->data;

    return NGX_OK;
}


/* NULL: it was not in the address. */

static ngx_int_t
ngx_pimap_conf_redis_url_copy(ngx_conf_t *cf, ngx_str_t *str, const char *text)
{
    if (text == NULL) {
        return NGX_OK;
    }

    return ngx_pimap_copy(cf->pool, str, text, ngx_strlen(text));
}
