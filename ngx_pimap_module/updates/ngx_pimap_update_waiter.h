
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns requests that wait for the results of updates.  The account of a waiter
 * is subscribed.
 *
 * Invariant: a waiter ends from an event, never in a walk over waiters.
 */


#ifndef _NGX_PIMAP_UPDATE_WAITER_H_INCLUDED_
#define _NGX_PIMAP_UPDATE_WAITER_H_INCLUDED_


#include "ngx_pimap.h"

#include "pimap_event.h"


typedef struct ngx_pimap_waiter_s  ngx_pimap_waiter_t;

struct ngx_pimap_waiter_s {
    ngx_queue_t           link;
    ngx_event_t           event;        /* its timer, or its end */
    ngx_pimap_account_t  *account;      /* NULL: it does not wait */
    ngx_str_t            *device;

    /* a result for the device; only done() may be called to end a waiter */
    void                (*result)(ngx_pimap_waiter_t *w, pimap_event_t *ev);

    /* results may have been missed until now; the same */
    void                (*subscribed)(ngx_pimap_waiter_t *w);

    /* it does not wait any more */
    void                (*over)(ngx_pimap_waiter_t *w);
};


void ngx_pimap_update_waiter_init_process(void);

/*
 * Begins to wait; the handlers and the device are set.  NGX_DECLINED: too many
 * requests wait, the worker leaves, or there is no memory.
 */
ngx_int_t ngx_pimap_update_waiter(ngx_pimap_waiter_t *w, ngx_str_t *account,
    ngx_msec_t time, ngx_log_t *log);

/* Ends: over() is called soon, but not before this returns. */
void ngx_pimap_update_waiter_done(ngx_pimap_waiter_t *w);

/* Ends without a call of over(); does nothing if it does not wait. */
void ngx_pimap_update_waiter_forget(ngx_pimap_waiter_t *w);

/* A result has come, for an account with waiters. */
void ngx_pimap_update_waiter_result(ngx_pimap_account_t *account,
    pimap_event_t *ev);

/* The account is subscribed, for the first time or again after a loss. */
void ngx_pimap_update_waiter_subscribed(ngx_pimap_account_t *account);

/* The worker leaves: ends all waiters. */
void ngx_pimap_update_waiter_quit(void);


#endif /* _NGX_PIMAP_UPDATE_WAITER_H_INCLUDED_ */
