
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns requests that wait for results of updates.
 */


#include "ngx_pimap_updates.h"
#include "ngx_pimap_spare.h"


#define NGX_PIMAP_UPDATE_WAITER_LISTS  1024
#define NGX_PIMAP_UPDATE_WAITER_MAX    8000      /* of one account */

/* Waiters are in lists by the hash of their account. */
#define ngx_pimap_update_waiter_list(account)                                \
    (&ngx_pimap_waiters[(account)->sub.sn.node.key                           \
                        % NGX_PIMAP_UPDATE_WAITER_LISTS])


static void ngx_pimap_update_waiter_handler(ngx_event_t *ev);
static ngx_uint_t ngx_pimap_update_waiter_is_for(ngx_pimap_waiter_t *w,
    pimap_event_t *ev);


static ngx_queue_t       ngx_pimap_waiters[NGX_PIMAP_UPDATE_WAITER_LISTS];


void
ngx_pimap_update_waiter_init_process(void)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_PIMAP_UPDATE_WAITER_LISTS; i++) {
        ngx_queue_init(&ngx_pimap_waiters[i]);
    }
}


ngx_int_t
ngx_pimap_update_waiter(ngx_pimap_waiter_t *w, ngx_str_t *name,
    ngx_msec_t time, ngx_log_t *log)
{
    ngx_pimap_account_t  *account;

    if (ngx_exiting || !ngx_pimap_spare_enough(log)) {
        return NGX_DECLINED;
    }

    account = ngx_pimap_account_get(name, log);

    if (account == NULL || account->waiters == NGX_PIMAP_UPDATE_WAITER_MAX) {
        return NGX_DECLINED;
    }

    account->waiters++;

    w->account = account;

    ngx_pimap_timer_init(&w->event, ngx_pimap_update_waiter_handler, log,
                         0);

    ngx_queue_insert_tail(ngx_pimap_update_waiter_list(account), &w->link);
    ngx_add_timer(&w->event, time);

    return NGX_OK;
}


void
ngx_pimap_update_waiter_done(ngx_pimap_waiter_t *w)
{
    ngx_post_event(&w->event, &ngx_posted_events);
}


void
ngx_pimap_update_waiter_forget(ngx_pimap_waiter_t *w)
{
    ngx_pimap_account_t  *account;

    account = w->account;

    if (account == NULL) {
        return;
    }

    w->account = NULL;

    ngx_queue_remove(&w->link);

    if (w->event.timer_set) {
        ngx_del_timer(&w->event);
    }

    if (w->event.posted) {
        ngx_delete_posted_event(&w->event);
    }

    account->waiters--;
    ngx_pimap_account_put(account);
}


static void
ngx_pimap_update_waiter_handler(ngx_event_t *ev)
{
    ngx_pimap_waiter_t  *w;

    w = (ngx_pimap_waiter_t *)
            ((u_char *) ev - offsetof(ngx_pimap_waiter_t, event));

    ngx_pimap_update_waiter_forget(w);

    w->over(w);
}


/* "ev" is NULL when a result may have been missed. */

void
ngx_pimap_update_waiter_result(ngx_pimap_account_t *account, pimap_event_t *ev)
{
    ngx_queue_t         *q, *list;
    ngx_pimap_waiter_t  *w;

    list = ngx_pimap_update_waiter_list(account);

    for (q = ngx_queue_head(list);
         q != ngx_queue_sentinel(list);
         q = ngx_queue_next(q))
    {
        w = ngx_queue_data(q, ngx_pimap_waiter_t, link);

        if (w->account != account) {
            continue;
        }

        if (ev == NULL) {
            w->subscribed(w);

        } else if (ngx_pimap_update_waiter_is_for(w, ev)) {
            w->result(w, ev);
        }
    }
}


void
ngx_pimap_update_waiter_subscribed(ngx_pimap_account_t *account)
{
    if (account->waiters) {
        ngx_pimap_update_waiter_result(account, NULL);
    }
}


static ngx_uint_t
ngx_pimap_update_waiter_is_for(ngx_pimap_waiter_t *w, pimap_event_t *ev)
{
    return ev->device.data && ngx_pimap_equal(&ev->device, w->device);
}


void
ngx_pimap_update_waiter_quit(void)
{
    ngx_uint_t    i;
    ngx_queue_t  *q;

    for (i = 0; i < NGX_PIMAP_UPDATE_WAITER_LISTS; i++) {

        for (q = ngx_queue_head(&ngx_pimap_waiters[i]);
             q != ngx_queue_sentinel(&ngx_pimap_waiters[i]);
             q = ngx_queue_next(q))
        {
            ngx_pimap_update_waiter_done(ngx_queue_data(q, ngx_pimap_waiter_t,
                                                        link));
        }
    }
}
