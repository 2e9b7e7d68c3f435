
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the updates that this bridge has read, and the state of each.  Those of
 * an account are executed in the order in which they came.
 */


#ifndef _BRIDGE_UPDATE_ENTRY_H_INCLUDED_
#define _BRIDGE_UPDATE_ENTRY_H_INCLUDED_


#include "bridge_account.h"
#include "bridge_redis.h"


/* An entry of the stream: [ id, [ field, value, ... ] ]. */
void bridge_update_entry_add(redisReply *reply);

/* The bridge ends: what was not begun is left to another bridge. */
void bridge_update_entries_done(void);

unsigned bridge_update_entries_count(void);

/* The session of the account is ready, or another bridge has the lease. */
void bridge_update_entries_run(bridge_account_t *account);


#endif /* _BRIDGE_UPDATE_ENTRY_H_INCLUDED_ */
