
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The URL of "pimap_redis".
 */


#ifndef _NGX_PIMAP_REDIS_URL_H_INCLUDED_
#define _NGX_PIMAP_REDIS_URL_H_INCLUDED_


#include "ngx_pimap_conf_redis.h"


/* Fills in what the URL says; returns as a setter does. */
char *ngx_pimap_conf_redis_url(ngx_conf_t *cf, ngx_pimap_conf_redis_t *rcf,
    ngx_str_t *url);


#endif /* _NGX_PIMAP_REDIS_URL_H_INCLUDED_ */
