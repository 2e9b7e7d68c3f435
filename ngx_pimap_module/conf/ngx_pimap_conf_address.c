
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the search for the addresses of a server, and for a server of an
 * address.  Called in the configuration phase, the latter also by a hand-over.
 * Invariant: nginx has read all servers and their "listen".
 */


#include "ngx_pimap_conf.h"


ngx_http_conf_addr_t *
ngx_pimap_conf_address(ngx_conf_t *cf, ngx_http_core_srv_conf_t *server,
    ngx_uint_t n)
{
    ngx_uint_t                  i, k;
    ngx_http_conf_addr_t       *addrs;
    ngx_http_conf_port_t       *ports;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    if (cmcf->ports == NULL) {
        return NULL;
    }

    ports = cmcf->ports->elts;

    for (i = 0; i < cmcf->ports->nelts; i++) {
        addrs = ports[i].addrs.elts;

        for (k = 0; k < ports[i].addrs.nelts; k++) {

            if (ngx_pimap_conf_serves(&addrs[k].servers, server)
                && n-- == 0)
            {
                return &addrs[k];
            }
        }
    }

    return NULL;
}


ngx_uint_t
ngx_pimap_conf_serves(ngx_array_t *servers, ngx_http_core_srv_conf_t *server)
{
    ngx_uint_t                  i;
    ngx_http_core_srv_conf_t  **one;

    one = servers->elts;

    for (i = 0; i < servers->nelts; i++) {
        if (one[i] == server) {
            return 1;
        }
    }

    return 0;
}
