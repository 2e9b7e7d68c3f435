
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the sending keys that a hibernated connection keeps.  Called before
 * each message.  Invariant: a device that gets nothing but pings has none.
 */


#include "ngx_pimap_connection_private.h"
#include "ngx_pimap_device_room.h"
#include "ngx_pimap_heap.h"


#define NGX_PIMAP_CONNECTION_KEYS_IDLE  60      /* seconds, without pings */


/* Without memory they are derived for each message. */

void
ngx_pimap_connection_keys(ngx_pimap_connection_t *pc)
{
    uint32_t             idle, limit;
    ngx_pimap_device_t  *d;

    d = pc->device;

    idle = ngx_pimap_timer_wheel_now() - d->sent_at;
    limit = d->ping ? d->ping : NGX_PIMAP_CONNECTION_KEYS_IDLE;

    if (idle >= limit) {
        ngx_pimap_connection_keys_free(pc);

    } else if (pc->keys == NULL) {
        pc->keys = ngx_pimap_heap_record(sizeof(ngx_pimap_tls13_keys_t),
                                         pc->connection->log);

        ngx_pimap_connection_dbg(pc, "keys kept");
    }
}


void
ngx_pimap_connection_keys_free(ngx_pimap_connection_t *pc)
{
    if (pc->keys) {
        ngx_pimap_connection_dbg(pc, "keys wiped");

        ngx_explicit_memzero(pc->keys, sizeof(ngx_pimap_tls13_keys_t));
        ngx_pimap_heap_record_free(pc->keys);
        pc->keys = NULL;
    }
}
