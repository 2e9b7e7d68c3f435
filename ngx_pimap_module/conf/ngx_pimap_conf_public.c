
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
    ngx_uint_t             n;
    ngx_http_conf_addr_t  *addr;

    for (n = 0; (addr = ngx_pimap_conf_address(cf, server, n)) != NULL; n++) {

        if (ngx_pimap_conf_public_address(addr->opt.sockaddr)) {
            return 1;
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
