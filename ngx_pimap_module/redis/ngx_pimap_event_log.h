
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the commands for an account's log, which redis/pimap.lua keeps, and the
 * parsing of their replies.  Called by the replay and by locations.
 */


#ifndef _NGX_PIMAP_EVENT_LOG_H_INCLUDED_
#define _NGX_PIMAP_EVENT_LOG_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_command.h"

#include "pimap_event_id.h"


typedef struct {
    ngx_uint_t              resync;     /* events after the id are missing */
    ngx_str_t               reason;     /* of the resync: a fixed word */
    pimap_event_id_t        last;       /* in the log; "0" if it is empty */
    ngx_uint_t              n;          /* entries */
    redisReply            **entries;    /* id, text, id, text ...; each id
                                           is "<epoch>-<n>" */
} ngx_pimap_event_log_page_t;

/* As ngx_pimap_command_send(): NULL if Redis is away. */
ngx_pimap_command_t *ngx_pimap_event_log_last(ngx_str_t *account,
    ngx_pimap_command_pt handler, void *data);

/* The entry with this id, and the one after it. */
ngx_pimap_command_t *ngx_pimap_event_log_peek(ngx_str_t *account,
    pimap_event_id_t *id, ngx_pimap_command_pt handler, void *data);

/* The entries after this id: at most "count", or about "bytes". */
ngx_pimap_command_t *ngx_pimap_event_log_read(ngx_str_t *account,
    pimap_event_id_t *id, ngx_uint_t count, size_t bytes,
    ngx_pimap_command_pt handler, void *data);

/* Adds and publishes an event; with the same "key", if any, only once. */
ngx_pimap_command_t *ngx_pimap_event_log_post(ngx_str_t *account,
    ngx_str_t *event, ngx_str_t *key, ngx_pimap_command_pt handler,
    void *data);

/* True if the reply to a peek says that the log ends with this id. */
ngx_uint_t ngx_pimap_event_log_ends(redisReply *reply, pimap_event_id_t *id);

/* The reply of pimap_last, of pimap_read.  NGX_ERROR: it has another form. */
ngx_int_t ngx_pimap_event_log_id(redisReply *reply, pimap_event_id_t *id);
ngx_int_t ngx_pimap_event_log_page(redisReply *reply, pimap_event_id_t *start,
    ngx_pimap_event_log_page_t *page);


#endif /* _NGX_PIMAP_EVENT_LOG_H_INCLUDED_ */
