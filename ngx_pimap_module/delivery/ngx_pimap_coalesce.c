
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * An account's first event is sent at once and opens a window.  Later events
 * that can be merged are held in it, in the order of their ids.  An event that
 * covers held ones replaces them.  Any other event is sent after all that are
 * held.  So ids always rise, and a device that has an event has all before it,
 * except those that a later event covers.  A device that resumes from there
 * loses nothing.
 *
 * All windows are equally long, so they end in the order of their list, and
 * one timer is enough.  The timer is cancelable because "drain" flushes before
 * it ends a device.
 */


#include "ngx_pimap_delivery.h"
#include "ngx_pimap_device_room.h"

#include "pimap_kind.h"


#define NGX_PIMAP_COALESCE_COUNT   16       /* events held of an account */
#define NGX_PIMAP_COALESCE_BYTES   65536    /* of their JSON */


struct ngx_pimap_window_s {
    ngx_queue_t             link;
    ngx_pimap_account_t    *account;
    ngx_msec_t              end;
    ngx_queue_t             events;
    ngx_uint_t              count;
    size_t                  bytes;
};


typedef struct {
    ngx_queue_t             link;
    pimap_event_t           event;
    size_t                  size;
    char                    json[1];
} ngx_pimap_held_event_t;


static void ngx_pimap_coalesce_open(ngx_pimap_account_t *account);
static ngx_int_t ngx_pimap_coalesce_hold(ngx_pimap_window_t *w,
    pimap_event_t *ev);
static void ngx_pimap_coalesce_replace(ngx_pimap_window_t *w,
    pimap_event_t *ev);
static ngx_pimap_held_event_t *ngx_pimap_coalesce_remove(ngx_pimap_window_t *w,
    ngx_queue_t *q);
static void ngx_pimap_coalesce_free(ngx_pimap_held_event_t *held);
static void ngx_pimap_coalesce_handler(ngx_event_t *ev);


static ngx_msec_t        ngx_pimap_coalesce_time;
static ngx_queue_t       ngx_pimap_coalesce_windows;
static ngx_event_t       ngx_pimap_coalesce_timer;


void
ngx_pimap_coalesce_init_process(ngx_cycle_t *cycle, ngx_msec_t window)
{
    ngx_queue_init(&ngx_pimap_coalesce_windows);

    ngx_pimap_coalesce_time = window;

    ngx_pimap_timer_init(&ngx_pimap_coalesce_timer, ngx_pimap_coalesce_handler,
                         cycle->log, 1);
}


void
ngx_pimap_coalesce(ngx_pimap_account_t *account, pimap_event_t *ev)
{
    if (ngx_pimap_coalesce_time && pimap_kind_merges(ev)) {

        if (account->window == NULL) {
            ngx_pimap_coalesce_open(account);

        } else if (ngx_pimap_coalesce_hold(account->window, ev) == NGX_OK) {
            return;
        }
    }

    ngx_pimap_coalesce_flush(account);
    ngx_pimap_backlog_event(account, ev);
}


/* Without memory the next event is sent at once, too. */

static void
ngx_pimap_coalesce_open(ngx_pimap_account_t *account)
{
    ngx_pimap_window_t  *w;

    w = ngx_calloc(sizeof(ngx_pimap_window_t), ngx_cycle->log);
    if (w == NULL) {
        return;
    }

    w->account = account;
    w->end = ngx_current_msec + ngx_pimap_coalesce_time;
    ngx_queue_init(&w->events);

    account->window = w;

    ngx_queue_insert_tail(&ngx_pimap_coalesce_windows, &w->link);

    if (!ngx_pimap_coalesce_timer.timer_set) {
        ngx_add_timer(&ngx_pimap_coalesce_timer, ngx_pimap_coalesce_time);
    }
}


/* NGX_DECLINED: it has to be sent now, after the held events. */

