
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * One probe is in flight at a time.  If it does not come back in time, the
 * subscribing connection is renewed, because it may be dead while it looks
 * alive.  (A dead commanding connection is found by its own time-out.)
 *
 * At each tick the worker writes the last time at which it could deliver: now,
 * or since when a probe, a connection, a command or an account waits.  A
 * worker that hangs writes nothing.
 */


#include "ngx_pimap_subscriber.h"
#include "ngx_pimap_command.h"
#include "ngx_pimap_zone.h"


#define NGX_PIMAP_PROBE_SOON   100      /* msec */
#define NGX_PIMAP_PROBE_TICK   500      /* msec, at most */


static void ngx_pimap_probe_send(void);
static void ngx_pimap_probe_answer(void *data, redisReply *reply);
static void ngx_pimap_probe_unproved(void);
static void ngx_pimap_probe_handler(ngx_event_t *ev);
static void ngx_pimap_probe_tick_handler(ngx_event_t *ev);
static void ngx_pimap_probe_write(void);
static uint64_t ngx_pimap_probe_waits(void);


static ngx_pimap_conf_redis_t  *ngx_pimap_probe_conf;
static ngx_event_t              ngx_pimap_probe_timer;
static ngx_event_t              ngx_pimap_probe_tick;
static uint64_t                 ngx_pimap_probe_sent;   /* usec, its text */
static ngx_uint_t               ngx_pimap_probe_in_flight;
static ngx_uint_t               ngx_pimap_probe_proved;
static uint64_t                 ngx_pimap_probe_since;  /* usec, if not */


void
ngx_pimap_probe_init_process(ngx_cycle_t *cycle, ngx_pimap_conf_redis_t *conf)
{
    ngx_pimap_probe_conf = conf;
    ngx_pimap_probe_in_flight = 0;
    ngx_pimap_probe_proved = 0;
    ngx_pimap_probe_since = ngx_pimap_counters->proved;

    ngx_pimap_timer_init(&ngx_pimap_probe_timer, ngx_pimap_probe_handler,
                         cycle->log, 1);
    ngx_pimap_timer_init(&ngx_pimap_probe_tick, ngx_pimap_probe_tick_handler,
                         cycle->log, 1);

    ngx_add_timer(&ngx_pimap_probe_tick, NGX_PIMAP_PROBE_SOON);
}


void
ngx_pimap_probe_start(void)
{
    if (ngx_pimap_probe_in_flight) {
        return;
    }

    if (ngx_pimap_subscriber_listening()) {
        ngx_pimap_probe_send();
        return;
    }

    /* the answer to the subscription may be lost as well */

    ngx_add_timer(&ngx_pimap_probe_timer, ngx_pimap_probe_conf->timeout);
}


static void
ngx_pimap_probe_send(void)
{
    ngx_str_t  *channel;

    channel = ngx_pimap_own_channel();

    ngx_pimap_probe_unproved();

    ngx_pimap_probe_sent = ngx_pimap_zone_now();

    if (ngx_pimap_command_send(ngx_pimap_probe_answer, NULL, "PUBLISH %b %llu",
                               channel->data, channel->len,
                               (unsigned long long) ngx_pimap_probe_sent)
        == NULL)
    {
        ngx_add_timer(&ngx_pimap_probe_timer, NGX_PIMAP_PROBE_SOON);
        return;
    }

    ngx_pimap_count(probes);
    ngx_pimap_probe_in_flight = 1;

    ngx_add_timer(&ngx_pimap_probe_timer, ngx_pimap_probe_conf->timeout);
}


/* Without the right to PUBLISH the probe never comes back. */

static void
ngx_pimap_probe_answer(void *data, redisReply *reply)
{
    if (reply && reply->type == REDIS_REPLY_ERROR) {
        ngx_pimap_command_complain(reply->str);
        ngx_pimap_probe_lost();
        ngx_add_timer(&ngx_pimap_probe_timer, ngx_pimap_probe_conf->timeout);
    }
}


static void
ngx_pimap_probe_unproved(void)
{
    if (ngx_pimap_probe_proved) {
        ngx_pimap_probe_proved = 0;
        ngx_pimap_probe_since = ngx_pimap_probe_waits();
    }
}


void
ngx_pimap_probe_lost(void)
{
    ngx_pimap_probe_unproved();
    ngx_pimap_probe_in_flight = 0;

    if (ngx_pimap_probe_timer.timer_set) {
        ngx_del_timer(&ngx_pimap_probe_timer);
    }
}


void
ngx_pimap_probe_received(u_char *data, size_t len)
{
    u_char  buf[NGX_INT64_LEN];

    if (!ngx_pimap_probe_in_flight
        || len != (size_t) (ngx_sprintf(buf, "%uL", ngx_pimap_probe_sent)
                            - buf)
        || ngx_memcmp(data, buf, len) != 0)
    {
        return;
    }

    ngx_pimap_probe_in_flight = 0;
    ngx_pimap_probe_proved = 1;

    ngx_pimap_zone_back();

    ngx_pimap_counters->probe_usec = ngx_pimap_zone_now()
                                     - ngx_pimap_probe_sent;

    ngx_pimap_probe_write();

    ngx_add_timer(&ngx_pimap_probe_timer, ngx_pimap_probe_conf->probe);
}


static void
ngx_pimap_probe_handler(ngx_event_t *ev)
{
    if (ngx_pimap_probe_in_flight) {
        ngx_pimap_count(probes_lost);
        ngx_pimap_probe_lost();
        ngx_pimap_subscriber_renew("probe did not come back");
        return;
    }

    if (!ngx_pimap_subscriber_listening()) {
        ngx_pimap_subscriber_renew("no answer in time");
        return;
    }

    ngx_pimap_probe_start();
}


static void
ngx_pimap_probe_tick_handler(ngx_event_t *ev)
{
    ngx_msec_t  tick;

    ngx_pimap_probe_write();

    tick = ngx_pimap_probe_conf->timeout / 4 + 1;

    ngx_add_timer(ev, ngx_min(tick, NGX_PIMAP_PROBE_TICK));
}


static void
ngx_pimap_probe_write(void)
{
    uint64_t  waits;

    waits = ngx_pimap_probe_waits();

    ngx_pimap_counters->proved = ngx_pimap_probe_proved
                                 ? waits
                                 : ngx_min(waits, ngx_pimap_probe_since);
}


/* Since when a command or an account waits for Redis; now, if none does. */

static uint64_t
ngx_pimap_probe_waits(void)
{
    ngx_msec_t  account, command;

    account = ngx_pimap_subscriber_waits();
    command = ngx_pimap_command_waits();

    return ngx_pimap_zone_now() - (uint64_t) ngx_max(account, command) * 1000;
}
