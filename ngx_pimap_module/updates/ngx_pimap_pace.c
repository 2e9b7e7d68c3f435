
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns how fast devices may send.  Called by the input, by submitting, by the
 * transports and by the update location.  Invariant: after so many units a
 * turn of the event loop reads no other device, so that events of Redis are
 * never far behind.
 */


#include "ngx_pimap_updates.h"
#include "ngx_pimap_conf.h"


#define NGX_PIMAP_PACE_UNIT   4096      /* bytes that are read */
#define NGX_PIMAP_PACE_JSON   4         /* to parse them takes longer */
#define NGX_PIMAP_PACE_TURN   16        /* units of all devices in a turn */
#define NGX_PIMAP_PACE_MAX    255       /* units of a device in a second */
#define NGX_PIMAP_PACE_NAMES  4096      /* accounts of requests, 8 kB in all */
#define NGX_PIMAP_PACE_SHORT  1         /* msec, until a later turn */
#define NGX_PIMAP_PACE_LONG   1000      /* msec, until a later second */


static ngx_uint_t ngx_pimap_pace_size(size_t len);
static void ngx_pimap_pace_handler(ngx_event_t *ev);


static ngx_uint_t        ngx_pimap_pace_units;  /* that were read */
static ngx_queue_t       ngx_pimap_pace_waiting;    /* read events */
static ngx_event_t      *ngx_pimap_pace_next;   /* of them, may read now */
static ngx_event_t       ngx_pimap_pace_event;  /* begins the next turn */
static ngx_pimap_rate_t  ngx_pimap_pace_names[NGX_PIMAP_PACE_NAMES];


void
ngx_pimap_pace_init_process(ngx_cycle_t *cycle)
{
    ngx_queue_init(&ngx_pimap_pace_waiting);

    ngx_pimap_timer_init(&ngx_pimap_pace_event, ngx_pimap_pace_handler,
                         cycle->log, 0);
}


ngx_uint_t
ngx_pimap_pace_work(size_t len)
{
    ngx_uint_t  units;

    units = ngx_pimap_pace_size(len);

    ngx_pimap_pace_units += units;
    ngx_post_event(&ngx_pimap_pace_event, &ngx_posted_next_events);

    return units;
}


static ngx_uint_t
ngx_pimap_pace_size(size_t len)
{
    return len ? (len - 1) / NGX_PIMAP_PACE_UNIT + 1 : 1;
}


void
ngx_pimap_pace(ngx_pimap_device_t *d, size_t len)
{
    ngx_uint_t  units, most;

    units = ngx_pimap_pace_work(len);
    most = d->conf->update_rate ? d->conf->update_rate : NGX_PIMAP_PACE_MAX;

    if (ngx_pimap_rate_exceeded(&d->budget, ngx_pimap_timer_wheel_now(), most,
                                units))
    {
        ngx_pimap_device_pause(d);
    }
}


void
ngx_pimap_pace_message(ngx_pimap_device_t *d, size_t len)
{
    ngx_pimap_pace(d, len * NGX_PIMAP_PACE_JSON);
}


/*
 * A client can name another device in each request, so the requests of an
 * account share its place in a table.  The wheel stands still without devices.
 * A request that has to wait has not been read, so it spends nothing.
 */

ngx_msec_t
ngx_pimap_pace_request(ngx_str_t *account, size_t len, ngx_uint_t most)
{
    uint64_t           hash;
    ngx_pimap_rate_t  *rate;

    if (ngx_pimap_pace_over()) {
        return NGX_PIMAP_PACE_SHORT;
    }

    len *= NGX_PIMAP_PACE_JSON;

    hash = ngx_pimap_limit_account(account);
    rate = &ngx_pimap_pace_names[hash % NGX_PIMAP_PACE_NAMES];

    if (most && ngx_pimap_rate_exceeded(rate, (uint32_t) ngx_time(), most,
                                        ngx_pimap_pace_size(len)))
    {
        return NGX_PIMAP_PACE_LONG;
    }

    (void) ngx_pimap_pace_work(len);

    return 0;
}


ngx_uint_t
ngx_pimap_pace_over(void)
{
    return ngx_pimap_pace_units >= NGX_PIMAP_PACE_TURN;
}


/*
 * An event that is posted waits for its turn already.  nginx removes posted
 * events from any queue when their connection closes.
 */

ngx_uint_t
ngx_pimap_pace_turn(ngx_event_t *rev)
{
    if (rev->posted) {
        return 0;
    }

    if (rev == ngx_pimap_pace_next
        || (!ngx_pimap_pace_over()
            && ngx_queue_empty(&ngx_pimap_pace_waiting)))
    {
        ngx_pimap_pace_next = NULL;
        return 1;
    }

    ngx_post_event(rev, &ngx_pimap_pace_waiting);

    return 0;
}


static void
ngx_pimap_pace_handler(ngx_event_t *ev)
{
    ngx_queue_t  *q;
    ngx_event_t  *rev;

    ngx_pimap_pace_units = 0;

    while (!ngx_pimap_pace_over()
           && !ngx_queue_empty(&ngx_pimap_pace_waiting))
    {
        q = ngx_queue_head(&ngx_pimap_pace_waiting);
        rev = ngx_queue_data(q, ngx_event_t, queue);

        ngx_delete_posted_event(rev);

        ngx_pimap_pace_next = rev;
        rev->handler(rev);
    }

    ngx_pimap_pace_next = NULL;

    if (!ngx_queue_empty(&ngx_pimap_pace_waiting)) {
        ngx_post_event(ev, &ngx_posted_next_events);
    }
}
