
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the end of a worker.  nginx tells idle connections when the worker is
 * to quit, so there is one without a socket for this.  First the worker waits
 * for devices that are just being handed over to it.  Then it hands over its
 * own devices.  Then it disconnects the devices that are left.  Invariant: the
 * timer is not cancelable, so the worker stays until the last device is gone.
 */


#include "ngx_pimap_handover.h"
#include "ngx_pimap_conf.h"
#include "ngx_pimap_transport.h"
#include "ngx_pimap_updates.h"
#include "ngx_pimap_device_room.h"


#define NGX_PIMAP_DRAIN_TICK          50        /* msec */
#define NGX_PIMAP_DRAIN_SEND_TICK     10
#define NGX_PIMAP_DRAIN_RECEIVE       3000      /* msec, until all has come */


static void ngx_pimap_drain_quit_handler(ngx_event_t *rev);
static void ngx_pimap_drain_handler(ngx_event_t *ev);
static void ngx_pimap_drain_begin(ngx_event_t *ev);
static void ngx_pimap_drain_turn(ngx_event_t *ev);


static ngx_event_t       ngx_pimap_drain_event;
static ngx_msec_t        ngx_pimap_drain_end;
static ngx_pimap_spread_t  ngx_pimap_drain_spread;

static enum {
    NGX_PIMAP_DRAIN_RECEIVES = 0,
    NGX_PIMAP_DRAIN_HANDS_OVER,
    NGX_PIMAP_DRAIN_DISCONNECTS
} ngx_pimap_drain_state;


ngx_int_t
ngx_pimap_drain_init_process(ngx_cycle_t *cycle)
{
    ngx_connection_t  *c;

    c = ngx_get_connection(0, cycle->log);
    if (c == NULL) {
        return NGX_ERROR;
    }

    c->fd = (ngx_socket_t) -2;
    c->idle = 1;
    c->data = NULL;
    c->read->log = cycle->log;
    c->read->handler = ngx_pimap_drain_quit_handler;

    ngx_pimap_timer_init(&ngx_pimap_drain_event, ngx_pimap_drain_handler,
                         cycle->log, 0);

    return NGX_OK;
}


static void
ngx_pimap_drain_quit_handler(ngx_event_t *rev)
{
    ngx_connection_t  *c;

    c = rev->data;

    if (!c->close) {
        return;
    }

    c->close = 0;
    c->idle = 0;
    c->fd = (ngx_socket_t) -1;

    ngx_free_connection(c);

    ngx_pimap_handover_receiver_stop();
    ngx_pimap_poll_drain();
    ngx_pimap_update_waiter_quit();

    if (ngx_pimap_zone_parked(ngx_pimap_counters) == 0
        && !ngx_pimap_handover_receiver_busy())
    {
        return;
    }

    ngx_pimap_drain_end = ngx_current_msec + NGX_PIMAP_DRAIN_RECEIVE;

    /* a worker without a timer leaves before it looks at posted events */

    ngx_add_timer(&ngx_pimap_drain_event, 1);
}


static void
ngx_pimap_drain_handler(ngx_event_t *ev)
{
    switch (ngx_pimap_drain_state) {

    case NGX_PIMAP_DRAIN_RECEIVES:

        if (ngx_pimap_handover_receiver_busy()
            && (ngx_msec_int_t) (ngx_pimap_drain_end - ngx_current_msec) > 0)
        {
            break;
        }

        ngx_pimap_drain_state = NGX_PIMAP_DRAIN_HANDS_OVER;

        ngx_pimap_handover_sender_start();

        /* fall through */

    case NGX_PIMAP_DRAIN_HANDS_OVER:

        if (ngx_pimap_handover_sender_turn() == NGX_AGAIN) {
            break;
        }

        ngx_pimap_drain_state = NGX_PIMAP_DRAIN_DISCONNECTS;

        ngx_pimap_drain_begin(ev);
        return;

    default: /* NGX_PIMAP_DRAIN_DISCONNECTS */

        ngx_pimap_drain_turn(ev);
        return;
    }

    ngx_add_timer(ev, NGX_PIMAP_DRAIN_SEND_TICK);
}


static void
ngx_pimap_drain_begin(ngx_event_t *ev)
{
    ngx_uint_t              n;
    ngx_pimap_main_conf_t  *pmcf;

    n = ngx_pimap_zone_parked(ngx_pimap_counters);

    if (n == 0) {
        return;
    }

    pmcf = ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_pimap_module);

    ngx_log_error(NGX_LOG_NOTICE, ev->log, 0,
                  "pimap disconnects %ui devices within %Mms", n, pmcf->drain);

    ngx_pimap_spread_begin(&ngx_pimap_drain_spread, n, pmcf->drain);

    ngx_pimap_drain_turn(ev);
}


static void
ngx_pimap_drain_turn(ngx_event_t *ev)
{
    ngx_uint_t    n, stay;
    ngx_queue_t  *link;

    stay = ngx_pimap_spread_stay(&ngx_pimap_drain_spread);

    for (n = ngx_pimap_zone_parked(ngx_pimap_counters); n > stay; n--) {
        link = ngx_pimap_timer_wheel_first();

        if (link == NULL) {
            break;
        }

        ngx_pimap_unpark(ngx_queue_data(link, ngx_pimap_device_t, due));
    }

    if (ngx_pimap_timer_wheel_first()) {
        ngx_add_timer(ev, NGX_PIMAP_DRAIN_TICK);
    }
}
