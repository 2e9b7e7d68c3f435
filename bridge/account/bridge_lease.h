
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Leases: which of several bridges watches an account.  A lease lives in
 * Redis for a time and is renewed; each session has it with a generation of
 * its own, and what is published by another one is refused there.
 */


#ifndef _BRIDGE_LEASE_H_INCLUDED_
#define _BRIDGE_LEASE_H_INCLUDED_


#include "bridge_account.h"


void bridge_lease_open(void);

/* An account begins, and ends. */
void bridge_lease_init(bridge_account_t *account);
void bridge_lease_stop(bridge_account_t *account);

/* Asks for the lease; bridge_session_open() follows, or the state OTHER. */
void bridge_lease_take(bridge_account_t *account);

/* Hands it back, if it is ours. */
void bridge_lease_release(bridge_account_t *account);

/* Another bridge's: is it still there? */
void bridge_lease_look(bridge_account_t *account);

/* A bridge has left or died: its accounts may be taken. */
void bridge_lease_orphaned(const char *bridge);

/* "<bridge> <generation>" of the session; to be freed. */
char *bridge_lease_value(bridge_account_t *account);


#endif /* _BRIDGE_LEASE_H_INCLUDED_ */
