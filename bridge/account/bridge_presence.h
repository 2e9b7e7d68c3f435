
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Whether a device of an account is parked: what nginx announces, and a look
 * of our own at the number of subscribers, as announcements can be missed.
 */


#ifndef _BRIDGE_PRESENCE_H_INCLUDED_
#define _BRIDGE_PRESENCE_H_INCLUDED_


#include "bridge_account.h"


void bridge_presence_open(void);

/* An account begins, and ends. */
void bridge_presence_init(bridge_account_t *account);
void bridge_presence_stop(bridge_account_t *account);

/* A device is about to park. */
void bridge_presence_soon(bridge_account_t *account);

/* The subscriber listens, maybe after a time in which it did not. */
void bridge_presence_listening(void);


#endif /* _BRIDGE_PRESENCE_H_INCLUDED_ */
