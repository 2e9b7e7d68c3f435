
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the HTTP port: /auth for nginx's auth_request, /poke, /metrics and
 * /healthz.
 */


#ifndef _BRIDGE_HTTP_H_INCLUDED_
#define _BRIDGE_HTTP_H_INCLUDED_


#include "bridge_config.h"

#include <event2/buffer.h>


/* Listens as the settings say; -1, and a line in the log, if it can't. */
int bridge_http_init(bridge_config_t *config);

/* The same with new settings; the old place stays if the new one is bad. */
int bridge_http_reload(bridge_config_t *config);

void bridge_http_done(void);


/*
 * bridge_metrics.c: the page of the counters for Prometheus, and the health
 * of the process.
 */

/* Both return the HTTP status: the text format of Prometheus, and JSON with
   the reason of bad health. */
int bridge_metrics_page(struct evbuffer *page);

int bridge_metrics_health(struct evbuffer *page);


#endif /* _BRIDGE_HTTP_H_INCLUDED_ */
