
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The log is read by a reader of the account, for all its live devices.
 * ngx_pimap_replay.c handles the replies.
 */


#include "ngx_pimap_delivery.h"
#include "ngx_pimap_device_room.h"


#define NGX_PIMAP_GAP_CHECK_TICK  1000      /* msec */


static ngx_int_t ngx_pimap_gap_found(ngx_pimap_account_t *account,
    pimap_event_t *ev, const char *reason);
static void ngx_pimap_gap_ask(ngx_pimap_account_t *account,
    ngx_pimap_log_reader_ask_t ask);
static void ngx_pimap_gap_check_handler(ngx_event_t *ev);
static void ngx_pimap_gap_again(ngx_pimap_account_t *account);
static void ngx_pimap_gap_peek(ngx_pimap_account_t *account);


static ngx_event_t  ngx_pimap_gap_check_timer;
static ngx_uint_t   ngx_pimap_gap_check_parts;      /* 0: no checks */
static ngx_uint_t   ngx_pimap_gap_unread;           /* an account is */


ngx_int_t
ngx_pimap_gap_order(ngx_pimap_account_t *account, pimap_event_t *ev)
{
    pimap_event_id_t  *last;

    last = &account->last_id;

    if (!account->has_last_id) {
        account->has_last_id = 1;

    } else if (ev->epoch == last->epoch || last->epoch == 0) {

        if (ev->epoch == last->epoch && ev->n <= last->n) {
            ngx_pimap_count(duplicates);
            return NGX_DECLINED;
        }

        if (ev->n != last->n + 1) {
            return ngx_pimap_gap_found(account, ev, NULL);
        }

    } else if (ev->epoch < last->epoch) {

        /* it is late; or the log is new, and its clock was set back */

        ngx_pimap_count(duplicates);
        ngx_pimap_gap_read(account);
        return NGX_DECLINED;

    } else if (ngx_pimap_gap_found(account, ev, "epoch") != NGX_OK) {
        return NGX_DECLINED;
    }

    last->epoch = ev->epoch;
    last->n = ev->n;

    return NGX_OK;
}


/*
 * Events are missing before this one.  They are read from the log, and this
 * one with them.  If that is not possible, the devices resync, and go on with
 * this one.
 */

static ngx_int_t
ngx_pimap_gap_found(ngx_pimap_account_t *account, pimap_event_t *ev,
    const char *reason)
{
    ngx_str_t         why;
    pimap_event_id_t  before;

    ngx_pimap_count(gaps);
    ngx_pimap_account_dbg(account, "gap");

    if (reason == NULL
        && ngx_pimap_function_library_state(account->sub.slot)
           != NGX_PIMAP_FUNCTION_LIBRARY_MISSING)
    {
        ngx_pimap_gap_read(account);
        return NGX_DECLINED;
    }

    why.data = (u_char *) (reason ? reason : "unavailable");
    why.len = ngx_strlen(why.data);

    before.epoch = ev->epoch;
    before.n = ev->n - 1;

    ngx_pimap_gap_resync_all(account, &why, &before);
    ngx_pimap_gap_rejoin(account);

    return NGX_OK;
}


void
ngx_pimap_gap_missed(ngx_pimap_account_t *account, pimap_event_id_t *id)
{
    pimap_event_id_t  *last;

    static ngx_str_t  reason = ngx_string("memory");

    last = &account->last_id;

    if (id && account->has_last_id && id->epoch == last->epoch
        && id->n <= last->n)
    {
        return;
    }

    if (id && account->has_last_id
        && ngx_pimap_function_library_state(account->sub.slot)
           != NGX_PIMAP_FUNCTION_LIBRARY_MISSING)
    {
        ngx_pimap_gap_read(account);
        return;
    }

    if (id) {
        account->has_last_id = 1;
        *last = *id;
        ngx_pimap_gap_resync_all(account, &reason, last);
        return;
    }

    /* devices that read the log get an event without an id live, too */

    ngx_pimap_coalesce_flush(account);
    ngx_pimap_backlog_resync(account, &reason, last, 1);
}


void
ngx_pimap_gap_read(ngx_pimap_account_t *account)
{
    if (account->reader == NULL) {
        ngx_pimap_gap_ask(account, NGX_PIMAP_LOG_READER_PAGE);

    } else if (ngx_pimap_function_library_state(account->sub.slot)
               != NGX_PIMAP_FUNCTION_LIBRARY_MISSING)
    {
        ngx_pimap_log_reader_read(account->reader);
    }
}


