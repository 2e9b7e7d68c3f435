
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the order of an account's events: each id follows the one before it.
 * Events that are missing are read from the log.  If the log does not have
 * them, the devices are told to resync.
 */


#ifndef _NGX_PIMAP_GAP_H_INCLUDED_
#define _NGX_PIMAP_GAP_H_INCLUDED_


#include "ngx_pimap.h"
#include "pimap_event_id.h"

#include "pimap_event.h"


/*
 * On a quiet account no later event shows that one is missing, so each account
 * is checked once in "interval" (msec; 0: never).
 */
void ngx_pimap_gap_check_init_process(ngx_cycle_t *cycle,
    ngx_msec_t interval);

/*
 * An event of the log has come live.  NGX_OK: it is the next one.
 * NGX_DECLINED: it is known, or will be read with the missing ones.
 */
ngx_int_t ngx_pimap_gap_order(ngx_pimap_account_t *account,
    pimap_event_t *ev);

/* The account is subscribed, for the first time or again after a loss. */
void ngx_pimap_gap_subscribed(ngx_pimap_account_t *account);

/* Reads what the account misses from the log. */
void ngx_pimap_gap_read(ngx_pimap_account_t *account);

/* The account has changed: devices that wait for it read on. */
void ngx_pimap_gap_rejoin(ngx_pimap_account_t *account);

/* Tells a device, or all live devices, to resync and to go on after "last". */
void ngx_pimap_gap_resync(ngx_pimap_device_t *d, ngx_str_t *reason,
    pimap_event_id_t *last);
void ngx_pimap_gap_resync_all(ngx_pimap_account_t *account,
    ngx_str_t *reason, pimap_event_id_t *last);


#endif /* _NGX_PIMAP_GAP_H_INCLUDED_ */
