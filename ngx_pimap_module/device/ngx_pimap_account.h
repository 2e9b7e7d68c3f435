
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
#include "pimap_event_id.h"


struct ngx_pimap_account_s {
    ngx_str_node_t            sn;           /* sn.str is the account */
    ngx_queue_t               devices;
    ngx_queue_t               link;         /* the subscriber's */
    uint64_t                  sequence;     /* of its SUBSCRIBE */

    pimap_event_id_t          last_id;      /* of its events, if has_last_id */
    ngx_pimap_log_reader_t   *reader;       /* NULL: no event is missing */
    ngx_pimap_window_t       *window;       /* NULL: no event is held */

    unsigned                  incoming:16;  /* handed over to this worker */
    unsigned                  waiters:13;   /* requests */
    unsigned                  subscribed:1; /* Redis has said so */
    unsigned                  has_last_id:1;
    unsigned                  checking:1;   /* whether logins are revoked */

    u_char                    name[1];
};


/* release() is called for an account that will be freed. */
ngx_int_t ngx_pimap_account_init_process(
    void (*release)(ngx_pimap_account_t *account));

ngx_pimap_account_t *ngx_pimap_account_find(ngx_str_t *name);

/* For all of them; the handler may not free any. */
void ngx_pimap_account_each(void (*handler)(ngx_pimap_account_t *account));

/* For those whose names' hashes begin with the same bits as "from". */
void ngx_pimap_account_each_of(uint32_t from, ngx_uint_t bits,
    void (*handler)(ngx_pimap_account_t *account));

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
