
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The face of this room: the functions that other files call.
 */


#ifndef _NGX_PIMAP_UPDATES_H_INCLUDED_
#define _NGX_PIMAP_UPDATES_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_device.h"
#include "ngx_pimap_device_room.h"
#include "ngx_pimap_pace.h"

#include "pimap_event.h"


/*
 * ngx_pimap_input.c: Owns the bytes that a parked device sends.  Called by
 * the transports.  The way of an update: input (format), input_websocket or
 * input_ndjson, input_message (parts), submit (parse, Redis).
 */

#define NGX_PIMAP_INPUT_BLANKS  4       /* CR and LF after the request */

/*
 * Takes bytes as they have come, and changes them.  Invalid bytes end the
 * device.  NGX_AGAIN: its socket is not to be read now.  If it has paused, its
 * transport will resume; else this turn is over.  NGX_ERROR: a device without
 * an input has sent something.
 */
ngx_int_t ngx_pimap_input(ngx_pimap_device_t *d, u_char *data, size_t len);

/* The body has this length, and no chunks.  NGX_ERROR: no memory. */
ngx_int_t ngx_pimap_input_length(ngx_pimap_device_t *d, off_t len);

/* Takes the bytes that waited while the device paused: NGX_OK, NGX_AGAIN. */
ngx_int_t ngx_pimap_input_resume(ngx_pimap_device_t *d);

/* The input is complete. */
void ngx_pimap_input_end(ngx_pimap_device_t *d);

/*
 * A message that is not complete and bytes that wait, for a record, and back.
 * NGX_ERROR: the bytes are invalid, or no memory.
 */
void ngx_pimap_input_save(ngx_pimap_device_t *d, ngx_str_t *state,
    ngx_str_t *data, ngx_str_t *rest);
ngx_int_t ngx_pimap_input_restore(ngx_pimap_device_t *d, ngx_str_t *state,
    ngx_str_t *data, ngx_str_t *rest);


/*
 * ngx_pimap_input_websocket.c: Owns updates in WebSocket frames: a message
 * is an update, a Ping gets its Pong, and an invalid frame closes the
 * WebSocket.
 */

/* Takes bytes as they have come, until the device pauses. */
void ngx_pimap_input_websocket(ngx_pimap_device_t *d,
    ngx_pimap_partial_t *partial, ngx_str_t *in);

/* Closes the WebSocket: there is no memory. */
void ngx_pimap_input_websocket_memory(ngx_pimap_device_t *d);


/*
 * ngx_pimap_input_ndjson.c: Owns updates as lines of JSON, in the body of a
 * request that stays open. nginx reads the bodies of HTTP/2.  The chunks of
 * HTTP/1.1 are read here, so that the device needs no request of nginx.
 */

/*
 * Takes bytes of the body, until the device pauses.  Invalid bytes end the
 * device.
 */
void ngx_pimap_input_ndjson(ngx_pimap_device_t *d,
    ngx_pimap_partial_t *partial, ngx_str_t *in);

/* The same, in chunks.  After the last chunk the device has no input. */
void ngx_pimap_input_chunks(ngx_pimap_device_t *d,
    ngx_pimap_partial_t *partial, ngx_str_t *in);

/* The body is complete; its last line needs no line end. */
void ngx_pimap_input_ndjson_end(ngx_pimap_device_t *d,
    ngx_pimap_partial_t *partial);


/*
 * ngx_pimap_input_message.c: Owns how the parts of a message become one.
 * Called by the formats of the input.
 */

/*
 * A part of a message.  NGX_OK: "whole" is complete; the caller frees the
 * buffer of "partial".  NGX_AGAIN: more is to come.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_pimap_input_message_add(ngx_pimap_partial_t *partial,
    u_char *data, size_t len, ngx_uint_t last, ngx_str_t *whole);

/* The same; a complete message is submitted: NGX_OK, or NGX_ERROR. */
ngx_int_t ngx_pimap_input_message(ngx_pimap_device_t *d,
    ngx_pimap_partial_t *partial, u_char *data, size_t len, ngx_uint_t last);


/*
 * ngx_pimap_submit.c: Owns updates that a parked device sends on its own
 * connection, until Redis has taken them.
 */

#define NGX_PIMAP_SUBMIT_MAX  16        /* of a device, that wait for Redis */

/*
 * Takes one update, for which "work" bytes were read, and may change its
 * bytes.  The device gets "accepted" or
 * "refused", maybe before this returns.  It may be closing then, but is there.
 * NGX_ERROR: no memory.
 */
ngx_int_t ngx_pimap_submit(ngx_pimap_device_t *d, u_char *data, size_t len,
    size_t work);


/*
 * ngx_pimap_update_waiter.c: Owns requests that wait for the results of
 * updates.  The account of a waiter is subscribed.
 *
 * Invariant: a waiter ends from an event, never in a walk over waiters.
 */

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


#endif /* _NGX_PIMAP_UPDATES_H_INCLUDED_ */
