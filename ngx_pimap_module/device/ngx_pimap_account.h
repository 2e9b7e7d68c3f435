
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the accounts of this worker.  An account is there while it has parked
 * devices, devices on their way to this worker, or requests that wait for a
 * result.  The subscriber subscribes it meanwhile.
 */


#ifndef _NGX_PIMAP_ACCOUNT_H_INCLUDED_
#define _NGX_PIMAP_ACCOUNT_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_subscription.h"
#include "pimap_event_id.h"


struct ngx_pimap_account_s {
    ngx_pimap_subscription_t  sub;          /* must be first */
    ngx_queue_t               devices;

    pimap_event_id_t          last_id;      /* of its events, if has_last_id */
    ngx_pimap_log_reader_t   *reader;       /* NULL: no event is missing */
    ngx_pimap_window_t       *window;       /* NULL: no event is held */

    unsigned                  incoming:16;  /* handed over to this worker */
    unsigned                  waiters:13;   /* requests */
    unsigned                  has_last_id:1;
    unsigned                  checking:1;   /* whether logins are revoked */

    u_char                    name[1];
};


/* The handler is called before an account is freed. */
void ngx_pimap_account_init_process(ngx_pimap_account_pt release);

/*
 * Finds or creates an account.  The caller adds a device, a waiter or an
 * incoming device to it at once.  NULL: no memory.
 */
ngx_pimap_account_t *ngx_pimap_account_get(ngx_str_t *name, ngx_log_t *log);

/* After any of these has gone: frees the account if it was the last. */
void ngx_pimap_account_put(ngx_pimap_account_t *account);

/* Logs a change of state. */
#if (NGX_DEBUG)
void ngx_pimap_account_dbg(ngx_pimap_account_t *account, const char *state);
#else
#define ngx_pimap_account_dbg(account, state)
#endif


#endif /* _NGX_PIMAP_ACCOUNT_H_INCLUDED_ */
