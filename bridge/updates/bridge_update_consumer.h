
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The devices' updates: read from the stream, carried out by the session of
 * the account, answered.
 */


#ifndef _BRIDGE_UPDATE_H_INCLUDED_
#define _BRIDGE_UPDATE_H_INCLUDED_


#include "bridge_account.h"


void bridge_update_consumer_init(void);

/* What was not begun is left to another bridge. */
void bridge_update_consumer_done(void);

/* The functions are there (again). */
void bridge_update_consumer_redis_ready(void);

/* The account's session is ready, or it is another bridge's, or waits. */
void bridge_update_consumer_moved(bridge_account_t *account);

/* An update of the account is under way. */
int bridge_update_consumer_busy(bridge_account_t *account);

/* Another bridge has got an entry of an account of ours. */
void bridge_update_consumer_offered(const char *id);


#endif /* _BRIDGE_UPDATE_H_INCLUDED_ */