/* Without memory it is tried again at the next tick. */

static void
ngx_pimap_gap_ask(ngx_pimap_account_t *account, ngx_pimap_log_reader_ask_t ask)
{
    if (ngx_pimap_function_library_state(account->sub.slot)
        == NGX_PIMAP_FUNCTION_LIBRARY_MISSING)
    {
        return;
    }

    if (ngx_pimap_log_reader_create(&account->reader, account, NULL, ask,
                                    ngx_cycle->log))
    {
        ngx_pimap_log_reader_queue(account->reader);
        return;
    }

    account->unread = 1;
    ngx_pimap_gap_unread = 1;

    if (!ngx_pimap_gap_check_timer.timer_set) {
        ngx_add_timer(&ngx_pimap_gap_check_timer, NGX_PIMAP_GAP_CHECK_TICK);
    }
}


void
ngx_pimap_gap_subscribed(ngx_pimap_account_t *account)
{
    ngx_pimap_device_t  *d;

    ngx_pimap_account_dbg(account, "subscribed");

    if (ngx_pimap_gap_check_parts && !ngx_pimap_gap_check_timer.timer_set) {
        ngx_add_timer(&ngx_pimap_gap_check_timer, NGX_PIMAP_GAP_CHECK_TICK);
    }

    if (account->has_last_id) {
        ngx_pimap_gap_peek(account);
    }

    for (d = ngx_pimap_devices(account); d; d = ngx_pimap_device_next(d)) {
        if (d->reader && d->reader->state != NGX_PIMAP_LOG_READER_PAUSED) {
            ngx_pimap_log_reader_queue(d->reader);
        }
    }
}


void
ngx_pimap_gap_rejoin(ngx_pimap_account_t *account)
{
    ngx_pimap_device_t  *d;

    for (d = ngx_pimap_devices(account); d; d = ngx_pimap_device_next(d)) {
        if (d->reader && d->reader->state == NGX_PIMAP_LOG_READER_JOINING) {
            ngx_pimap_log_reader_queue(d->reader);
        }
    }
}


void
ngx_pimap_gap_resync_all(ngx_pimap_account_t *account, ngx_str_t *reason,
    pimap_event_id_t *last)
{
    ngx_pimap_coalesce_flush(account);
    ngx_pimap_result(account, NULL);
    ngx_pimap_backlog_resync(account, reason, last, 0);
}


void
ngx_pimap_gap_check_init_process(ngx_cycle_t *cycle, ngx_msec_t interval)
{
    ngx_pimap_timer_init(&ngx_pimap_gap_check_timer,
                         ngx_pimap_gap_check_handler, cycle->log, 1);

    if (interval) {
        ngx_pimap_gap_check_parts = ngx_max(interval
                                            / NGX_PIMAP_GAP_CHECK_TICK, 1);
    }
}


/*
 * A part of the accounts each second, never many at once.  A worker without
 * accounts has no timer.
 */

static void
ngx_pimap_gap_check_handler(ngx_event_t *ev)
{
    static ngx_pimap_subscription_walk_t  walk;

    if (ngx_pimap_gap_unread) {
        ngx_pimap_gap_unread = 0;
        ngx_pimap_subscription_each(ngx_pimap_gap_again);
    }

    if (ngx_pimap_gap_check_parts == 0 || ngx_pimap_counters->accounts == 0) {
        return;
    }

    ngx_pimap_subscription_walk(&walk,
        ngx_pimap_subscription_part(&walk, ngx_pimap_gap_check_parts),
        ngx_pimap_gap_check);

    ngx_add_timer(ev, NGX_PIMAP_GAP_CHECK_TICK);
}


static void
ngx_pimap_gap_again(ngx_pimap_account_t *account)
{
    if (account->unread) {
        account->unread = 0;
        ngx_pimap_gap_read(account);
    }
}


void
ngx_pimap_gap_check(ngx_pimap_account_t *account)
{
    if (account->sub.subscribed && account->has_last_id) {
        ngx_pimap_count(gap_checks);
        ngx_pimap_gap_peek(account);
    }
}


/* Looks at the end of the log first, and reads it only if that has changed. */

static void
ngx_pimap_gap_peek(ngx_pimap_account_t *account)
{
    if (account->reader == NULL) {
        ngx_pimap_gap_ask(account, NGX_PIMAP_LOG_READER_PEEK);
    }
}
