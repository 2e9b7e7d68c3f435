
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the HTTP port: /auth for nginx's auth_request, /poke, /metrics,
 * /accounts and /healthz.
 */


#ifndef _BRIDGE_HTTP_H_INCLUDED_
#define _BRIDGE_HTTP_H_INCLUDED_


#include "bridge_auth.h"

#include <event2/buffer.h>
#include <event2/http.h>


/* Listens as the settings say; -1, and a line in the log, if it can't. */
int bridge_http_init(bridge_config_t *config);

/* The same with new settings; the old place stays if the new one is bad. */
int bridge_http_reload(bridge_config_t *config);

void bridge_http_done(void);


/*
 * bridge_http_login.c: the login of a request, and its client's address; NULL:
 * there is none, or it can't be one.
 */
bridge_login_t *bridge_http_login(struct evhttp_request *r);


/*
 * bridge_metrics.c: the page of the counters for Prometheus, and the health
 * of the process.
 */

/* Both return the HTTP status: the text format of Prometheus, and JSON with
   the reason of bad health. */
int bridge_metrics_page(struct evbuffer *page, const char *query);

int bridge_metrics_health(struct evbuffer *page, const char *query);


/*
 * bridge_accounts.c: the accounts with their states, as JSON.  The query may
 * have "account", or "state".
 */
int bridge_accounts_page(struct evbuffer *page, const char *query);


#endif /* _BRIDGE_HTTP_H_INCLUDED_ */
