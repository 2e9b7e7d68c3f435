
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The page of the counters for Prometheus, and the health of the process.
 */


#ifndef _BRIDGE_METRICS_H_INCLUDED_
#define _BRIDGE_METRICS_H_INCLUDED_


#include <event2/buffer.h>


/* Both return the HTTP status: the text format of Prometheus, and JSON with
   the reason of bad health. */
int bridge_metrics_page(struct evbuffer *page);

int bridge_metrics_health(struct evbuffer *page);


#endif /* _BRIDGE_METRICS_H_INCLUDED_ */
