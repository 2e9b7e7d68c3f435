
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the stream P:updates, which backends read.  Called by updates/ and by
 * locations.  Invariant: adding an update again is harmless.
 */


#ifndef _NGX_PIMAP_UPDATE_STREAM_H_INCLUDED_
#define _NGX_PIMAP_UPDATE_STREAM_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_command.h"


typedef struct {
    ngx_str_t    id;
    ngx_str_t    json;
    ngx_uint_t   line;                  /* of a body, if any */
} ngx_pimap_update_item_t;


/*
 * Adds all updates or none; an update that is there is not added again.  NULL:
 * nothing was sent, and "why" is set.
 */
ngx_pimap_command_t *ngx_pimap_update_stream_add(ngx_str_t *account,
    ngx_str_t *device, ngx_pimap_update_item_t *updates, ngx_uint_t n,
    ngx_pimap_command_pt handler, void *data, const char **why);

/*
 * The reply for n updates.  NGX_HTTP_ACCEPTED: it is an array, with a text for
 * each update that has a result.  NGX_HTTP_CONFLICT: the update "at" (from 0)
 * was sent before with another text.  NGX_HTTP_SERVICE_UNAVAILABLE: an error.
 * "why" is set but for the first.
 */
ngx_uint_t ngx_pimap_update_stream_answer(redisReply *reply, ngx_uint_t n,
    ngx_log_t *log, ngx_uint_t *at, const char **why);


#endif /* _NGX_PIMAP_UPDATE_STREAM_H_INCLUDED_ */
