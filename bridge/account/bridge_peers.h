
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The bridges that are there, and which of them should have an account.
 */


#ifndef _BRIDGE_MEMBERS_H_INCLUDED_
#define _BRIDGE_MEMBERS_H_INCLUDED_


#include "bridge.h"


void bridge_peers_init(void);

/* Tells the others that we leave. */
void bridge_peers_done(void);

int bridge_peers_has(const char *bridge);

/*
 * True if the account should be ours: the bridge with the greatest hash of
 * its own name and the account's has it, so that each account has one, and
 * one that joins or leaves moves no others than its own.
 */
int bridge_peers_prefers(const char *account);

unsigned bridge_peers_count(void);


#endif /* _BRIDGE_MEMBERS_H_INCLUDED_ */
