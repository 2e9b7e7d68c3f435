
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the command that publishes one event, and its reply.  Called by
 * publish_request and publish_batch.  Invariant: an event goes through the
 * log, or by PUBLISH where Redis has no functions.
 */


#include "ngx_pimap_locations.h"
#include "ngx_pimap_publish.h"
#include "ngx_pimap_zone.h"


ngx_pimap_command_t *
ngx_pimap_publish_command(ngx_str_t *account, ngx_str_t *event,
    ngx_str_t *key, ngx_pimap_command_pt handler, void *data)
{
    switch (ngx_pimap_function_library_state(ngx_pimap_node_slot(account))) {

    case NGX_PIMAP_FUNCTION_LIBRARY_MISSING:
        return ngx_pimap_command_publish(account, event, handler, data);

    case NGX_PIMAP_FUNCTION_LIBRARY_READY:
        return ngx_pimap_event_log_post(account, event, key, handler, data);

    default:
        return NULL;
    }
}


/* PUBLISH: receivers; pimap_post: [id, receivers, duplicate]. */

ngx_int_t
ngx_pimap_publish_command_reply(redisReply *reply, ngx_str_t *id,
    ngx_uint_t *receivers)
{
    pimap_event_id_t  position;

    ngx_str_null(id);

    if (reply && reply->type == REDIS_REPLY_INTEGER) {
        *receivers = reply->integer;
        ngx_pimap_count(published);
        return NGX_OK;
    }

    if (reply && reply->type == REDIS_REPLY_ARRAY && reply->elements >= 2
        && reply->element[1]->type == REDIS_REPLY_INTEGER
        && ngx_pimap_event_log_id(reply->element[0], &position) == NGX_OK)
    {
        id->data = (u_char *) reply->element[0]->str;
        id->len = ngx_min(reply->element[0]->len, PIMAP_EVENT_ID_LEN);
        *receivers = reply->element[1]->integer;
        ngx_pimap_count(published);
        return NGX_OK;
    }

    ngx_pimap_count(publish_failed);

    return NGX_ERROR;
}


const char *
ngx_pimap_publish_command_refusal(ngx_str_t *account, redisReply *reply,
    ngx_log_t *log)
{
    if (reply == NULL || reply->type != REDIS_REPLY_ERROR) {
        return NULL;
    }

    if (ngx_strncmp(reply->str, "PIMAP ", 6) == 0) {
        return reply->str + 6;
    }

    ngx_pimap_function_library_refused(ngx_pimap_node_slot(account), "publish",
                                       reply, log);

    return NULL;
}
