
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns where a device stands in the log of its account.  A device without a
 * log reader is live: its last event is the last event of its account.  Any
 * other device has a reader, see ngx_pimap_log_reader.h.
 */


#ifndef _NGX_PIMAP_CURSOR_H_INCLUDED_
#define _NGX_PIMAP_CURSOR_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_device.h"
#include "pimap_event_id.h"

#include "pimap_event.h"


/* A device is parked now, to start after "start".  NGX_ERROR: no memory. */
ngx_int_t ngx_pimap_cursor_start(ngx_pimap_device_t *d,
    pimap_event_start_t *start, ngx_log_t *log);

/* True if an event of the log, in its order, is for this device now. */
ngx_uint_t ngx_pimap_cursor_passes(ngx_pimap_device_t *d, pimap_event_t *ev);

/* True while more is read from the log for this device. */
ngx_uint_t ngx_pimap_cursor_reads(ngx_pimap_device_t *d);

/* From a transport: all bytes are sent. */
void ngx_pimap_cursor_drained(ngx_pimap_device_t *d);

/*
 * Where the device has to go on elsewhere.  The caller has flushed the events
 * that are held for its account.
 */
void ngx_pimap_cursor_get(ngx_pimap_device_t *d, pimap_event_start_t *start);

/* The last event of an account.  NGX_DECLINED: Redis has to be asked. */
ngx_int_t ngx_pimap_cursor_account(ngx_str_t *account, pimap_event_id_t *id);


#endif /* _NGX_PIMAP_CURSOR_H_INCLUDED_ */
