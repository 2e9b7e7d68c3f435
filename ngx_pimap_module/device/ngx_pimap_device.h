
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the parked devices of this worker: their records, pings and ends.
 * Called by transports, which park devices, and by all rooms that send.
 *
 * Invariant: a device is freed by its transport or from a posted event only.
 * A device that ends is "closing" until then: it stays in the list of its
 * account and gets nothing more, so that a walk over devices may end any.
 */


#ifndef _NGX_PIMAP_DEVICE_H_INCLUDED_
#define _NGX_PIMAP_DEVICE_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_compressed_stream.h"
#include "ngx_pimap_message.h"
#include "ngx_pimap_zone.h"
#include "pimap_event_id.h"


/* What a device may send while it is parked. */
typedef enum {
    NGX_PIMAP_INPUT_NONE = 0,           /* a line end at most */
    NGX_PIMAP_INPUT_WEBSOCKET,          /* frames */
    NGX_PIMAP_INPUT_CHUNKS,             /* NDJSON in an HTTP/1.1 body */
    NGX_PIMAP_INPUT_NDJSON,             /* NDJSON in a body that nginx reads */
    NGX_PIMAP_NINPUTS
} ngx_pimap_input_t;


/* How bytes reach a device.  "connection" is the transport's own state. */
typedef struct {
    /*
     * Sends a message to a device that is not closing.
     *
     *   NGX_OK     it is sent, or kept with a reference or as bytes
     *   NGX_BUSY   too many bytes are unsent; the message is dropped
     *   NGX_DONE   the response is complete without the message
     *   NGX_ERROR  the connection is broken, or memory is out
     *
     * The caller's reference stays the caller's.  The device is neither freed
     * nor closing afterwards: what a result means for it, the caller decides.
     */
    ngx_int_t      (*send)(ngx_pimap_device_t *d,
                           ngx_pimap_message_t *message);

    /*
     * Ends the response: if "clean", after all bytes are sent; else at once.
     * The device has been freed before.  The transport frees the connection,
     * now or later: the caller may not use it any more.
     */
    void           (*end)(void *connection, ngx_uint_t clean);

    /* Bytes that are sent and that the socket has not taken.  No effects. */
    size_t         (*unsent)(void *connection);

    /* The log of the connection, never NULL.  It lives as long as that. */
    ngx_log_t     *(*log)(void *connection);

    /* The device has paused, and may be read again, soon. */
    void           (*resume)(void *connection);
} ngx_pimap_transport_t;


/* How many there were in one of the timer wheel's seconds. */
typedef struct {
    uint8_t       second;               /* its last bits */
    uint8_t       n;
} ngx_pimap_rate_t;


struct ngx_pimap_device_s {
    ngx_queue_t                   link;     /* its account's list */
    ngx_queue_t                   due;      /* the wheel's, or the closing */

    ngx_pimap_account_t          *account;
    ngx_pimap_filter_t           *filter;   /* NULL: every event; owned */
    ngx_pimap_log_reader_t       *reader;   /* NULL: live */
    ngx_pimap_partial_t          *partial;  /* of a message, or NULL */
    ngx_pimap_loc_conf_t         *conf;

    const ngx_pimap_transport_t  *transport;
    void                         *connection;
    ngx_pimap_compressed_stream_t  stream;

    uint64_t                      token;    /* of this request, unique */
    uint64_t                      since;    /* usec: when its request came */
    uint64_t                      bytes;
    uint32_t                      events;
    uint32_t                      sent_at;  /* the wheel's seconds */
    uint32_t                      issued;   /* its login, seconds since ... */
    uint32_t                      expires;  /* ... the epoch; 0: never */
    uint16_t                      ping;     /* seconds, 0: none */
    uint16_t                      number;   /* last item of the backlog */
    u_char                        address[16];  /* IPv4: mapped */

