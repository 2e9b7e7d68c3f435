
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The face of this room: the functions that other files call.
 */


#ifndef _NGX_PIMAP_DEVICE_ROOM_H_INCLUDED_
#define _NGX_PIMAP_DEVICE_ROOM_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_buffer.h"
#include "ngx_pimap_conf.h"
#include "ngx_pimap_park_request.h"
#include "ngx_pimap_subscriber.h"

#include "pimap_chunked.h"
#include "pimap_event.h"
#include "pimap_event_id.h"
#include "pimap_ws.h"


/*
 * ngx_pimap_timer_wheel.c: Owns when a device has its next turn: one nginx
 * timer for all devices of a worker, and a list for each second.  It is
 * also the list of all devices.
 */

#define NGX_PIMAP_TIMER_WHEEL_MAX  NGX_PIMAP_PING_MAX  /* seconds ahead */

/* A link is due; it is in the wheel no more. */
typedef void (*ngx_pimap_timer_wheel_pt)(ngx_queue_t *link);

void ngx_pimap_timer_wheel_init_process(ngx_cycle_t *cycle,
    ngx_pimap_timer_wheel_pt due);

/* Due in so many seconds (1 .. NGX_PIMAP_TIMER_WHEEL_MAX), once. */
void ngx_pimap_timer_wheel_add(ngx_queue_t *link, ngx_uint_t seconds);
void ngx_pimap_timer_wheel_remove(ngx_queue_t *link);

/* The link that is due next; NULL: the wheel is empty. */
ngx_queue_t *ngx_pimap_timer_wheel_first(void);

/* Seconds since the worker's start, as the wheel counts them. */
uint32_t ngx_pimap_timer_wheel_now(void);

/* Counts "n"; true if this second, "now", has had "most" (255 at most). */
ngx_uint_t ngx_pimap_rate_exceeded(ngx_pimap_rate_t *rate, uint32_t now,
    ngx_uint_t most, ngx_uint_t n);


/*
 * ngx_pimap_account.c: Owns the accounts of this worker.  An account is
 * there while it has parked devices, devices on their way to this worker,
 * or requests that wait for a result.  The subscriber subscribes it
 * meanwhile.
 */

struct ngx_pimap_account_s {
    ngx_pimap_subscription_t  sub;          /* must be first */
    ngx_queue_t               devices;

    pimap_event_id_t          last_id;      /* of its events, if has_last_id */
    ngx_pimap_log_reader_t   *reader;       /* NULL: no event is missing */
    ngx_pimap_window_t       *window;       /* NULL: no event is held */
    ngx_pimap_backlog_t      *backlog;      /* NULL: all devices have all */
    uint16_t                  number;       /* of its last item */

    unsigned                  incoming:15;  /* handed over to this worker */
    unsigned                  waiters:13;   /* requests */
    unsigned                  has_last_id:1;
    unsigned                  checking:1;   /* whether logins are revoked */
    unsigned                  unproven:1;   /* no answer, or an error */
    unsigned                  unread:1;     /* no memory for a reader */

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

/* Whether the account's logins may be revoked, for all that Redis has said. */
void ngx_pimap_account_unproven(ngx_pimap_account_t *account,
    ngx_uint_t unproven);
/* Logs a change of state. */
#if (NGX_DEBUG)
void ngx_pimap_account_dbg(ngx_pimap_account_t *account, const char *state);
#else
#define ngx_pimap_account_dbg(account, state)
#endif


/*
 * ngx_pimap_device.c: Owns a message that a device has sent in part, and bytes
 * that wait for its turn.
 */

struct ngx_pimap_partial_s {
    /* the state of the device's input */
    union {
        pimap_ws_t            ws;
        pimap_chunked_t       chunked;
    } reader;

    ngx_pimap_buffer_t       *data;     /* what has come; NULL: nothing */
    ngx_pimap_buffer_t       *rest;     /* not read yet: the device pauses */
};

void ngx_pimap_partial_message_free(ngx_pimap_device_t *d);


/*
 * ngx_pimap_supersede.c: Owns the rule that a device has one parked
 * response: the newest request wins, on any worker and host.  The channel
 * of the account carries messages:
 *
 *     !present <since> <token> <device>      its request came then (usec)
 */

ngx_int_t ngx_pimap_supersede_init_process(ngx_cycle_t *cycle);

/* Of a new request: its token, and "since", by which requests are compared. */
uint64_t ngx_pimap_supersede_token(void);
uint64_t ngx_pimap_supersede_time(void);
uint64_t ngx_pimap_supersede_since(uint64_t since);     /* of a record's */

/* A device has come.  Ends the older ones here, or it, and announces it. */
void ngx_pimap_supersede(ngx_pimap_device_t *d);

/* The account is subscribed, for the first time or again after a loss. */
void ngx_pimap_supersede_subscribed(ngx_pimap_account_t *account);

/* Redis takes commands: announces the devices that it does not know. */
void ngx_pimap_supersede_unconfirmed(ngx_pimap_account_t *account);

/* What follows "!supersede " and "!present "; NGX_DECLINED: it is invalid. */
ngx_int_t ngx_pimap_supersede_message(ngx_pimap_account_t *account,
    u_char *data, size_t len);
ngx_int_t ngx_pimap_supersede_present(ngx_pimap_account_t *account,
    u_char *data, size_t len);


/*
 * ngx_pimap_revoke.c: Owns revoked logins: those of an account, or of one
 * of its devices, up to a time.  Redis keeps the times, and publishes a new
 * one to all workers.
 */

void ngx_pimap_revoke_init_process(ngx_cycle_t *cycle);

/* What follows "!revoke ", and "!login"; NGX_DECLINED: it is invalid. */
ngx_int_t ngx_pimap_revoke_message(ngx_pimap_account_t *account, u_char *data,
    size_t len);
ngx_int_t ngx_pimap_revoke_login(ngx_pimap_account_t *account, u_char *data,
    size_t len);

/*
 * A revocation may have been missed: the account is subscribed, for the first
 * time or again, or no more; Redis takes commands for it again; or a device
 * with an older login has come.
 */
void ngx_pimap_revoke_check(ngx_pimap_account_t *account);

/* Redis is away, for some accounts or all: their look-ups are dropped. */
void ngx_pimap_revoke_stop(void);


/*
 * ngx_pimap_update_result.c: Owns the address of an update's result: such
 * an event is for one device.
 */

#define NGX_PIMAP_UPDATE_RESULT_ADDRESS  (sizeof("~") - 1 + 16)

/* True if the event is the result of an update. */
ngx_uint_t ngx_pimap_update_result(pimap_event_t *ev);

/* True if the result is for this device. */
ngx_uint_t ngx_pimap_update_result_is_for(ngx_pimap_device_t *d,
    pimap_event_t *ev);

/*
 * The address of a device: its name, or "~<token>" if it is anonymous.  "buf"
 * has NGX_PIMAP_UPDATE_RESULT_ADDRESS bytes.
 */
void ngx_pimap_update_result_address(ngx_pimap_device_t *d, ngx_str_t *address,
    u_char *buf);


#endif /* _NGX_PIMAP_DEVICE_ROOM_H_INCLUDED_ */
