
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the settings of "pimap_redis": where Redis is, and the login.
 */


#ifndef _NGX_PIMAP_CONF_REDIS_H_INCLUDED_
#define _NGX_PIMAP_CONF_REDIS_H_INCLUDED_


#include "ngx_pimap.h"


/* Values of the parameter "functions" of "pimap_redis". */
#define NGX_PIMAP_FUNCTIONS_OFF     0       /* live only */
#define NGX_PIMAP_FUNCTIONS_USE     1       /* never load them */
#define NGX_PIMAP_FUNCTIONS_LOAD    2


/* Where a connection goes. */
typedef struct {
    ngx_str_t         name;             /* for logs */
    ngx_str_t         host;             /* as written; empty: unix socket */
    in_port_t         port;
    ngx_addr_t       *addrs;            /* NULL: "resolver" finds them */
    ngx_uint_t        naddrs;
} ngx_pimap_redis_server_t;


typedef struct {
    ngx_str_t         name;             /* for logs: "redis://host:6379/0" */

    ngx_str_t         host;             /* as written; empty: unix socket */
    in_port_t         port;
    ngx_str_t         master;           /* its name; empty: no sentinels */
    ngx_array_t       sentinels;        /* of ngx_str_t, "host:port" */
    ngx_array_t       seeds;            /* of ngx_pimap_redis_server_t: some
                                           nodes of a cluster; empty: none */
    ngx_addr_t       *addrs;            /* NULL: "resolver" finds them;
                                           of sentinels if there are */
    ngx_uint_t        naddrs;
    ngx_resolver_t   *resolver;
    ngx_msec_t        resolver_timeout;

    ngx_str_t         user;
    ngx_str_t         password;
    ngx_str_t         sentinel_user;
    ngx_str_t         sentinel_password;
    ngx_str_t         db;
    ngx_str_t         prefix;

    ngx_ssl_t        *ssl;              /* NULL: not rediss:// */
    ngx_uint_t        tls;
    ngx_uint_t        verify;
    ngx_str_t         ca;
    ngx_str_t         cert;
    ngx_str_t         key;

    ngx_msec_t        connect_timeout;
    ngx_msec_t        timeout;          /* of a command's answer */
    ngx_msec_t        probe;            /* between two probes */

    ngx_uint_t        functions;        /* NGX_PIMAP_FUNCTIONS_* */

    ngx_str_t         file;             /* the place of the directive */
    ngx_uint_t        line;

    ngx_uint_t        set;
} ngx_pimap_conf_redis_t;


/* Fills in the URL's parts; returns as a setter does. */
char *ngx_pimap_conf_redis_url(ngx_conf_t *cf, ngx_pimap_conf_redis_t *rcf,
    ngx_str_t *url);

char *ngx_pimap_conf_redis(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* Addresses and TLS, once the whole configuration has been read. */
ngx_int_t ngx_pimap_conf_redis_init(ngx_conf_t *cf,
    ngx_pimap_conf_redis_t *rcf);


#endif /* _NGX_PIMAP_CONF_REDIS_H_INCLUDED_ */
