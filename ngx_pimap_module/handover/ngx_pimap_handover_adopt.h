
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Parks devices that come from another worker.  Called for each device of an
 * incoming account.
 */


#ifndef _NGX_PIMAP_HANDOVER_ADOPT_H_INCLUDED_
#define _NGX_PIMAP_HANDOVER_ADOPT_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_device_room.h"
#include "ngx_pimap_device.h"


/*
 * The device, or NULL: then its connection has been closed.  "marked": no
 * event came between the record and now.  "homeless": its location is not in
 * the configuration any more, so that it has to be dismissed.
 */
ngx_pimap_device_t *ngx_pimap_handover_adopt(ngx_pimap_account_t *account,
    ngx_str_t *data, ngx_socket_t fd, ngx_uint_t marked,
    ngx_uint_t *homeless);


#endif /* _NGX_PIMAP_HANDOVER_ADOPT_H_INCLUDED_ */
