
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the contacts and calendars of an account.  They are watched beside its
 * IMAP session, under the same lease.
 */


#ifndef _BRIDGE_SESSION_DAV_H_INCLUDED_
#define _BRIDGE_SESSION_DAV_H_INCLUDED_


#include "bridge_account.h"


/* The IMAP session begins, and ends.  The states are borrowed. */
void bridge_session_dav_open(bridge_account_t *account, json_t *states);
void bridge_session_dav_close(bridge_account_t *account);

/* A message: something has changed on the server of this account. */
void bridge_session_dav_poke(const char *name, size_t len);

/* True if the update is for the DAV server. */
int bridge_session_dav_is(json_t *update);
void bridge_session_dav_update(bridge_account_t *account, json_t *update,
    dav_update_done_pt done, void *ctx);


#endif /* _BRIDGE_SESSION_DAV_H_INCLUDED_ */
