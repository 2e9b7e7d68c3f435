
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The registry of this worker's parked devices.  A parked device is a small
 * record; how bytes reach it is its transport's affair.
 */


#ifndef _NGX_PIMAP_PARK_H_INCLUDED_
#define _NGX_PIMAP_PARK_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_compressed_stream.h"
#include "pimap_event_id.h"
#include "ngx_pimap_message.h"
#include "ngx_pimap_timer_wheel.h"
#include "ngx_pimap_zone.h"


#define NGX_PIMAP_DEVICE_MAX   1024     /* bytes of a device's name */


/* What a device may say while it is parked. */
typedef enum {
    NGX_PIMAP_INPUT_NONE = 0,           /* a line end at most */
    NGX_PIMAP_INPUT_WEBSOCKET,             /* WebSocket's frames */
    NGX_PIMAP_INPUT_CHUNKS,             /* lines of a body, in chunks */
    NGX_PIMAP_INPUT_NDJSON,              /* the same, which nginx reads */
    NGX_PIMAP_NINPUTS
} ngx_pimap_input_t;


typedef struct {
    /*
     * Sends a text, or keeps a reference until it can: NGX_OK.  NGX_BUSY:
     * too much is unsent.  NGX_ERROR: the connection is broken.  NGX_DONE:
     * the response is complete without it.  Never ends the device itself.
     */
    ngx_int_t      (*send)(ngx_pimap_device_t *d, ngx_pimap_message_t *text);

    /*
     * Ends the response: in good order when "clean", else at once.  The
     * device has left the registry before, and said its last words.
     */
    void           (*end)(void *connection, ngx_uint_t clean);

    size_t         (*unsent)(void *connection);
    ngx_log_t     *(*log)(void *connection);
} ngx_pimap_transport_t;


struct ngx_pimap_device_s {
    ngx_queue_t                   link;     /* its account's list */
    ngx_queue_t                   due;      /* the wheel's, or the doomed */

    ngx_pimap_account_t          *account;
    ngx_pimap_filter_t           *filter;   /* NULL: everything; owned */
    ngx_pimap_log_reader_t           *reader;   /* NULL: live */
    ngx_pimap_partial_t          *partial;  /* of a message, or NULL */
    ngx_pimap_loc_conf_t         *conf;

    const ngx_pimap_transport_t  *transport;
    void                         *connection;
    ngx_pimap_compressed_stream_t           stream;

    uint64_t                      token;    /* of this request, unique */
    uint64_t                      since;    /* usec since the epoch */
    uint64_t                      bytes;
    uint32_t                      events;
    uint32_t                      sent_at;  /* the wheel's seconds */
    uint32_t                      issued;   /* its login, seconds since ... */
    uint32_t                      expires;  /* ... the epoch; 0: never */
    uint16_t                      ping;     /* seconds, 0: none */
    u_char                        address[16];  /* IPv4: mapped */

    uint8_t                       kind;
    uint8_t                       format;   /* ngx_pimap_format_t */
    uint8_t                       reason;   /* why it is to end */
    uint8_t                       input;    /* ngx_pimap_input_t */
    ngx_pimap_pace_t              idle;     /* frames that bring nothing */
    ngx_pimap_pace_t              updates;  /* that were submitted */
    unsigned                      blanks:3; /* line ends that have come */
    unsigned                      closeafter:1;
    unsigned                      announced:1;
    unsigned                      confirmed:1;
    unsigned                      doomed:1;
    unsigned                      revocable:1;  /* not logged in just now */
    unsigned                      submitted:5;  /* wait for Redis */
    unsigned                      closed:1; /* its last words are out */

    uint16_t                      name_len; /* 0: anonymous */
    u_char                        name[1];
};


#define ngx_pimap_device_name(d, str)                                          \
    (str)->data = (d)->name;                                                 \
    (str)->len = (d)->name_len


/* Where a device goes on in the log; not known while Redis is away. */
typedef struct {
    pimap_event_id_t          position;
    unsigned                      known:1;
    unsigned                      earliest:1;   /* whatever that is */
} ngx_pimap_start_t;


/* What a device that comes from another worker has been there. */
typedef struct {
    uint64_t                      token;    /* 0: it is new */
    uint64_t                      since;
    uint64_t                      bytes;
    uint32_t                      events;
    uint32_t                      idle;     /* seconds without anything sent */
    uint32_t                      confirmed;
    uint32_t                      check;    /* of what was compressed */
    uint32_t                      length;
} ngx_pimap_past_t;


/* What a request says about the device that it parks. */
typedef struct {
    ngx_str_t                     account;
    ngx_str_t                     device;
    ngx_pimap_filter_t           *filter;   /* taken over on success */
    ngx_pimap_start_t             start;
    ngx_pimap_loc_conf_t         *conf;
    ngx_uint_t                    ping;
    ngx_uint_t                    closeafter;
    uint32_t                      issued;
    uint32_t                      expires;
    ngx_uint_t                    revocable;    /* its login is not new */
    ngx_msec_t                    wait;         /* of a poll */
    u_char                        address[16];
    ngx_pimap_kind_t              kind;
    ngx_pimap_format_t            format;
    ngx_pimap_input_t             input;
    ngx_pimap_coding_t            coding;
    const char                   *extensions;   /* of a WebSocket, or NULL */
    ngx_pimap_past_t              past;
} ngx_pimap_parking_t;


ngx_int_t ngx_pimap_device_init_process(ngx_cycle_t *cycle);

/*
 * Registers a device; an older one of the same name ends.  Its place under
 * the limits has been taken before, with ngx_pimap_limit_admit().  NULL:
 * memory is out.
 */
ngx_pimap_device_t *ngx_pimap_park(ngx_pimap_parking_t *parking,
    const ngx_pimap_transport_t *transport, void *connection, ngx_log_t *log);

/* Another transport serves the device from now on. */
void ngx_pimap_device_move(ngx_pimap_device_t *d, ngx_pimap_kind_t kind,
    const ngx_pimap_transport_t *transport, void *connection);

/* Sends, and dooms the device if that fails. */
ngx_int_t ngx_pimap_device_send(ngx_pimap_device_t *d,
    ngx_pimap_message_t *text);

/*
 * Ends a device, soon but not before this returns: it is safe in a walk over
 * devices.  "text", if not NULL, are its last words; the reference stays the
 * caller's.
 */
void ngx_pimap_device_end(ngx_pimap_device_t *d, ngx_pimap_end_t reason,
    ngx_pimap_message_t *text);

/* Ends a device whose login has ended: "time", or "revoked". */
void ngx_pimap_device_expire(ngx_pimap_device_t *d, const char *reason);

/*
 * The same in good order, whatever the reason: "text" is the very last thing,
 * its reference is taken, NULL: memory is out.
 */
void ngx_pimap_device_close(ngx_pimap_device_t *d, ngx_pimap_end_t reason,
    ngx_pimap_message_t *text);

/* From the transport: the connection is gone.  Frees the device. */
void ngx_pimap_device_leave(ngx_pimap_device_t *d, ngx_pimap_end_t reason);

/* The device goes on in another worker.  Frees it here. */
void ngx_pimap_device_give(ngx_pimap_device_t *d);

/* What "since" of a device is taken from. */
uint64_t ngx_pimap_device_now(void);

/* From the wheel: the turn of a device has come. */
void ngx_pimap_device_due(ngx_queue_t *link);


#endif /* _NGX_PIMAP_PARK_H_INCLUDED_ */
