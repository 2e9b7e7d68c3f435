
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The session of an account: what it tells is published, with the state of
 * the mailbox, in one step; when it fails another one follows, later and
 * later, or never, if the login was refused.
 */


#ifndef _BRIDGE_WATCH_H_INCLUDED_
#define _BRIDGE_WATCH_H_INCLUDED_


#include "bridge_account.h"


/* The lease is ours; names and states of its mailboxes, as Redis has them. */
void bridge_session_open(bridge_account_t *account, redisReply **states,
    size_t n);

/* A mailbox's events, or those of a collection, and its state: soon; if it
   can't be done the session ends. */
void bridge_session_put(bridge_account_t *account, const char *name,
    json_t *events, json_t *state);

/* Those of names and values that can be read, as an object. */
json_t *bridge_session_states(redisReply **states, size_t n);

/* At once; not within the session's callbacks. */
void bridge_session_close(bridge_account_t *account, int logout);

/* Soon: ends the session, and begins another one. */
void bridge_session_again(bridge_account_t *account);

/* The session is to end: the account's timer. */
void bridge_session_ended(bridge_account_t *account);

/* Without a session: tries again after the time, or later. */
void bridge_session_later(bridge_account_t *account, bridge_msec_t wait);

/* The session if it can carry out updates, or NULL. */
imap_session_t *bridge_session_imap(bridge_account_t *account);


#endif /* _BRIDGE_WATCH_H_INCLUDED_ */
