
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Accounts that have devices parked in this worker.  The first device
 * subscribes, the last one unsubscribes; so do those who wait for a result.
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

    pimap_event_id_t      position;     /* if anchored */
    ngx_pimap_log_reader_t       *reader;       /* fills a hole */
    ngx_pimap_window_t       *window;       /* NULL: nothing is held */

    unsigned                  guests:16;    /* that are on their way here */
    unsigned                  waiters:13;   /* for results */
    unsigned                  subscribed:1; /* Redis has said so */
    unsigned                  anchored:1;
    unsigned                  checking:1;   /* whether logins are revoked */

    u_char                    name[1];
};


ngx_int_t ngx_pimap_account_init_process(ngx_cycle_t *cycle);

ngx_pimap_account_t *ngx_pimap_account_find(ngx_str_t *name);

/* For all of them; the handler may not free any. */
void ngx_pimap_account_each(void (*handler)(ngx_pimap_account_t *account));

/* For those whose names' hashes begin with the same bits as "from". */
void ngx_pimap_account_each_of(uint32_t from, ngx_uint_t bits,
    void (*handler)(ngx_pimap_account_t *account));

/* Finds or makes one, for somebody who keeps it; NULL if memory is out. */
ngx_pimap_account_t *ngx_pimap_account_get(ngx_str_t *name, ngx_log_t *log);

/* After one of them has left: frees the account if that was the last. */
void ngx_pimap_account_put(ngx_pimap_account_t *account);


#endif /* _NGX_PIMAP_ACCOUNT_H_INCLUDED_ */
