
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the proof that delivery works: a probe that we publish to a channel of
 * our own has to come back by our subscription.  Called by the room's client.
 */


#ifndef _NGX_PIMAP_PROBE_H_INCLUDED_
#define _NGX_PIMAP_PROBE_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_conf_redis.h"


ngx_int_t ngx_pimap_probe_init_process(ngx_cycle_t *cycle,
    ngx_pimap_conf_redis_t *conf);

/* The channel to subscribe to. */
ngx_str_t *ngx_pimap_probe_channel(void);

/* A connection is up: if both are, sends a probe. */
void ngx_pimap_probe_start(void);

/* A connection is lost: not ready until a probe has come back. */
void ngx_pimap_probe_lost(void);

void ngx_pimap_probe_received(u_char *data, size_t len);


#endif /* _NGX_PIMAP_PROBE_H_INCLUDED_ */
