
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * How a device is parked, and why its response ends: the rows of counters.
 */


#ifndef _NGX_PIMAP_KIND_H_INCLUDED_
#define _NGX_PIMAP_KIND_H_INCLUDED_


/*
 * The transport of a device, and bits.  Workers tell each other the numbers.
 * A hibernated connection has no bits: it is always TLS 1.3.
 */
typedef enum {
    NGX_PIMAP_HELD = 0,                 /* the nginx request is kept */
    NGX_PIMAP_DETACHED = 4,             /* only the connection is kept */
    NGX_PIMAP_HIBERNATED = 6,           /* without OpenSSL's object */
    NGX_PIMAP_POLL = 8,                 /* a request that waits for events */
    NGX_PIMAP_NKINDS = 16
} ngx_pimap_kind_t;

#define NGX_PIMAP_KIND_TLS    1
#define NGX_PIMAP_KIND_HTTP2  2         /* of a held request, or of a poll */
#define NGX_PIMAP_KIND_HTTP3  7         /* the same; it always has TLS */


/* Why a parked response ended. */
typedef enum {
    NGX_PIMAP_END_CLIENT = 0,           /* the device closed it */
    NGX_PIMAP_END_CLOSEAFTER,           /* it asked for one event */
    NGX_PIMAP_END_ANSWERED,             /* a poll, with events or without */
    NGX_PIMAP_END_SUPERSEDED,           /* a newer request took over */
    NGX_PIMAP_END_SLOW,                 /* unsent bytes over the limit */
    NGX_PIMAP_END_TIMEOUT,              /* nothing could be sent for long */
    NGX_PIMAP_END_DRAIN,                /* the worker leaves */
    NGX_PIMAP_END_EXPIRED,              /* its login has ended */
    NGX_PIMAP_END_OPERATOR,             /* by "pimap_accounts" */
    NGX_PIMAP_END_ERROR,                /* memory, a broken connection */
    NGX_PIMAP_NENDS
} ngx_pimap_end_t;


#endif /* _NGX_PIMAP_KIND_H_INCLUDED_ */
