
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The face of this room: the functions that other files call.
 */


#ifndef _NGX_PIMAP_DELIVERY_H_INCLUDED_
#define _NGX_PIMAP_DELIVERY_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_device.h"
#include "ngx_pimap_fanout.h"
#include "ngx_pimap_log_reader.h"

#include "pimap_event.h"
#include "pimap_event_id.h"


/*
 * ngx_pimap_deliver.c: Owns the first stage of an event: a message of Redis
 * becomes a verb, or an event in its order.  Called by the subscriber.
 *
 * The way of an event: deliver (receive, verbs, observers), gap (order),
 * coalesce, fanout (filter, encode), device (send).
 */

/* A control message.  The handler gets what follows; NGX_DECLINED: invalid. */
typedef struct {
    ngx_str_t    verb;              /* with its space; empty: the last row */
    ngx_int_t  (*handler)(ngx_pimap_account_t *account, u_char *data,
                          size_t len);
} ngx_pimap_verb_t;

typedef struct {
    const ngx_pimap_verb_t  *verbs;

    /*
     * an event without an id, for an account with devices on their way here;
     * NULL: there was no memory for it
     */
    void                   (*incoming)(ngx_pimap_account_t *account,
                                       pimap_event_t *ev);

    /* the result of an update, for waiting requests; NULL: missed */
    void                   (*result)(ngx_pimap_account_t *account,
                                     pimap_event_t *ev);
} ngx_pimap_deliver_handlers_t;

void ngx_pimap_deliver_init_process(
    const ngx_pimap_deliver_handlers_t *handlers);

/* The payload may be changed in place; it is not needed afterwards. */
void ngx_pimap_deliver(ngx_str_t *account, char *payload, size_t len);


/* ngx_pimap_refusal.c: Owns what the error log says of text that is none. */
void ngx_pimap_refusal(ngx_str_t *account, ngx_str_t *id, const char *why);


/* ngx_pimap_result.c: Owns how requests that wait learn of results. */

void ngx_pimap_result_init_process(void (*handler)(
    ngx_pimap_account_t *account, pimap_event_t *ev));

/* A result goes to the requests.  NULL: some may be lost, they ask Redis. */
void ngx_pimap_result(ngx_pimap_account_t *account, pimap_event_t *ev);


/*
 * ngx_pimap_gap.c: Owns the order of an account's events, by their ids. Those
 * that are missing are read from the log, or the devices are told to resync.
 */

/*
 * On a quiet account no later event shows that one is missing, so each account
 * is checked once in "interval" (msec; 0: never).
 */
void ngx_pimap_gap_check_init_process(ngx_cycle_t *cycle, ngx_msec_t interval);
/* Messages for the account may go elsewhere: looks at the end of its log. */
void ngx_pimap_gap_check(ngx_pimap_account_t *account);

/*
 * An event of the log has come live.  NGX_OK: it is the next one.
 * NGX_DECLINED: it is known, or will be read with the missing ones.
 */
ngx_int_t ngx_pimap_gap_order(ngx_pimap_account_t *account, pimap_event_t *ev);

/*
 * There was no memory for an event, which had an id or NULL.  It is read from
 * the log, or the devices that miss it resync.
 */
void ngx_pimap_gap_missed(ngx_pimap_account_t *account, pimap_event_id_t *id);

/* The account is subscribed, for the first time or again after a loss. */
void ngx_pimap_gap_subscribed(ngx_pimap_account_t *account);

/* Reads what the account misses from the log, without memory a bit later. */
void ngx_pimap_gap_read(ngx_pimap_account_t *account);

/* The account has changed: devices that wait for it read on. */
void ngx_pimap_gap_rejoin(ngx_pimap_account_t *account);

/* Tells all live devices to resync and to go on after "last". */
void ngx_pimap_gap_resync_all(ngx_pimap_account_t *account,
    ngx_str_t *reason, pimap_event_id_t *last);


/*
 * ngx_pimap_coalesce.c: Owns events that wait for a newer one of their
 * kind, within "pimap_coalesce".  Called for each event in its order.
 */

/* The window is in msec, 0: each event is sent at once. */
void ngx_pimap_coalesce_init_process(ngx_cycle_t *cycle, ngx_msec_t window);

/*
 * Sends an event to the account's devices, now or when its window ends; or an
 * event that covers it.  The event stays the caller's.
 */
void ngx_pimap_coalesce(ngx_pimap_account_t *account, pimap_event_t *ev);

/*
 * Sends the held events.  Devices may be closing afterwards, but are there.  A
 * device that was "joining" may have lost its reader.
 */
void ngx_pimap_coalesce_flush(ngx_pimap_account_t *account);

/* The account goes and has no devices: drops the held events. */
void ngx_pimap_coalesce_forget(ngx_pimap_account_t *account);


/*
 * ngx_pimap_cursor.c: Owns where a device stands in the log of its account.
 * A device without a log reader is live: its last event is the last event
 * of its account.  Any other device has a reader, see
 * ngx_pimap_log_reader.h.
 */

/* A device is parked now, to start after "start".  NGX_ERROR: no memory. */
ngx_int_t ngx_pimap_cursor_start(ngx_pimap_device_t *d,
    pimap_event_start_t *start, ngx_log_t *log);

/* True if an event of the log, in its order, is for this device now. */
ngx_uint_t ngx_pimap_cursor_passes(ngx_pimap_device_t *d, pimap_event_t *ev);

/* True while more is read from the log for this device. */
ngx_uint_t ngx_pimap_cursor_reads(ngx_pimap_device_t *d);

/* From a transport: all bytes are sent. */
void ngx_pimap_cursor_drained(ngx_pimap_device_t *d);

/*
 * Where the device has to go on elsewhere.  The caller has flushed the events
 * that are held for its account, and the device has caught up.
 */
void ngx_pimap_cursor_get(ngx_pimap_device_t *d, pimap_event_start_t *start);

/* The last event of an account.  NGX_DECLINED: Redis has to be asked. */
ngx_int_t ngx_pimap_cursor_account(ngx_str_t *account, pimap_event_id_t *id);


/*
 * ngx_pimap_replay.c: Owns what a log reader reads, and what happens with
 * the replies.  Called by the queue of log readers.
 */

/*
 * Sends the command of a reader: NGX_OK.  NGX_AGAIN: not now, all readers wait
 * until they are told to run.  NGX_BUSY: all wait a second.  NGX_DONE: it
 * needed no command, and is freed or paused.
 */
ngx_int_t ngx_pimap_replay_start(ngx_pimap_log_reader_t *reader,
    ngx_pimap_command_pt handler);

/*
 * Its reply; NULL: the connection was lost.  The reader may be freed
 * afterwards.  NGX_BUSY: Redis had an error, or there is no memory; all
 * readers wait a second.
 */
ngx_int_t ngx_pimap_replay_done(ngx_pimap_log_reader_t *reader,
    redisReply *reply);


/*
 * ngx_pimap_log_page.c: The events of a page of the log.
 */

/* True if events before the page are gone; "before" is the last of them. */
ngx_uint_t ngx_pimap_log_page_trimmed(ngx_pimap_log_reader_t *reader,
    ngx_pimap_event_log_page_t *page, pimap_event_id_t *before);

/* NGX_DECLINED: the text is no event.  NGX_ERROR: no memory. */
ngx_int_t ngx_pimap_log_page_event(ngx_pimap_account_t *account,
    pimap_event_t *ev, redisReply **entry, pimap_event_id_t *id);


#endif /* _NGX_PIMAP_DELIVERY_H_INCLUDED_ */