static ngx_int_t
ngx_pimap_coalesce_hold(ngx_pimap_window_t *w, pimap_event_t *ev)
{
    size_t                   size;
    ngx_pimap_held_event_t  *held;

    ngx_pimap_coalesce_replace(w, ev);

    size = pimap_kind_size(ev);

    if (size > NGX_PIMAP_COALESCE_BYTES) {
        return NGX_DECLINED;
    }

    if (w->count == NGX_PIMAP_COALESCE_COUNT
        || w->bytes + size > NGX_PIMAP_COALESCE_BYTES)
    {
        ngx_pimap_coalesce_flush(w->account);
    }

    held = ngx_alloc(offsetof(ngx_pimap_held_event_t, json) + size,
                     ngx_cycle->log);
    if (held == NULL) {
        return NGX_DECLINED;
    }

    pimap_kind_copy(&held->event, ev, held->json);

    held->size = size;

    ngx_queue_insert_tail(&w->events, &held->link);
    w->count++;
    w->bytes += size;

    return NGX_OK;
}


/* A StateChange may cover several events. */

static void
ngx_pimap_coalesce_replace(ngx_pimap_window_t *w, pimap_event_t *ev)
{
    ngx_queue_t             *q, *next;
    ngx_pimap_held_event_t  *held;

    for (q = ngx_queue_head(&w->events);
         q != ngx_queue_sentinel(&w->events);
         q = next)
    {
        next = ngx_queue_next(q);
        held = ngx_queue_data(q, ngx_pimap_held_event_t, link);

        if (pimap_kind_covers(ev, &held->event)) {
            ngx_pimap_coalesce_free(ngx_pimap_coalesce_remove(w, q));
            ngx_pimap_count(coalesced);
        }
    }
}


static ngx_pimap_held_event_t *
ngx_pimap_coalesce_remove(ngx_pimap_window_t *w, ngx_queue_t *q)
{
    ngx_pimap_held_event_t  *held;

    held = ngx_queue_data(q, ngx_pimap_held_event_t, link);

    ngx_queue_remove(q);
    w->count--;
    w->bytes -= held->size;

    return held;
}


static void
ngx_pimap_coalesce_free(ngx_pimap_held_event_t *held)
{
    ngx_free(held);
}


void
ngx_pimap_coalesce_flush(ngx_pimap_account_t *account)
{
    ngx_pimap_window_t      *w;
    ngx_pimap_held_event_t  *held;

    w = account->window;

    if (w == NULL) {
        return;
    }

    while (!ngx_queue_empty(&w->events)) {
        held = ngx_pimap_coalesce_remove(w, ngx_queue_head(&w->events));

        ngx_pimap_backlog_event(account, &held->event);

        ngx_pimap_coalesce_free(held);
    }
}


void
ngx_pimap_coalesce_forget(ngx_pimap_account_t *account)
{
    ngx_queue_t         *q;
    ngx_pimap_window_t  *w;

    w = account->window;

    if (w == NULL) {
        return;
    }

    while (!ngx_queue_empty(&w->events)) {
        q = ngx_queue_head(&w->events);
        ngx_pimap_coalesce_free(ngx_pimap_coalesce_remove(w, q));
    }

    ngx_queue_remove(&w->link);
    account->window = NULL;

    ngx_free(w);
}


/* A window without held events is not opened again. */

static void
ngx_pimap_coalesce_handler(ngx_event_t *ev)
{
    ngx_queue_t         *q;
    ngx_msec_int_t       left;
    ngx_pimap_window_t  *w;

    while (!ngx_queue_empty(&ngx_pimap_coalesce_windows)) {
        q = ngx_queue_head(&ngx_pimap_coalesce_windows);
        w = ngx_queue_data(q, ngx_pimap_window_t, link);

        left = (ngx_msec_int_t) (w->end - ngx_current_msec);

        if (left > 0) {
            ngx_add_timer(ev, (ngx_msec_t) left);
            return;
        }

        if (w->count == 0) {
            ngx_pimap_coalesce_forget(w->account);
            continue;
        }

        w->end = ngx_current_msec + ngx_pimap_coalesce_time;

        ngx_queue_remove(q);
        ngx_queue_insert_tail(&ngx_pimap_coalesce_windows, q);

        ngx_pimap_coalesce_flush(w->account);
    }
}
