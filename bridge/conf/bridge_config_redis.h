
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The settings of Redis: one server, or a master that sentinels name, or a
 * cluster.
 */


#ifndef _BRIDGE_CONFIG_REDIS_H_INCLUDED_
#define _BRIDGE_CONFIG_REDIS_H_INCLUDED_


#include "bridge.h"

#include "pimap_redis_login.h"
#include "pimap_redis_url.h"

#include <openssl/ssl.h>


typedef struct {
    char                 *address;      /* NULL: host, port, db and tls */
    char                 *host;         /* NULL: 127.0.0.1; or a path */
    int                   port;         /* 0: 6379 */
    int                   db;           /* -1: 0 */
    char                 *user;
    char                 *password;
    char                 *sentinel_user;
    char                 *sentinel_password;
    int                   tls;
    int                   verify;
    char                 *ca_file;
    SSL_CTX              *ssl;          /* NULL: no TLS */
    char                 *prefix;
    const char           *id;           /* of this process, for its inbox */
    int                   maxlen;       /* of the log */
    bridge_msec_t         ttl;
    bridge_msec_t         timeout;
    int                   max_waiting;  /* commands without an answer */
    int                   max_bytes;    /* of commands that are not sent */

    /* what follows from these */
    pimap_redis_url_t           url;
    char                       *db_text;
    pimap_redis_credentials_t   credentials;
    pimap_redis_credentials_t   sentinel;
} bridge_redis_conf_t;


static inline int
bridge_redis_conf_is_cluster(const bridge_redis_conf_t *conf)
{
    return conf->url.type == PIMAP_REDIS_URL_CLUSTER;
}


void bridge_config_redis_free(bridge_redis_conf_t *redis);


#endif /* _BRIDGE_CONFIG_REDIS_H_INCLUDED_ */
