
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * One probe is in flight at a time.  If it does not come back in time, the
 * subscribing connection is renewed, because it may be dead while it looks
 * alive.  (A dead commanding connection is found by its own time-out.)
 */


#include "ngx_pimap_subscriber.h"
#include "ngx_pimap_command.h"
#include "ngx_pimap_zone.h"

#include <openssl/rand.h>


#define NGX_PIMAP_PROBE_SOON   100


static void ngx_pimap_probe_send(void);
static void ngx_pimap_probe_handler(ngx_event_t *ev);
static uint64_t ngx_pimap_probe_usec(void);


static ngx_pimap_conf_redis_t  *ngx_pimap_probe_conf;
static ngx_event_t              ngx_pimap_probe_timer;
static u_char                   ngx_pimap_probe_name[128];
static ngx_str_t                ngx_pimap_probe_str;
static uint64_t                 ngx_pimap_probe_sent;   /* usec, its text */
static ngx_uint_t               ngx_pimap_probe_in_flight;


ngx_int_t
ngx_pimap_probe_init_process(ngx_cycle_t *cycle, ngx_pimap_conf_redis_t *conf)
{
    u_char    *p;
    uint64_t   id;

    if (RAND_bytes((u_char *) &id, sizeof(uint64_t)) != 1) {
        return NGX_ERROR;
    }

    p = ngx_snprintf(ngx_pimap_probe_name, sizeof(ngx_pimap_probe_name),
                     "%V:probe:%016xL", &conf->prefix, id);

    ngx_pimap_probe_str.data = ngx_pimap_probe_name;
    ngx_pimap_probe_str.len = p - ngx_pimap_probe_name;

    ngx_pimap_probe_conf = conf;
    ngx_pimap_probe_in_flight = 0;

    ngx_pimap_timer_init(&ngx_pimap_probe_timer, ngx_pimap_probe_handler,
                         cycle->log, 1);

    return NGX_OK;
}


ngx_str_t *
ngx_pimap_probe_channel(void)
{
    return &ngx_pimap_probe_str;
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
    ngx_pimap_probe_sent = ngx_pimap_probe_usec();

    if (ngx_pimap_command_send(NULL, NULL, "PUBLISH %b %llu",
                               ngx_pimap_probe_str.data,
                               ngx_pimap_probe_str.len,
                               (unsigned long long) ngx_pimap_probe_sent)
        == NULL)
    {
        ngx_add_timer(&ngx_pimap_probe_timer, ngx_pimap_probe_conf->probe);
        return;
    }

    ngx_pimap_count(probes);
    ngx_pimap_probe_in_flight = 1;

    ngx_add_timer(&ngx_pimap_probe_timer, ngx_pimap_probe_conf->timeout);
}


void
ngx_pimap_probe_lost(void)
{
    ngx_pimap_counters->ready = 0;
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

    ngx_pimap_counters->probe_usec = ngx_pimap_probe_usec()
                                     - ngx_pimap_probe_sent;

    ngx_pimap_counters->ready = ngx_pimap_subscriber_ready();

    /* many accounts may still wait to be subscribed */

    ngx_add_timer(&ngx_pimap_probe_timer, ngx_pimap_counters->ready
                                          ? ngx_pimap_probe_conf->probe
                                          : NGX_PIMAP_PROBE_SOON);
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


static uint64_t
ngx_pimap_probe_usec(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}
