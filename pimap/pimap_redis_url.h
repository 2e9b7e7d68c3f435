
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the address of Redis as it is written in a configuration.  Called by
 * the module and the bridge.  Invariant: an error shows nothing of the
 * address, because a password may be in it.
 *
 *     redis://[user[:password]@]host[:port][/db], and rediss:// for TLS
 *     unix:/path
 *     sentinel://[user[:password]@]host[:port],.../master[/db], sentinels://
 *     cluster://[user[:password]@]host[:port],..., clusters://
 */


#ifndef _PIMAP_REDIS_URL_H_INCLUDED_
#define _PIMAP_REDIS_URL_H_INCLUDED_


#include <stddef.h>


#define PIMAP_REDIS_URL_HOSTS   64


typedef enum {
    PIMAP_REDIS_URL_SINGLE = 0,
    PIMAP_REDIS_URL_UNIX,
    PIMAP_REDIS_URL_SENTINEL,
    PIMAP_REDIS_URL_CLUSTER
} pimap_redis_url_type_t;


typedef struct {
    char        *name;                  /* without brackets */
    unsigned     port;
} pimap_redis_url_host_t;


typedef struct {
    pimap_redis_url_type_t   type;
    int                      tls;
    char                    *text;      /* for logs, without the login */

    pimap_redis_url_host_t   hosts[PIMAP_REDIS_URL_HOSTS];
    unsigned                 nhosts;    /* of unix: none */
    char                    *path;      /* of unix: only */

    /* NULL: not in the address */
    char                    *user;
    char                    *password;
    char                    *master;
    char                    *db;

    char                    *memory;    /* of the texts above */
} pimap_redis_url_t;


/*
 * NULL, or the reason, which follows a name: "must be ...", "has ...".  The
 * URL is to be freed in both cases.
 */
const char *pimap_redis_url_parse(pimap_redis_url_t *url, const char *text,
    size_t len);

void pimap_redis_url_free(pimap_redis_url_t *url);


#endif /* _PIMAP_REDIS_URL_H_INCLUDED_ */
