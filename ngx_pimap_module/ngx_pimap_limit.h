
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * How many devices may be parked, over all workers.
 */


#ifndef _NGX_PIMAP_LIMIT_H_INCLUDED_
#define _NGX_PIMAP_LIMIT_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_park.h"


/*
 * Takes a place.  NGX_BUSY: "pimap_max_devices"; NGX_DECLINED: the account
 * has as many as it may.  Every NGX_OK owes one ngx_pimap_limit_release().
 */
ngx_int_t ngx_pimap_limit_admit(ngx_pimap_parking_t *parking);

void ngx_pimap_limit_release(ngx_str_t *account, ngx_str_t *device);


#endif /* _NGX_PIMAP_LIMIT_H_INCLUDED_ */
