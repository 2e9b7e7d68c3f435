
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The detached transport: of HTTP/1.1, only the socket is kept, and of TLS
 * 1.3, if it hibernates, two secrets.
 */


#ifndef _NGX_PIMAP_DETACHED_H_INCLUDED_
#define _NGX_PIMAP_DETACHED_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_park.h"
#include "ngx_pimap_tls13.h"


typedef struct ngx_pimap_detached_s  ngx_pimap_detached_t;


/* All that adopting a connection needs; NULL if memory is out. */
ngx_pimap_detached_t *ngx_pimap_detached_create(ngx_uint_t hibernated,
    ngx_log_t *log);
void ngx_pimap_detached_free(ngx_pimap_detached_t *dt);

/*
 * Serves a device over a connection that nginx has no request for.  The
 * connection is bare: no pool but the one of its "ssl", no log of its own.
 * "tls" is NULL, or the state of a hibernated connection, which is copied and
 * wiped: "dt" must have been created for it.
 */
void ngx_pimap_adopt(ngx_pimap_detached_t *dt, ngx_connection_t *c,
    ngx_pimap_device_t *d, ngx_uint_t chunked, ngx_pimap_tls13_t *tls);


#endif /* _NGX_PIMAP_DETACHED_H_INCLUDED_ */
