
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * What goes to devices becomes bytes of their format.
 */


#ifndef _NGX_PIMAP_ENCODE_H_INCLUDED_
#define _NGX_PIMAP_ENCODE_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_device.h"
#include "pimap_event_id.h"
#include "ngx_pimap_message.h"

#include "pimap_event.h"


/*
 * All but texts() return a new text, one reference of which is the caller's,
 * or NULL if memory is out.
 */

/* The first bytes, so that the client sees the response open. */
ngx_pimap_message_t *ngx_pimap_encode_hello(ngx_pimap_format_t format,
    ngx_msec_t retry, ngx_pimap_start_t *start, ngx_log_t *log);

/* No event, but the id to come back with. */
ngx_pimap_message_t *ngx_pimap_encode_id(ngx_pimap_format_t format,
    pimap_event_id_t *position, ngx_log_t *log);

/* Events are missing: the device has to look by itself, and goes on here. */
ngx_pimap_message_t *ngx_pimap_encode_resync(ngx_pimap_format_t format,
    ngx_str_t *reason, pimap_event_id_t *last, ngx_log_t *log);

/* RFC 8620, 7.3: the interval in force, in seconds; never an id. */
ngx_pimap_message_t *ngx_pimap_encode_ping(ngx_pimap_format_t format,
    ngx_uint_t interval, ngx_log_t *log);

/* Last words: a newer request of the same device has taken over. */
ngx_pimap_message_t *ngx_pimap_encode_superseded(ngx_pimap_format_t format,
    ngx_msec_t retry, ngx_log_t *log);

/* Last words: the login has ended, for a reason that is a fixed word. */
ngx_pimap_message_t *ngx_pimap_encode_expired(ngx_pimap_format_t format,
    const char *reason, ngx_msec_t retry, ngx_log_t *log);

/* Last words: come back after about this time. */
ngx_pimap_message_t *ngx_pimap_encode_retry(ngx_pimap_format_t format,
    ngx_msec_t retry, ngx_log_t *log);

/* An update that came up the device's connection; the id may be empty. */
ngx_pimap_message_t *ngx_pimap_encode_accepted(ngx_pimap_format_t format,
    ngx_str_t *update, ngx_log_t *log);
ngx_pimap_message_t *ngx_pimap_encode_refused(ngx_pimap_format_t format,
    ngx_str_t *update, const char *detail, ngx_log_t *log);


/* An event in each format that somebody has needed. */
typedef struct {
    ngx_pimap_message_t       *text[NGX_PIMAP_NFORMATS];   /* NULL: nobody */
} ngx_pimap_texts_t;

/* An event, with its id if it is in the log.  The reference stays "texts'". */
ngx_pimap_message_t *ngx_pimap_encode_event(ngx_pimap_texts_t *texts,
    ngx_pimap_format_t format, pimap_event_t *ev, ngx_log_t *log);
void ngx_pimap_encode_free(ngx_pimap_texts_t *texts);


/* Half to one and a half of it, so that many don't come back together. */
ngx_msec_t ngx_pimap_encode_jitter(ngx_msec_t retry);


/* What a format has to say besides events. */
typedef struct {
    const char             *name;
    const char             *comment;    /* where that is enough; or NULL */
    pimap_event_id_t   *position;   /* NULL: no id */
    ngx_msec_t              retry;      /* 0: it is not said */
    ngx_str_t               members;    /* of a JSON object */
} ngx_pimap_control_t;

/* A format. */
typedef struct {
    ngx_str_t               name;           /* empty: not by Accept or */
    const char             *content_type;   /*        "format" */

    ngx_pimap_message_t     *(*event)(pimap_event_t *ev, ngx_log_t *log);
    ngx_pimap_message_t     *(*control)(ngx_pimap_control_t *control,
                                     ngx_log_t *log);

    /* what an orderly end begins with; NULL: nothing */
    ngx_pimap_message_t     *(*last)(ngx_pimap_end_t reason, ngx_log_t *log);
} ngx_pimap_encoder_t;

extern const ngx_pimap_encoder_t  ngx_pimap_encode_sse;
extern const ngx_pimap_encoder_t  ngx_pimap_encode_ndjson;
extern const ngx_pimap_encoder_t  ngx_pimap_encode_object;
extern const ngx_pimap_encoder_t  ngx_pimap_encode_websocket;
extern const ngx_pimap_encoder_t  ngx_pimap_encode_deflated;

extern const ngx_pimap_encoder_t  *ngx_pimap_encoders[NGX_PIMAP_NFORMATS];


#endif /* _NGX_PIMAP_ENCODE_H_INCLUDED_ */
