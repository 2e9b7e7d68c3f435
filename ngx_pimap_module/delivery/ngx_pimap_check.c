
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Each second one part of the accounts, so that all have been looked at
 * within the interval, and never many at once.
 */


#include "ngx_pimap_check.h"
#include "ngx_pimap_account.h"
#include "ngx_pimap_gap.h"
#include "ngx_pimap_subscriber.h"


#define NGX_PIMAP_CHECK_TICK  1000      /* msec */


static void ngx_pimap_check_handler(ngx_event_t *ev);


static ngx_event_t       ngx_pimap_check_timer;
static ngx_uint_t        ngx_pimap_check_parts;


ngx_int_t
ngx_pimap_check_init_process(ngx_cycle_t *cycle, ngx_msec_t interval)
{
    if (interval == 0) {
        return NGX_OK;
    }

    ngx_pimap_check_parts = ngx_max(interval / NGX_PIMAP_CHECK_TICK, 1);

    ngx_pimap_timer_init(&ngx_pimap_check_timer, ngx_pimap_check_handler,
                         cycle->log, 1);

    ngx_add_timer(&ngx_pimap_check_timer, NGX_PIMAP_CHECK_TICK);

    return NGX_OK;
}


static void
ngx_pimap_check_handler(ngx_event_t *ev)
{
    ngx_pimap_subscriber_rotate(ngx_pimap_check_parts, ngx_pimap_gap_check);

    ngx_add_timer(ev, NGX_PIMAP_CHECK_TICK);
}
