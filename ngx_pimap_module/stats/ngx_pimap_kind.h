
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * How a device is parked, and why its response ends: what counters tell apart.
 */


#ifndef _NGX_PIMAP_KIND_H_INCLUDED_
#define _NGX_PIMAP_KIND_H_INCLUDED_


/* How a device is parked. */
typedef enum {
    NGX_PIMAP_HELD_H1 = 0,              /* the nginx request is kept */
    NGX_PIMAP_HELD_H1_TLS,
    NGX_PIMAP_HELD_H2,
    NGX_PIMAP_HELD_H2_TLS,
    NGX_PIMAP_DETACHED,                 /* only the connection is kept */
    NGX_PIMAP_DETACHED_TLS,             /* with OpenSSL's object */
    NGX_PIMAP_HIBERNATED,               /* TLS 1.3 without it */
    NGX_PIMAP_POLL_H1,                  /* a request that waits, ... */
    NGX_PIMAP_POLL_H1_TLS,              /* ... in the order of those held */
    NGX_PIMAP_POLL_H2,
    NGX_PIMAP_POLL_H2_TLS,
    NGX_PIMAP_NKINDS
} ngx_pimap_kind_t;


/* Why a parked response ended. */
typedef enum {
    NGX_PIMAP_END_CLIENT = 0,           /* the device closed it */
    NGX_PIMAP_END_CLOSEAFTER,           /* it asked for one event */
    NGX_PIMAP_END_ANSWERED,             /* a poll, with events or in vain */
    NGX_PIMAP_END_SUPERSEDED,           /* a newer request took over */
    NGX_PIMAP_END_SLOW,                 /* unsent bytes over the limit */
    NGX_PIMAP_END_TIMEOUT,              /* nothing could be sent for long */
    NGX_PIMAP_END_DRAIN,                /* the worker leaves */
    NGX_PIMAP_END_EXPIRED,              /* its login has ended */
    NGX_PIMAP_END_ERROR,                /* memory, a broken connection */
    NGX_PIMAP_NENDS
} ngx_pimap_end_t;


#endif /* _NGX_PIMAP_KIND_H_INCLUDED_ */
