
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the devices that have come from another worker and can't stay.  Called
 * by adopting.  Invariant: they are told to come back one after the other,
 * within "pimap_drain" of the last one that came.
 *
 * A device may leave earlier, so it is looked up again by its token.
 */


#include "ngx_pimap_handover.h"
#include "ngx_pimap_conf.h"
#include "ngx_pimap_transport.h"


#define NGX_PIMAP_DEPARTURE_TICK  50    /* msec */


typedef struct {
    ngx_queue_t           link;
    uint64_t              token;        /* of the device */
    ngx_str_t             account;
    u_char                name[1];
} ngx_pimap_departure_t;


static void ngx_pimap_departure_handler(ngx_event_t *ev);
static void ngx_pimap_departure_log(void);
static void ngx_pimap_departure_next(void);


static ngx_queue_t         ngx_pimap_departures;
static ngx_uint_t          ngx_pimap_departure_count;
static ngx_uint_t          ngx_pimap_departure_new;     /* not logged yet */
static ngx_uint_t          ngx_pimap_departure_known;   /* a tick before */
static ngx_pimap_spread_t  ngx_pimap_departure_spread;
static ngx_event_t         ngx_pimap_departure_event;


void
ngx_pimap_spread_begin(ngx_pimap_spread_t *spread, ngx_uint_t count,
    ngx_msec_t time)
{
    spread->count = count;
    spread->time = time;
    spread->end = ngx_current_msec + time;
}


ngx_uint_t
ngx_pimap_spread_stay(ngx_pimap_spread_t *spread)
{
    ngx_msec_int_t  left;

    left = (ngx_msec_int_t) (spread->end - ngx_current_msec);

    return left > 0 ? (uint64_t) spread->count * left / spread->time : 0;
}


void
ngx_pimap_departure_init_process(ngx_cycle_t *cycle)
{
    ngx_queue_init(&ngx_pimap_departures);

    ngx_pimap_timer_init(&ngx_pimap_departure_event,
                         ngx_pimap_departure_handler, cycle->log, 1);
}


void
ngx_pimap_departure_add(ngx_pimap_device_t *d, ngx_uint_t crowded)
{
    ngx_str_t              *account;
    ngx_pimap_main_conf_t  *pmcf;
    ngx_pimap_departure_t  *departure;

    account = &d->account->sub.sn.str;

    departure = ngx_alloc(offsetof(ngx_pimap_departure_t, name)
                          + account->len, ngx_cycle->log);
    if (departure == NULL) {
        ngx_pimap_unpark(d);
        return;
    }

    d->leaving = 1;

    departure->token = d->token;
    departure->account.data = departure->name;
    departure->account.len = account->len;
    ngx_memcpy(departure->name, account->data, account->len);

    ngx_queue_insert_tail(&ngx_pimap_departures, &departure->link);

    ngx_pimap_departure_count++;
    ngx_pimap_departure_new += !crowded;        /* that is logged already */

    pmcf = ngx_http_cycle_get_module_main_conf(ngx_cycle, ngx_pimap_module);

    ngx_pimap_spread_begin(&ngx_pimap_departure_spread,
                           ngx_pimap_departure_count, pmcf->drain);

    if (!ngx_pimap_departure_event.timer_set) {
        ngx_add_timer(&ngx_pimap_departure_event, NGX_PIMAP_DEPARTURE_TICK);
    }
}


static void
ngx_pimap_departure_handler(ngx_event_t *ev)
{
    ngx_uint_t  stay;

    ngx_pimap_departure_log();

    stay = ngx_pimap_spread_stay(&ngx_pimap_departure_spread);

    while (ngx_pimap_departure_count > stay) {
        ngx_pimap_departure_next();
    }

    if (ngx_pimap_departure_count) {
        ngx_add_timer(ev, NGX_PIMAP_DEPARTURE_TICK);
    }
}


/* Devices come in a row, and have one line. */

static void
ngx_pimap_departure_log(void)
{
    if (ngx_pimap_departure_new
        && ngx_pimap_departure_new == ngx_pimap_departure_known)
    {
        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "pimap disconnects %ui devices within %Mms: their "
                      "location is gone, or takes them no longer",
                      ngx_pimap_departure_new,
                      ngx_pimap_departure_spread.time);

        ngx_pimap_departure_new = 0;
    }

    ngx_pimap_departure_known = ngx_pimap_departure_new;
}


static void
ngx_pimap_departure_next(void)
{
    ngx_queue_t            *q;
    ngx_pimap_device_t     *d;
    ngx_pimap_account_t    *account;
    ngx_pimap_departure_t  *departure;

    q = ngx_queue_head(&ngx_pimap_departures);
    ngx_queue_remove(q);
    ngx_pimap_departure_count--;

    departure = ngx_queue_data(q, ngx_pimap_departure_t, link);

    account = ngx_pimap_subscription_find(&departure->account);

    for (d = account ? ngx_pimap_devices(account) : NULL; d;
         d = ngx_pimap_device_next(d))
    {
        if (d->token == departure->token && d->leaving) {
            ngx_pimap_unpark(d);
            break;
        }
    }

    ngx_free(departure);
}
