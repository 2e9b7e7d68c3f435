
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the search for the servers that a connection with TLS begins in.
 * Called in the configuration phase.  Invariant: the protocols and the padding
 * of a connection are those of the default server of its address.
 */


#include "ngx_pimap_transport.h"
#include "ngx_pimap_conf.h"

#include <ngx_http_ssl_module.h>


static ngx_http_ssl_srv_conf_t *ngx_pimap_tls_default_conf(
    ngx_http_conf_addr_t *addr);


ngx_int_t
ngx_pimap_tls_default(ngx_conf_t *cf, ngx_http_core_srv_conf_t *server,
    ngx_array_t *found)
{
    ngx_uint_t                 n;
    ngx_http_conf_addr_t      *addr;
    ngx_http_ssl_srv_conf_t   *sscf, **item;

    if (ngx_array_init(found, cf->temp_pool, 4, sizeof(void *)) != NGX_OK) {
        return NGX_ERROR;
    }

    for (n = 0; (addr = ngx_pimap_conf_address(cf, server, n)) != NULL; n++) {

        sscf = ngx_pimap_tls_default_conf(addr);
        if (sscf == NULL) {
            continue;
        }

        item = ngx_array_push(found);
        if (item == NULL) {
            return NGX_ERROR;
        }

        *item = sscf;
    }

    return NGX_OK;
}


ngx_uint_t
ngx_pimap_tls_default_13(ngx_array_t *found)
{
    ngx_uint_t                 i;
    ngx_http_ssl_srv_conf_t  **sscf;

    sscf = found->elts;

    for (i = 0; i < found->nelts; i++) {
        if (sscf[i]->protocols & NGX_SSL_TLSv1_3) {
            return 1;
        }
    }

    return 0;
}


ngx_uint_t
ngx_pimap_tls_default_quic(ngx_conf_t *cf, ngx_http_core_srv_conf_t *server)
{
#if (nginx_version >= 1025000)

    ngx_uint_t             n;
    ngx_http_conf_addr_t  *addr;

    for (n = 0; (addr = ngx_pimap_conf_address(cf, server, n)) != NULL; n++) {

        if (addr->opt.type != SOCK_STREAM) {
            return 1;
        }
    }

#endif

    return 0;
}


/* NULL: its connections are without TLS, or QUIC. */

static ngx_http_ssl_srv_conf_t *
ngx_pimap_tls_default_conf(ngx_http_conf_addr_t *addr)
{
    ngx_http_ssl_srv_conf_t  *sscf;

    sscf = addr->default_server->ctx->srv_conf[ngx_http_ssl_module.ctx_index];

    if (sscf->ssl.ctx == NULL) {
        return NULL;
    }

#if (nginx_version >= 1025000)

    if (addr->opt.type != SOCK_STREAM) {
        return NULL;
    }

#endif

#if (nginx_version < 1025001)

    if (sscf->enable) {
        return sscf;
    }

#endif

    return addr->opt.ssl ? sscf : NULL;
}
