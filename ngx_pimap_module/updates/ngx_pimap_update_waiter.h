
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Requests that wait for the results of updates.  While one waits, its account
 * is subscribed.
 */


#ifndef _NGX_PIMAP_WAIT_H_INCLUDED_
#define _NGX_PIMAP_WAIT_H_INCLUDED_


#include "ngx_pimap.h"

#include "pimap_event.h"


typedef struct ngx_pimap_waiter_s  ngx_pimap_waiter_t;

struct ngx_pimap_waiter_s {
    ngx_queue_t           link;
    ngx_event_t           event;        /* its time, or its end */
    ngx_pimap_account_t  *account;      /* NULL: it does not wait */
    ngx_str_t            *device;

    /* a result for the device; this may not end any waiter but by done() */
    void                (*result)(ngx_pimap_waiter_t *w, pimap_event_t *ev);

    /* results may have been missed before this: ask Redis; the same */
    void                (*subscribed)(ngx_pimap_waiter_t *w);

    /* it does not wait any more */
    void                (*over)(ngx_pimap_waiter_t *w);
};


ngx_int_t ngx_pimap_update_waiter_init_process(ngx_cycle_t *cycle);

/*
 * Begins: the handlers and the device are set.  NGX_DECLINED: it can't be
 * waited for, as too many do, the worker leaves, or memory is out.
 */
ngx_int_t ngx_pimap_update_waiter(ngx_pimap_waiter_t *w, ngx_str_t *account,
    ngx_msec_t time, ngx_log_t *log);

/* over() is called soon, but not before this returns. */
void ngx_pimap_update_waiter_done(ngx_pimap_waiter_t *w);

/* Ends without a call; also for one that does not wait. */
void ngx_pimap_update_waiter_forget(ngx_pimap_waiter_t *w);

/* A result has come; the account's SUBSCRIBE has been answered. */
void ngx_pimap_update_waiter_result(ngx_pimap_account_t *account,
    pimap_event_t *ev);
void ngx_pimap_update_waiter_subscribed(ngx_pimap_account_t *account);

/* The worker leaves: nobody waits any more. */
void ngx_pimap_update_waiter_quit(void);


#endif /* _NGX_PIMAP_WAIT_H_INCLUDED_ */
