
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * How fast connections are made: so many a second in all, so many at once to
 * a server.  Who comes first is served first.
 */


#ifndef _BRIDGE_PACE_H_INCLUDED_
#define _BRIDGE_PACE_H_INCLUDED_


#include "bridge_account.h"


void bridge_connect_rate_init(void);
void bridge_connect_rate_done(void);

/* Calls bridge_lease_take() of the account when it is its turn. */
void bridge_connect_rate_add(bridge_account_t *account);
void bridge_connect_rate_remove(bridge_account_t *account);

/* Somebody may go on. */
void bridge_connect_rate_run(void);

/* A connection that was allowed is not made, after all. */
void bridge_connect_rate_refund(void);

/* A login that somebody waits for: it does not wait, but counts.  Returns -1
   if the server has too many connections. */
int bridge_connect_rate_login(bridge_server_t *server);

/* A connection to a server begins, and ends. */
void bridge_connect_rate_opened(bridge_server_t *server);
void bridge_connect_rate_closed(bridge_server_t *server);

unsigned bridge_connect_rate_waiting(void);


#endif /* _BRIDGE_PACE_H_INCLUDED_ */
