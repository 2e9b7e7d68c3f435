
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Turns a device into a record, and back.  Called by the sender and by
 * adopting.
 */


#ifndef _NGX_PIMAP_HANDOVER_DEVICE_H_INCLUDED_
#define _NGX_PIMAP_HANDOVER_DEVICE_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_device_record.h"
#include "ngx_pimap_park_request.h"
#include "ngx_pimap_transport_connection.h"


/* The length of the record, or 0 if it is over "size" bytes. */
size_t ngx_pimap_handover_device_write(ngx_pimap_device_t *d,
    ngx_pimap_connection_state_t *state, u_char *buf, size_t size);

/*
 * What parking the device takes, but for its configuration; strings point
 * into "data", the filter is allocated.  NGX_ERROR if the record is invalid,
 * or memory is out.
 */
ngx_int_t ngx_pimap_handover_device_read(ngx_pimap_device_record_t *record,
    ngx_str_t *data, ngx_pimap_park_request_t *parking);

/* After parking: the input.  NGX_ERROR: the device has to be ended. */
ngx_int_t ngx_pimap_handover_device_restore(ngx_pimap_device_t *d,
    ngx_pimap_device_record_t *record);


#endif /* _NGX_PIMAP_HANDOVER_DEVICE_H_INCLUDED_ */