    uint8_t                       kind;     /* ngx_pimap_kind_t */
    uint8_t                       format;   /* ngx_pimap_format_t */
    uint8_t                       reason;   /* ngx_pimap_end_t, if closing */
    unsigned                      input:3;  /* ngx_pimap_input_t */
    unsigned                      paused:1; /* it is not read until its turn */
    unsigned                      counted:3;    /* by ngx_pimap_limit.c */
    ngx_pimap_rate_t              budget;   /* all that it sends, in units */
    ngx_pimap_rate_t              updates;  /* that were submitted */
    unsigned                      blanks:3; /* line ends that have come */
    unsigned                      closeafter:1;
    unsigned                      confirmed:1;  /* announced to all */
    unsigned                      closing:1;
    unsigned                      revocable:1;  /* its login is not new */
    unsigned                      submitted:5;  /* wait for Redis */
    unsigned                      closed:1; /* its last message is sent */
    unsigned                      limited:1;    /* to certain updates */
    unsigned                      leaving:1;    /* it is told so soon */

    uint16_t                      name_len; /* 0: anonymous */
    u_char                        name[1];  /* and, if limited, the updates
                                               with a zero at their end */
};

#define ngx_pimap_device_name(d, str)                                        \
    (str)->data = (d)->name;                                                 \
    (str)->len = (d)->name_len

/* The updates that its login allows, as for pimap_update_allowed(). */
#define ngx_pimap_device_updates(d, str)                                     \
    (str)->data = (d)->limited ? (d)->name + (d)->name_len : (u_char *) "*"; \
    (str)->len = ngx_strlen((str)->data)

#define ngx_pimap_device_log(d)  (d)->transport->log((d)->connection)

void ngx_pimap_device_init_process(ngx_cycle_t *cycle);

/* Adds a device to its account; its first turn is in so many seconds. */
void ngx_pimap_device_insert(ngx_pimap_device_t *d, ngx_uint_t seconds);

/*
 * The first device of an account that is not closing, and the next one; or
 * NULL.  A walk may end the device that it is at.
 */
ngx_pimap_device_t *ngx_pimap_devices(ngx_pimap_account_t *account);
ngx_pimap_device_t *ngx_pimap_device_next(ngx_pimap_device_t *d);

/* Another transport serves the device from now on. */
void ngx_pimap_device_move(ngx_pimap_device_t *d, ngx_pimap_kind_t kind,
    const ngx_pimap_transport_t *transport, void *connection);

/* Sends, and ends the device if that fails. */
ngx_int_t ngx_pimap_device_send(ngx_pimap_device_t *d,
    ngx_pimap_message_t *message);

/*
 * The same for a message that was made for this device only.  Its reference is
 * taken.  NULL: there was no memory for it, and the device ends.
 */
ngx_int_t ngx_pimap_device_send_control(ngx_pimap_device_t *d,
    ngx_pimap_message_t *message);

/*
 * Ends a device, soon but not before this returns, so a walk over devices may
 * call it.  "last" is a last message or NULL; its reference is taken.
 */
void ngx_pimap_device_end(ngx_pimap_device_t *d, ngx_pimap_end_t reason,
    ngx_pimap_message_t *last);

/* The same; the response ends in good order after "last" for any reason. */
void ngx_pimap_device_close(ngx_pimap_device_t *d, ngx_pimap_end_t reason,
    ngx_pimap_message_t *last);

/* The device is not read until the wheel's next second. */
void ngx_pimap_device_pause(ngx_pimap_device_t *d);

/* Ends a device whose login has ended by "time" or is "revoked". */
void ngx_pimap_device_expire(ngx_pimap_device_t *d, const char *reason);

/* From the transport: the connection is gone.  Frees the device. */
void ngx_pimap_device_leave(ngx_pimap_device_t *d, ngx_pimap_end_t reason);

/* Another worker has the device now.  Frees it here. */
void ngx_pimap_device_handed_over(ngx_pimap_device_t *d);

/* ngx_pimap_device_log.c: names; a device's last line; a change of state. */
const char *ngx_pimap_device_log_kind(ngx_pimap_device_t *d);
const char *ngx_pimap_device_log_format(ngx_pimap_device_t *d);
void ngx_pimap_device_log_end(ngx_pimap_device_t *d, ngx_pimap_end_t reason,
    uint64_t now);
#if (NGX_DEBUG)
void ngx_pimap_device_dbg(ngx_pimap_device_t *d, const char *state);
#else
#define ngx_pimap_device_dbg(d, state)
#endif

/* Microseconds since the epoch. */
uint64_t ngx_pimap_device_now(void);


#endif /* _NGX_PIMAP_DEVICE_H_INCLUDED_ */
