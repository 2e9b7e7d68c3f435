
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * What goes to devices becomes bytes of their format.
 */


#ifndef _NGX_PIMAP_ENCODE_H_INCLUDED_
#define _NGX_PIMAP_ENCODE_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_park.h"
#include "ngx_pimap_position.h"
#include "ngx_pimap_text.h"

#include "pimap_event.h"


/* All return a new text, one reference of which is the caller's, or NULL. */

/* The first bytes: a comment, so that the client sees the response open. */
ngx_pimap_text_t *ngx_pimap_encode_hello(ngx_msec_t retry,
    ngx_pimap_start_t *start, ngx_log_t *log);

/* No event, but the id to come back with. */
ngx_pimap_text_t *ngx_pimap_encode_id(ngx_pimap_position_t *position,
    ngx_log_t *log);

/* Events are missing: the device has to look by itself, and goes on here. */
ngx_pimap_text_t *ngx_pimap_encode_resync(ngx_str_t *reason,
    ngx_pimap_position_t *last, ngx_log_t *log);

/* An event, with its id if it is in the log. */
ngx_pimap_text_t *ngx_pimap_encode_event(pimap_event_t *ev, ngx_log_t *log);

/* RFC 8620, 7.3: the interval in force, in seconds; never an id. */
ngx_pimap_text_t *ngx_pimap_encode_ping(ngx_uint_t interval, ngx_log_t *log);

/* Last words: a newer request of the same device has taken over. */
ngx_pimap_text_t *ngx_pimap_encode_superseded(ngx_msec_t retry,
    ngx_log_t *log);

/* Last words: come back after about this time. */
ngx_pimap_text_t *ngx_pimap_encode_retry(ngx_msec_t retry, ngx_log_t *log);

/* Half to one and a half of it, so that many don't come back together. */
ngx_msec_t ngx_pimap_encode_jitter(ngx_msec_t retry);


#endif /* _NGX_PIMAP_ENCODE_H_INCLUDED_ */
