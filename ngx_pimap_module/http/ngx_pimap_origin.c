
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns which pages may send, and "pimap_origin".  Called by the locations that
 * change something or give a right, and by the handshake of a WebSocket.
 * Invariant: a page of a foreign origin can't use the cookies, the password
 * or the network of the user whose browser shows it.
 */


#include "ngx_pimap_http.h"
#include "ngx_pimap_conf.h"


static ngx_uint_t ngx_pimap_origin_allowed(ngx_http_request_t *r);
static ngx_uint_t ngx_pimap_origin_listed(ngx_array_t *origins,
    ngx_str_t *origin);
static ngx_uint_t ngx_pimap_origin_same(ngx_str_t *origin, ngx_str_t *host);
static void ngx_pimap_origin_strip(ngx_str_t *authority,
    const ngx_str_t *port);


ngx_int_t
ngx_pimap_origin(ngx_http_request_t *r, const char **problem)
{
    if (ngx_pimap_origin_allowed(r)) {
        return NGX_OK;
    }

    *problem = "the page's origin is not allowed, see \"pimap_origin\"";

    return NGX_HTTP_FORBIDDEN;
}


/*
 * Only browsers send these headers, and no page can set them.  A browser knows
 * the origin better than the header "Host" does, which a proxy may change.
 */

static ngx_uint_t
ngx_pimap_origin_allowed(ngx_http_request_t *r)
{
    ngx_str_t              origin, site;
    ngx_pimap_loc_conf_t  *plcf;

    plcf = ngx_http_get_module_loc_conf(r, ngx_pimap_module);

    if (!ngx_pimap_header(r, "Origin", &origin)) {
        ngx_str_null(&origin);
    }

    if (plcf->origins) {

        if (ngx_pimap_origin_listed(plcf->origins, &origin)) {
            return 1;
        }

        if (origin.len) {
            return 0;
        }
    }

    if (ngx_pimap_header(r, "Sec-Fetch-Site", &site)) {
        return ngx_pimap_is(&site, "same-origin")
               || ngx_pimap_is(&site, "none");
    }

    return origin.len == 0
           || (r->headers_in.host
               && ngx_pimap_origin_same(&origin, &r->headers_in.host->value));
}


static ngx_uint_t
ngx_pimap_origin_listed(ngx_array_t *origins, ngx_str_t *origin)
{
    ngx_str_t   *listed;
    ngx_uint_t   i;

    listed = origins->elts;

    for (i = 0; i < origins->nelts; i++) {

        if (listed[i].len == 1              /* "*" */
            || (listed[i].len == origin->len
                && ngx_strncasecmp(listed[i].data, origin->data, origin->len)
                   == 0))
        {
            return 1;
        }
    }

    return 0;
}


/* Compares host and port: a proxy in front may have ended TLS. */

static ngx_uint_t
ngx_pimap_origin_same(ngx_str_t *origin, ngx_str_t *host)
{
    ngx_str_t    a, b;
    ngx_uint_t   i;

    static const struct {
        ngx_str_t   name;
        ngx_str_t   port;
    } schemes[] = {
        { ngx_string("https://"), ngx_string(":443") },
        { ngx_string("http://"), ngx_string(":80") }
    };

    for (i = 0; i < 2; i++) {
        a = *origin;
        b = *host;

        if (a.len > schemes[i].name.len
            && ngx_strncasecmp(a.data, schemes[i].name.data,
                               schemes[i].name.len)
               == 0)
        {
            a.data += schemes[i].name.len;
            a.len -= schemes[i].name.len;

            ngx_pimap_origin_strip(&a, &schemes[i].port);
            ngx_pimap_origin_strip(&b, &schemes[i].port);

            return a.len == b.len
                   && ngx_strncasecmp(a.data, b.data, a.len) == 0;
        }
    }

    return 0;
}


static void
ngx_pimap_origin_strip(ngx_str_t *authority, const ngx_str_t *port)
{
    if (authority->len > port->len
        && ngx_strncmp(authority->data + authority->len - port->len,
                       port->data, port->len)
           == 0)
    {
        authority->len -= port->len;
    }
}


char *
ngx_pimap_origin_conf(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_pimap_loc_conf_t  *plcf = conf;

    u_char      *p;
    ngx_str_t   *value;
    ngx_uint_t   i, n;

    if (plcf->origins != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    n = cf->args->nelts - 1;
    value = cf->args->elts;

    plcf->origins = ngx_array_create(cf->pool, n, sizeof(ngx_str_t));
    if (plcf->origins == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memcpy(ngx_array_push_n(plcf->origins, n), &value[1],
               n * sizeof(ngx_str_t));

    for (i = 1; i <= n; i++) {

        p = (u_char *) ngx_strstr(value[i].data, "://");

        if (ngx_strcmp(value[i].data, "*") != 0
            && (p == NULL || p[3] == '\0' || ngx_strchr(p + 3, '/')))
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid origin \"%V\", "
                               "it must be \"scheme://host[:port]\" or \"*\"",
                               &value[i]);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}
