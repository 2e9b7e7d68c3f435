
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the IMAP session of an account, and its state (bridge_account.h).
 * Invariant: a session begins with the states that Redis has, so that it
 * reports what an earlier session could not publish.
 */


#ifndef _BRIDGE_SESSION_H_INCLUDED_
#define _BRIDGE_SESSION_H_INCLUDED_


#include "bridge_account.h"
#include "bridge_redis.h"


/* The supervisor gives these. */

typedef struct {
    void  (*ready)(bridge_account_t *account);
    void  (*failed)(bridge_account_t *account, imap_fail_t reason);
} bridge_session_ops_t;


void bridge_session_init(const bridge_session_ops_t *ops);

/* Names and states of mailboxes and collections, as they are in Redis.
   Returns -1 if no login is there, or no connection can be begun. */
int bridge_session_open(bridge_account_t *account, redisReply **states,
    size_t n);

/* At once; not within the callbacks of the IMAP or DAV client. */
void bridge_session_close(bridge_account_t *account, int logout);

/* The session is to end, see the states.  The timer of the account is due. */
void bridge_session_end(bridge_account_t *account,
    bridge_session_state_t state);

/* The session if it can execute updates, or NULL. */
imap_session_t *bridge_session_imap(bridge_account_t *account);


#endif /* _BRIDGE_SESSION_H_INCLUDED_ */
