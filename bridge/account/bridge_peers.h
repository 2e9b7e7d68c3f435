
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the list of the bridges that are alive, this one among them, and tells
 * which of them should have an account.
 */


#ifndef _BRIDGE_PEERS_H_INCLUDED_
#define _BRIDGE_PEERS_H_INCLUDED_


#include "bridge.h"


/* "gone" is called for each bridge that has left or died. */
void bridge_peers_init(void (*gone)(const char *bridge));

/* Tells the others that this bridge leaves. */
void bridge_peers_done(void);

int bridge_peers_has(const char *bridge);

/*
 * True if this bridge should have the account.  The bridge with the greatest
 * hash of its own name and the account's has it, so that a bridge that joins
 * or leaves moves no other accounts than its own.
 */
int bridge_peers_prefers(const char *account);

unsigned bridge_peers_count(void);


#endif /* _BRIDGE_PEERS_H_INCLUDED_ */
