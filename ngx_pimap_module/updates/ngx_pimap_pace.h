
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns how fast devices may send.  A message is a unit for each 1 kB, inflated
 * or not.  Bytes that complete no message are one for each 4 kB, and a control
 * frame is one.  A device has "pimap_update_rate" units a second, and all
 * devices of the worker share the units of a turn of the event loop.
 */


#ifndef _NGX_PIMAP_PACE_H_INCLUDED_
#define _NGX_PIMAP_PACE_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_device.h"


void ngx_pimap_pace_init_process(ngx_cycle_t *cycle);

/* Counts so many bytes.  A device that had spent its units pauses. */
void ngx_pimap_pace(ngx_pimap_device_t *d, size_t len);

/* The same for a message. */
void ngx_pimap_pace_message(ngx_pimap_device_t *d, size_t len);

/*
 * Counts an account's request with updates, so many bytes.  0, or the time
 * after which to ask again.
 */
ngx_msec_t ngx_pimap_pace_request(ngx_str_t *account, size_t len,
    ngx_uint_t most);

/* Counts bytes without a device, for this turn only: their units. */
ngx_uint_t ngx_pimap_pace_work(size_t len);

/* True: the units of this turn are spent. */
ngx_uint_t ngx_pimap_pace_over(void);

/*
 * True: the socket of a device may be read.  Else the event's handler is
 * called again in a later turn.
 */
ngx_uint_t ngx_pimap_pace_turn(ngx_event_t *rev);


#endif /* _NGX_PIMAP_PACE_H_INCLUDED_ */
