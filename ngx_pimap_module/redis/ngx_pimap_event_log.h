
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The log of an account, as redis/pimap.lua keeps it: the calls and what they
 * answer.
 */


#ifndef _NGX_PIMAP_LOG_H_INCLUDED_
#define _NGX_PIMAP_LOG_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_command.h"
#include "pimap_event_id.h"


typedef struct {
    ngx_uint_t              resync;     /* the log does not go on from there */
    ngx_str_t               reason;     /* why: a fixed word */
    pimap_event_id_t    last;       /* of the log; its begin if empty */
    ngx_uint_t              n;          /* entries */
    redisReply            **entries;    /* id, text, id, text ... */
} ngx_pimap_event_log_page_t;


/* As ngx_pimap_command_send(): NULL if Redis is away. */

ngx_pimap_command_t *ngx_pimap_event_log_last(ngx_str_t *account,
    ngx_pimap_command_pt handler, void *data);

/* The entry at a position, and the one after it. */
ngx_pimap_command_t *ngx_pimap_event_log_peek(ngx_str_t *account,
    pimap_event_id_t *position, ngx_pimap_command_pt handler, void *data);

/* What comes after a position, at most "count" entries or about "bytes". */
ngx_pimap_command_t *ngx_pimap_event_log_read(ngx_str_t *account,
    pimap_event_id_t *position, ngx_uint_t count, size_t bytes,
    ngx_pimap_command_pt handler, void *data);

/* Adds and publishes; a "key" (may be empty) does so once only. */
ngx_pimap_command_t *ngx_pimap_event_log_post(ngx_str_t *account,
    ngx_str_t *event, ngx_str_t *key, ngx_pimap_command_pt handler, void *data);


/* True if a peek shows that the log ends at the position. */
ngx_uint_t ngx_pimap_event_log_quiet(redisReply *reply,
    pimap_event_id_t *position);

/* NGX_OK, or NGX_ERROR if the reply is none of pimap_last or pimap_read. */
ngx_int_t ngx_pimap_event_log_position(redisReply *reply,
    pimap_event_id_t *position);
ngx_int_t ngx_pimap_event_log_page(redisReply *reply,
    ngx_pimap_event_log_page_t *page);


#endif /* _NGX_PIMAP_LOG_H_INCLUDED_ */
