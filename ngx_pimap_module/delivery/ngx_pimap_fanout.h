
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * How an event reaches the devices of its account: all of them, or one.
 */


#ifndef _NGX_PIMAP_FANOUT_H_INCLUDED_
#define _NGX_PIMAP_FANOUT_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_device.h"
#include "ngx_pimap_encode.h"

#include "pimap_event.h"
#include "pimap_event_id.h"


/*
 * ngx_pimap_backlog.c: Owns what not all devices of an account have got yet.
 * A worker sends to a bounded number of devices, then looks at other events.
 */

/* "done" reads what an account could not take in, because it had too much. */
void ngx_pimap_backlog_init_process(ngx_cycle_t *cycle,
    void (*done)(ngx_pimap_account_t *account));

/* To all devices of the account.  The event is in its order. */
void ngx_pimap_backlog_event(ngx_pimap_account_t *account, pimap_event_t *ev);

/* All devices, or those that are live, resync.  They go on after "last". */
void ngx_pimap_backlog_resync(ngx_pimap_account_t *account, ngx_str_t *reason,
    pimap_event_id_t *last, ngx_uint_t all);

/*
 * The device gets now what it lacks.  After that it has come to where its
 * account is.  It may be closing.
 */
void ngx_pimap_backlog_catch_up(ngx_pimap_device_t *d);

/* True if the account takes no more, but resyncs.  It may read on "later". */
ngx_uint_t ngx_pimap_backlog_full(ngx_pimap_account_t *account);
void ngx_pimap_backlog_later(ngx_pimap_account_t *account);

/* The account goes and has no devices. */
void ngx_pimap_backlog_forget(ngx_pimap_account_t *account);


/*
 * ngx_pimap_fanout.c: Owns what one device gets.  An event is encoded once for
 * each format, and sent to each device whose filter lets it pass.
 */

/* NGX_ERROR: it did not get the event, and ends. */
ngx_int_t ngx_pimap_fanout_device(ngx_pimap_device_t *d, pimap_event_t *ev,
    ngx_pimap_encoded_t *encoded);
ngx_int_t ngx_pimap_fanout_one(ngx_pimap_device_t *d, pimap_event_t *ev);

/* The device with this link, or the end of the list, gets an event soon. */
#define ngx_pimap_fanout_soon(q)                                             \
    ngx_pimap_prefetch(ngx_queue_data(q, ngx_pimap_device_t, link),          \
                       sizeof(ngx_pimap_device_t))

/* Tells the device to resync and to go on after "last". */
void ngx_pimap_fanout_resync(ngx_pimap_device_t *d, ngx_str_t *reason,
    pimap_event_id_t *last);

/* All devices have an event that was published then. */
void ngx_pimap_fanout_latency(uint64_t msec);


#endif /* _NGX_PIMAP_FANOUT_H_INCLUDED_ */
