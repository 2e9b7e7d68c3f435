
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the rate of new connections: so many a second in all, so many at once
 * to a server.  Accounts wait in a queue, the first one is served first.
 */


#ifndef _BRIDGE_CONNECT_RATE_H_INCLUDED_
#define _BRIDGE_CONNECT_RATE_H_INCLUDED_


#include "bridge_account.h"


/* Called when it is an account's turn; it is not in the queue any more.
   "full": its server has too many connections. */
typedef void (*bridge_connect_rate_pt)(bridge_account_t *account, int full);


void bridge_connect_rate_init(bridge_connect_rate_pt ready);
void bridge_connect_rate_done(void);

void bridge_connect_rate_add(bridge_account_t *account);
void bridge_connect_rate_remove(bridge_account_t *account);

/* Serves the queue as far as the rate allows. */
void bridge_connect_rate_run(void);

/* The account has had its turn, but begins no connection. */
void bridge_connect_rate_refund(void);

/* A login that a device waits for does not wait here, but counts.  Returns -1
   if the server has too many connections. */
int bridge_connect_rate_login(bridge_server_t *server);

/* Connections to a server begin (1) or end (-1). */
void bridge_connect_rate_count(bridge_server_t *server, int n);

unsigned bridge_connect_rate_waiting(void);


#endif /* _BRIDGE_CONNECT_RATE_H_INCLUDED_ */
