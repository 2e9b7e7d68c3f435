
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the question whether other hosts reach a server.  Called by merging.
 * Invariant: nginx has read all servers and their "listen".
 */


#include "ngx_pimap_conf.h"


static ngx_uint_t ngx_pimap_conf_public_address(struct sockaddr *sa);


ngx_uint_t
ngx_pimap_conf_public(ngx_conf_t *cf, ngx_http_core_srv_conf_t *server)
{
    ngx_uint_t                   i, k, n;
    ngx_http_conf_addr_t        *addrs;
    ngx_http_conf_port_t        *ports;
    ngx_http_core_srv_conf_t   **servers;
    ngx_http_core_main_conf_t   *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    if (cmcf->ports == NULL) {
        return 0;
    }

    ports = cmcf->ports->elts;

    for (i = 0; i < cmcf->ports->nelts; i++) {
        addrs = ports[i].addrs.elts;

        for (k = 0; k < ports[i].addrs.nelts; k++) {
            servers = addrs[k].servers.elts;

            for (n = 0; n < addrs[k].servers.nelts; n++) {
                if (servers[n] == server
                    && ngx_pimap_conf_public_address(addrs[k].opt.sockaddr))
                {
                    return 1;
                }
            }
        }
    }

    return 0;
}


/* True if it is neither loopback nor a unix socket. */

static ngx_uint_t
ngx_pimap_conf_public_address(struct sockaddr *sa)
{
    switch (sa->sa_family) {

    case AF_INET:
        return ntohl(((struct sockaddr_in *) sa)->sin_addr.s_addr) >> 24
               != IN_LOOPBACKNET;

#if (NGX_HAVE_INET6)

    case AF_INET6:
        return !IN6_IS_ADDR_LOOPBACK(&((struct sockaddr_in6 *) sa)->sin6_addr);

#endif

    default:
        return 0;
    }
}
