
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Updates on their way into the stream that backends read, P:updates.
 */


#ifndef _NGX_PIMAP_QUEUE_H_INCLUDED_
#define _NGX_PIMAP_QUEUE_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_command.h"


typedef struct {
    ngx_str_t    id;
    ngx_str_t    json;
    ngx_uint_t   line;                  /* of a body; for who has one */
} ngx_pimap_queued_t;


/*
 * Adds all or none; those that are there already are not added again.  NULL:
 * nothing was sent, and "why" is set.
 */
ngx_pimap_command_t *ngx_pimap_update_stream_add(ngx_str_t *account,
    ngx_str_t *device, ngx_pimap_queued_t *updates, ngx_uint_t n,
    ngx_pimap_command_pt handler, void *data, const char **why);

/*
 * What became of so many.  NGX_HTTP_ACCEPTED: the reply is an array, with a
 * text for each that has a result.  NGX_HTTP_CONFLICT: "at" (from 0) had been
 * sent with another text.  Else NGX_HTTP_SERVICE_UNAVAILABLE.  But for the
 * first, "why" is set.
 */
ngx_uint_t ngx_pimap_update_stream_answer(redisReply *reply, ngx_uint_t n,
    ngx_log_t *log, ngx_uint_t *at, const char **why);


#endif /* _NGX_PIMAP_QUEUE_H_INCLUDED_ */
