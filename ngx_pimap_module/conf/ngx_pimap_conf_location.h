
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns how the location of a device is found again after a reload.  Called by
 * merging, and by the hand-over.  Invariant: a socket has one location of a
 * key at most, or nginx does not start.
 *
 * A key is the name of the server, then the kind and the text of each location
 * from the outermost to the device's own.  The socket is that of the device's
 * connection, which is one of those that the server listens on.
 */


#ifndef _NGX_PIMAP_CONF_LOCATION_H_INCLUDED_
#define _NGX_PIMAP_CONF_LOCATION_H_INCLUDED_


#include "ngx_pimap_conf.h"


/* For each block, when nginx reads its begin. */
void ngx_pimap_conf_location_begin(ngx_conf_t *cf, ngx_pimap_loc_conf_t *conf);

/* For each block, from the outermost to the innermost. */
ngx_int_t ngx_pimap_conf_location_merge(ngx_conf_t *cf,
    ngx_pimap_loc_conf_t *conf, ngx_pimap_loc_conf_t *prev);

/* All servers are known.  NGX_ERROR, also if two locations have one key. */
ngx_int_t ngx_pimap_conf_location_init(ngx_conf_t *cf,
    ngx_pimap_main_conf_t *pmcf);

/*
 * The location that had this key, of a device whose connection has this local
 * address; NULL: it is gone, or is not known for sure.  A record of an older
 * worker has the old key only.
 */
ngx_pimap_loc_conf_t *ngx_pimap_conf_location_find(ngx_str_t *key,
    ngx_str_t *old_key, struct sockaddr *local, socklen_t len);


#endif /* _NGX_PIMAP_CONF_LOCATION_H_INCLUDED_ */
