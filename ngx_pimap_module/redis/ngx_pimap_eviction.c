
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the warning that Redis may evict what must stay: revoked logins, and
 * the ids of updates.  Called by the room's client.
 */


#include "ngx_pimap_command.h"
#include "ngx_pimap_zone.h"


static void ngx_pimap_eviction_answer(void *data, redisReply *reply);
static ngx_str_t ngx_pimap_eviction_field(redisReply *reply,
    const char *name);


/* Without the right to ask, nothing is said. */

void
ngx_pimap_eviction_check(ngx_pimap_node_t *node)
{
    (void) ngx_pimap_command_send_node(node, ngx_pimap_eviction_answer, NULL,
                                       "INFO memory");
}


static void
ngx_pimap_eviction_answer(void *data, redisReply *reply)
{
    ngx_str_t   limit, policy;
    ngx_uint_t  level;

    if (reply == NULL || reply->type != REDIS_REPLY_STRING) {
        return;
    }

    limit = ngx_pimap_eviction_field(reply, "\nmaxmemory:");
    policy = ngx_pimap_eviction_field(reply, "\nmaxmemory_policy:");

    if (limit.len == 0 || ngx_pimap_is(&limit, "0")
        || policy.len == 0 || ngx_pimap_is(&policy, "noeviction"))
    {
        return;
    }

    level = ngx_pimap_zone_trouble(NGX_PIMAP_TROUBLE_EVICTION, NGX_LOG_WARN);

    ngx_log_error(level, ngx_cycle->log, 0,
                  "pimap: Redis may evict revoked logins, which are valid "
                  "again then, and add updates twice: its "
                  "\"maxmemory-policy\" is \"%V\", set \"noeviction\"",
                  &policy);
}


/* hiredis ends the text with a zero. */

static ngx_str_t
ngx_pimap_eviction_field(redisReply *reply, const char *name)
{
    ngx_str_t  value;

    ngx_str_null(&value);

    value.data = (u_char *) ngx_strstr(reply->str, name);

    if (value.data) {
        value.data += ngx_strlen(name);
        value.len = strcspn((char *) value.data, "\r\n");
    }

    return value;
}
