
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Events and control messages as bytes of each format.
 */


#ifndef _NGX_PIMAP_ENCODE_H_INCLUDED_
#define _NGX_PIMAP_ENCODE_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_kind.h"
#include "ngx_pimap_message.h"

#include "pimap_event.h"
#include "pimap_event_id.h"
#include "pimap_ws.h"


/* Control messages; in brackets the arguments of ngx_pimap_encode(). */
typedef enum {
    NGX_PIMAP_CONTROL_PARKED = 0,       /* the first: the response is open */
    NGX_PIMAP_CONTROL_POSITION,         /* only an event id */
    NGX_PIMAP_CONTROL_RESYNC,           /* see ngx_pimap_encode_resync() */
    NGX_PIMAP_CONTROL_PING,             /* RFC 8620, 7.3; never with an id
                                           [ngx_uint_t seconds] */
    NGX_PIMAP_CONTROL_SUPERSEDED,       /* last: a newer request took over */
    NGX_PIMAP_CONTROL_EXPIRED,          /* last: the login has ended
                                           [char *reason] */
    NGX_PIMAP_CONTROL_RETRY,            /* last: come back later */
    NGX_PIMAP_CONTROL_ACCEPTED,         /* an update [ngx_str_t *id] */
    NGX_PIMAP_CONTROL_REFUSED,          /* see ngx_pimap_encode_refused() */
    NGX_PIMAP_CONTROL_UNKNOWN,          /* the same */
    NGX_PIMAP_NCONTROLS
} ngx_pimap_control_t;


/*
 * A new control message, one reference of which is the caller's; NULL if
 * memory is out.  "retry": a time to come back after, 0: none; "id": the event
 * id to come back with, NULL: none.
 */
ngx_pimap_message_t *ngx_pimap_encode(ngx_pimap_format_t format,
    ngx_pimap_control_t control, ngx_msec_t retry, pimap_event_id_t *id,
    ngx_log_t *log, ...);

/*
 * ngx_pimap_superseded_id.c: the id that a superseded EventSource comes back
 * with.  _strip() leaves the device's id, and is true if that was just now.
 */
u_char *ngx_pimap_superseded_id_text(u_char *p, pimap_event_id_t *id);
ngx_uint_t ngx_pimap_superseded_id_strip(ngx_str_t *id);

/* Events are missing; the device continues after this id. */
ngx_pimap_message_t *ngx_pimap_encode_resync(ngx_pimap_format_t format,
    ngx_str_t *reason, pimap_event_id_t *last, ngx_log_t *log);

/* An update that came on the device's connection; its id may be empty. */
ngx_pimap_message_t *ngx_pimap_encode_refused(ngx_pimap_format_t format,
    ngx_pimap_control_t control, ngx_str_t *update, const char *detail,
    ngx_log_t *log);


/* An event in each format that a device has needed; NULL: none has. */
typedef struct {
    ngx_pimap_message_t    *message[NGX_PIMAP_NFORMATS];
} ngx_pimap_encoded_t;

/* An event, with its id if the log has it; the reference stays "encoded's". */
ngx_pimap_message_t *ngx_pimap_encode_event(ngx_pimap_encoded_t *encoded,
    ngx_pimap_format_t format, pimap_event_t *ev, ngx_log_t *log);
void ngx_pimap_encoded_free(ngx_pimap_encoded_t *encoded);


/* Half to one and a half of it, so that many don't come back together. */
ngx_msec_t ngx_pimap_encode_jitter(ngx_msec_t retry);


/* The parts of a control message, for encoders. */
typedef struct {
    const char             *name;
    pimap_event_id_t       *id;         /* NULL: none */
    ngx_uint_t              superseded;
    ngx_msec_t              retry;      /* 0: none */
    ngx_str_t               members;    /* of a JSON object */
} ngx_pimap_control_parts_t;

/* The encoder of a format. */
typedef struct {
    ngx_str_t               name;           /* of "format"; empty: none */
    const char             *content_type;   /* NULL: none */

    ngx_pimap_message_t   *(*event)(pimap_event_t *ev, ngx_log_t *log);
    ngx_pimap_message_t   *(*control)(ngx_pimap_control_parts_t *parts,
                                      ngx_log_t *log);

    /* the first bytes of an orderly end; NULL: none */
    ngx_pimap_message_t   *(*last)(ngx_pimap_end_t reason, ngx_log_t *log);
} ngx_pimap_encoder_t;

extern const ngx_pimap_encoder_t  ngx_pimap_encode_sse;
extern const ngx_pimap_encoder_t  ngx_pimap_encode_ndjson;
extern const ngx_pimap_encoder_t  ngx_pimap_encode_object;
extern const ngx_pimap_encoder_t  ngx_pimap_encode_websocket;
extern const ngx_pimap_encoder_t  ngx_pimap_encode_websocket_deflate;

extern const ngx_pimap_encoder_t  *ngx_pimap_encoders[NGX_PIMAP_NFORMATS];

/* JSON: events and control messages as one object on one line. */

#define NGX_PIMAP_ENCODE_JSON_HEAD     192      /* bytes, at most */
#define NGX_PIMAP_ENCODE_JSON_CONTROL  512

/* An object in three pieces; "rest" points into the event. */
typedef struct {
    size_t                  len;                /* of the whole */
    size_t                  head_len;
    ngx_str_t               rest;
    ngx_str_t               tail;
    u_char                  head[NGX_PIMAP_ENCODE_JSON_HEAD];
} ngx_pimap_encode_json_t;

void ngx_pimap_encode_json(ngx_pimap_encode_json_t *json, pimap_event_t *ev);

/* Writes the pieces; returns the end. */
u_char *ngx_pimap_encode_json_copy(u_char *p, ngx_pimap_encode_json_t *json);

/* Returns the length; "buf" has NGX_PIMAP_ENCODE_JSON_CONTROL bytes. */
size_t ngx_pimap_encode_json_control(u_char *buf,
    ngx_pimap_control_parts_t *parts);


/* Single WebSocket frames, as new messages; NULL if memory is out. */

ngx_pimap_message_t *ngx_pimap_encode_frame(pimap_ws_op_t op, u_char *data,
    size_t len, ngx_log_t *log);
ngx_pimap_message_t *ngx_pimap_encode_close(int code, const char *why,
    ngx_log_t *log);


#endif /* _NGX_PIMAP_ENCODE_H_INCLUDED_ */
