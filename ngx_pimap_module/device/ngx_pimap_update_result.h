
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the address of an update's result: such an event is for one device.
 */


#ifndef _NGX_PIMAP_UPDATE_RESULT_H_INCLUDED_
#define _NGX_PIMAP_UPDATE_RESULT_H_INCLUDED_


#include "ngx_pimap.h"

#include "pimap_event.h"


#define NGX_PIMAP_UPDATE_RESULT_ADDRESS  (sizeof("~") - 1 + 16)


/* True if the event is the result of an update. */
ngx_uint_t ngx_pimap_update_result(pimap_event_t *ev);

/* True if the result is for this device. */
ngx_uint_t ngx_pimap_update_result_is_for(ngx_pimap_device_t *d,
    pimap_event_t *ev);

/*
 * The address of a device: its name, or "~<token>" if it is anonymous.  "buf"
 * has NGX_PIMAP_UPDATE_RESULT_ADDRESS bytes.
 */
void ngx_pimap_update_result_address(ngx_pimap_device_t *d, ngx_str_t *address,
    u_char *buf);


#endif /* _NGX_PIMAP_UPDATE_RESULT_H_INCLUDED_ */
