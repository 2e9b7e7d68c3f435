
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Results of updates: events with an address.
 */


#ifndef _NGX_PIMAP_RESULT_H_INCLUDED_
#define _NGX_PIMAP_RESULT_H_INCLUDED_


#include "ngx_pimap.h"

#include "pimap_event.h"


#define NGX_PIMAP_UPDATE_RESULT_ADDRESS  (sizeof("~") - 1 + 16)


/* True if the event is one; it has no receiver but the one that it names. */
ngx_uint_t ngx_pimap_update_result(pimap_event_t *ev);

/* True if the device is the receiver of this result. */
ngx_uint_t ngx_pimap_update_result_is_for(ngx_pimap_device_t *d,
    pimap_event_t *ev);

/*
 * Where results for a device go: its name; "~<token>" if it has none, which
 * goes with the response.  "buf" has NGX_PIMAP_UPDATE_RESULT_ADDRESS bytes.
 */
void ngx_pimap_update_result_address(ngx_pimap_device_t *d, ngx_str_t *address,
    u_char *buf);


#endif /* _NGX_PIMAP_RESULT_H_INCLUDED_ */
