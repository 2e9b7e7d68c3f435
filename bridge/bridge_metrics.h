
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Counters, the page of them for Prometheus, and whether all is well.
 */


#ifndef _BRIDGE_METRICS_H_INCLUDED_
#define _BRIDGE_METRICS_H_INCLUDED_


#include "bridge.h"
#include "bridge_auth.h"

#include <event2/buffer.h>


typedef struct {
    uint64_t  published;
    uint64_t  dropped;                  /* not an event, by Redis' word */
    uint64_t  unpublished;              /* batches; the session began anew */
    uint64_t  logins;                   /* sessions that got in */
    uint64_t  failures[IMAP_FAIL_PROTOCOL + 1];
    uint64_t  auth[BRIDGE_AUTH_BUSY + 1];
    uint64_t  auth_cached;
    uint64_t  updates;
    uint64_t  updates_unknown;
} bridge_metrics_t;


extern bridge_metrics_t  bridge_metrics;


/* The text format of Prometheus. */
void bridge_metrics_page(struct evbuffer *page);

/* JSON with what is wrong, if anything; returns the HTTP status. */
int bridge_metrics_health(struct evbuffer *page);


#endif /* _BRIDGE_METRICS_H_INCLUDED_ */
