
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The timer is cancelable: it does not keep a worker that is told to quit.
 */


#include "ngx_pimap_device_room.h"


#define NGX_PIMAP_TIMER_WHEEL_SIZE  (NGX_PIMAP_TIMER_WHEEL_MAX + 1)


static void ngx_pimap_timer_wheel_handler(ngx_event_t *ev);
static void ngx_pimap_timer_wheel_turn(ngx_uint_t bucket);


static ngx_queue_t               ngx_pimap_timer_wheel[
                                     NGX_PIMAP_TIMER_WHEEL_SIZE];
static ngx_uint_t                ngx_pimap_timer_wheel_count;
static uint32_t                  ngx_pimap_timer_wheel_seconds;
static ngx_msec_t                ngx_pimap_timer_wheel_start;
static ngx_event_t               ngx_pimap_timer_wheel_event;
static ngx_pimap_timer_wheel_pt  ngx_pimap_timer_wheel_due;


void
ngx_pimap_timer_wheel_init_process(ngx_cycle_t *cycle,
    ngx_pimap_timer_wheel_pt due)
{
    ngx_uint_t  i;

    ngx_pimap_timer_wheel_due = due;

    for (i = 0; i < NGX_PIMAP_TIMER_WHEEL_SIZE; i++) {
        ngx_queue_init(&ngx_pimap_timer_wheel[i]);
    }

    ngx_pimap_timer_init(&ngx_pimap_timer_wheel_event,
                         ngx_pimap_timer_wheel_handler, cycle->log, 1);
}


void
ngx_pimap_timer_wheel_add(ngx_queue_t *link, ngx_uint_t seconds)
{
    ngx_uint_t  bucket;

    if (ngx_pimap_timer_wheel_count++ == 0) {
        ngx_pimap_timer_wheel_start = ngx_current_msec
                           - (ngx_msec_t) ngx_pimap_timer_wheel_seconds * 1000;

        if (!ngx_pimap_timer_wheel_event.timer_set) {
            ngx_add_timer(&ngx_pimap_timer_wheel_event, 1000);
        }
    }

    bucket = (ngx_pimap_timer_wheel_seconds + seconds)
             % NGX_PIMAP_TIMER_WHEEL_SIZE;

    ngx_queue_insert_tail(&ngx_pimap_timer_wheel[bucket], link);
}


void
ngx_pimap_timer_wheel_remove(ngx_queue_t *link)
{
    ngx_queue_remove(link);
    ngx_pimap_timer_wheel_count--;
}


uint32_t
ngx_pimap_timer_wheel_now(void)
{
    return ngx_pimap_timer_wheel_seconds;
}


ngx_uint_t
ngx_pimap_rate_exceeded(ngx_pimap_rate_t *rate, uint32_t now, ngx_uint_t most,
    ngx_uint_t n)
{
    if (rate->second != (uint8_t) now) {
        rate->second = (uint8_t) now;
        rate->n = 0;
    }

    if (rate->n >= most) {
        return 1;
    }

    rate->n = (uint8_t) ngx_min(rate->n + n, 255);

    return 0;
}


ngx_queue_t *
ngx_pimap_timer_wheel_first(void)
{
    ngx_uint_t    i;
    ngx_queue_t  *bucket;

    if (ngx_pimap_timer_wheel_count == 0) {
        return NULL;
    }

    for (i = 1; i <= NGX_PIMAP_TIMER_WHEEL_SIZE; i++) {
        bucket = &ngx_pimap_timer_wheel[(ngx_pimap_timer_wheel_seconds + i)
                                        % NGX_PIMAP_TIMER_WHEEL_SIZE];

        if (!ngx_queue_empty(bucket)) {
            return ngx_queue_head(bucket);
        }
    }

    return NULL;
}


static void
ngx_pimap_timer_wheel_handler(ngx_event_t *ev)
{
    uint32_t  now;

    now = (uint32_t) ((ngx_current_msec - ngx_pimap_timer_wheel_start) / 1000);

    /* a worker that was stopped catches up on each second */

    while (ngx_pimap_timer_wheel_seconds < now) {
        ngx_pimap_timer_wheel_seconds++;
        ngx_pimap_timer_wheel_turn(ngx_pimap_timer_wheel_seconds
                                   % NGX_PIMAP_TIMER_WHEEL_SIZE);
    }

    if (ngx_pimap_timer_wheel_count) {
        ngx_add_timer(ev,
                      1000 - (ngx_current_msec - ngx_pimap_timer_wheel_start)
                                 % 1000);
    }
}


static void
ngx_pimap_timer_wheel_turn(ngx_uint_t bucket)
{
    ngx_queue_t   due, *link;

    if (ngx_queue_empty(&ngx_pimap_timer_wheel[bucket])) {
        return;
    }

    /* the handler may add a link to any bucket */

    ngx_queue_init(&due);
    ngx_queue_add(&due, &ngx_pimap_timer_wheel[bucket]);
    ngx_queue_init(&ngx_pimap_timer_wheel[bucket]);

    while (!ngx_queue_empty(&due)) {
        link = ngx_queue_head(&due);
        ngx_pimap_timer_wheel_remove(link);
        ngx_pimap_timer_wheel_due(link);
    }
}
