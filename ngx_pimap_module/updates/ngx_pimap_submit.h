
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Updates that come up a parked device's own connection.
 */


#ifndef _NGX_PIMAP_SUBMIT_H_INCLUDED_
#define _NGX_PIMAP_SUBMIT_H_INCLUDED_


#include "ngx_pimap.h"


#define NGX_PIMAP_SUBMIT_MAX  16        /* of a device, that wait for Redis */


/*
 * Takes the text of one update, which may be changed in place and is not
 * needed afterwards.  The device is told "accepted" or "refused", maybe before
 * this returns; it may be doomed then, but is there.  NGX_ERROR: memory is
 * out.
 */
ngx_int_t ngx_pimap_submit(ngx_pimap_device_t *d, u_char *data, size_t len);


#endif /* _NGX_PIMAP_SUBMIT_H_INCLUDED_ */
