
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Nothing is lost: what a device or a whole account has missed is read from
 * the log, and where the log can't tell, the device is told to resync.
 *
 * An account that has a position is "anchored": events go on from there, one
 * by one, and a hole is seen when the next one comes.  A device without a
 * reader is live: it is where its account is.
 */


#ifndef _NGX_PIMAP_RESUME_H_INCLUDED_
#define _NGX_PIMAP_RESUME_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_device.h"
#include "pimap_event_id.h"

#include "pimap_event.h"


ngx_int_t ngx_pimap_gap_init_process(ngx_cycle_t *cycle);

/*
 * The place where an account is, if it is known without asking: NGX_OK, else
 * NGX_DECLINED.
 */
ngx_int_t ngx_pimap_gap_position(ngx_str_t *account,
    pimap_event_id_t *position);

/* A device has been parked, to go on from "start".  NGX_ERROR: no memory. */
ngx_int_t ngx_pimap_gap_device(ngx_pimap_device_t *d,
    ngx_pimap_start_t *start, ngx_log_t *log);

/* The account is subscribed, for the first time or again after a loss. */
void ngx_pimap_gap_subscribed(ngx_pimap_account_t *account);

/* Looks whether the account has missed anything. */
void ngx_pimap_gap_check(ngx_pimap_account_t *account);

/*
 * An event of the log has come live.  NGX_OK: it is the next one; else it is
 * to be dropped: known already, or it will be read with what is missing.
 */
ngx_int_t ngx_pimap_gap_live(ngx_pimap_account_t *account,
    pimap_event_t *ev);

/* True if an event of the log, in its turn, is for this device now. */
ngx_uint_t ngx_pimap_gap_passes(ngx_pimap_device_t *d, pimap_event_t *ev);

/*
 * Where a device is: it has got everything up to there that is for it.  What
 * is held back for its account has been flushed before.
 */
void ngx_pimap_gap_place(ngx_pimap_device_t *d, ngx_pimap_start_t *start);

/* True while more is read from the log for this device. */
ngx_uint_t ngx_pimap_gap_reads(ngx_pimap_device_t *d);

/* From a transport: all has been sent. */
void ngx_pimap_gap_drained(ngx_pimap_device_t *d);

/* Reads what waits to be read, as far as Redis is there. */
void ngx_pimap_gap_run(void);

/* The device or the account goes. */
void ngx_pimap_gap_forget(ngx_pimap_log_reader_t **reader);

/*
 * For ngx_pimap_replay.c: the account is to be read on; those who wait for it
 * look again where they are; a device, or all live ones, are told to look by
 * themselves, since events are missing, and go on after "last".
 */
void ngx_pimap_gap_account(ngx_pimap_account_t *account);
void ngx_pimap_gap_rejoin(ngx_pimap_account_t *account);
void ngx_pimap_gap_tell(ngx_pimap_device_t *d, ngx_str_t *reason,
    pimap_event_id_t *last);
void ngx_pimap_gap_tell_all(ngx_pimap_account_t *account,
    ngx_str_t *reason, pimap_event_id_t *last);


#endif /* _NGX_PIMAP_RESUME_H_INCLUDED_ */
