
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns updates that a parked device sends on its own connection, until Redis
 * has taken them.
 */


#ifndef _NGX_PIMAP_SUBMIT_H_INCLUDED_
#define _NGX_PIMAP_SUBMIT_H_INCLUDED_


#include "ngx_pimap.h"


#define NGX_PIMAP_SUBMIT_MAX  16        /* of a device, that wait for Redis */


/*
 * Takes one update, and may change its bytes.  The device gets "accepted" or
 * "refused", maybe before this returns.  It may be closing then, but is there.
 * NGX_ERROR: no memory.
 */
ngx_int_t ngx_pimap_submit(ngx_pimap_device_t *d, u_char *data, size_t len);


#endif /* _NGX_PIMAP_SUBMIT_H_INCLUDED_ */
