
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns account->present: whether a device of the account is parked.  nginx
 * announces devices, and the bridge also asks Redis for the subscribers, as an
 * announcement can be missed.
 */


#ifndef _BRIDGE_PRESENCE_H_INCLUDED_
#define _BRIDGE_PRESENCE_H_INCLUDED_


#include "bridge_account.h"


void bridge_presence_init(bridge_account_t *account);

/* A device is about to park. */
void bridge_presence_soon(bridge_account_t *account);

/* The subscriber listens, and may have missed announcements before. */
void bridge_presence_listening(void);

/* An announcement of nginx: "+ <account>" or "- <account>". */
void bridge_presence_message(const char *text, size_t len);


#endif /* _BRIDGE_PRESENCE_H_INCLUDED_ */
