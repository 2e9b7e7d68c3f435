
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The settings of Redis.
 */


#ifndef _BRIDGE_CONFIG_REDIS_H_INCLUDED_
#define _BRIDGE_CONFIG_REDIS_H_INCLUDED_


#include "bridge.h"

#include <openssl/ssl.h>


typedef struct {
    char                 *host;         /* or a path */
    int                   port;         /* 0: host is a path */
    int                   db;
    char                 *user;
    char                 *password;
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
} bridge_redis_conf_t;


#endif /* _BRIDGE_CONFIG_REDIS_H_INCLUDED_ */
