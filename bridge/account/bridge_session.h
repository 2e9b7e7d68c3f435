
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The session of an account: the bridge with the lease has it, and publishes.
 */


#ifndef _BRIDGE_SESSION_H_INCLUDED_
#define _BRIDGE_SESSION_H_INCLUDED_


#include "bridge_account.h"


/*
 * bridge_session.c owns the IMAP session of an account, and its state
 * (bridge_account.h).  Invariant: a session begins with the states that Redis
 * has, so that it reports what an earlier session could not publish.
 */

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


/*
 * bridge_session_dav.c owns the contacts and calendars of an account.  They
 * are watched beside its IMAP session, under the same lease.
 */

/* The IMAP session begins, and ends.  The states are borrowed. */
void bridge_session_dav_open(bridge_account_t *account, json_t *states);
void bridge_session_dav_close(bridge_account_t *account);

/* A login was good: the DAV server may take it now. */
void bridge_session_dav_soon(bridge_account_t *account);

/* "watched", "waiting" or "opening", or NULL if there is no DAV server; and
   why, or NULL. */
const char *bridge_session_dav_status(bridge_account_t *account,
    const char **why);

/* A message: something has changed on the server of this account. */
void bridge_session_dav_poke(const char *name, size_t len);

/* True if the update is for the DAV server. */
int bridge_session_dav_is(json_t *update);
void bridge_session_dav_update(bridge_account_t *account, json_t *update,
    dav_update_done_pt done, void *ctx);


/*
 * bridge_lease.c owns the lease of an account: the bridge with the lease has
 * the session.  A lease is in Redis for a time and is renewed.  Each session
 * has a lease with a generation of its own; Redis refuses what another
 * session publishes.
 */

void bridge_lease_init(bridge_account_t *account);

/* Asks for the lease: granted(), other() or untaken() follows. */
void bridge_lease_take(bridge_account_t *account);

/* Hands the lease back, if it is ours. */
void bridge_lease_release(bridge_account_t *account);

/* Redis says that it is not ours.  The session ends. */
void bridge_lease_lost(bridge_account_t *account);

/* Another bridge has the lease.  Returns the msec until the next look; 0: it
   is time to ask for the lease. */
bridge_msec_t bridge_lease_look(bridge_account_t *account);

/* A bridge has left or died. */
void bridge_lease_orphaned(const char *bridge);

/* Messages of other bridges: "<bridge> <account>", "<account>". */
void bridge_lease_give(const char *text, size_t len);
void bridge_lease_given(const char *text, size_t len);


/*
 * bridge_publish.c owns the way of events into Redis: the events of a mailbox
 * or collection and its new state are written in one step, under the lease of
 * the session.
 */

void bridge_publish_init(bridge_account_t *account);

/* "name" is that of a mailbox or collection; state == NULL removes it. */
void bridge_publish(bridge_account_t *account, const char *name,
    json_t *events, json_t *state);

/* The session is closed: what was not sent is not sent any more. */
void bridge_publish_forget(bridge_account_t *account);

/* An object of the stored states, without those that are not JSON. */
json_t *bridge_publish_states(redisReply **states, size_t n);

/* bridge_jmap.c: the StateChange for these events; NULL if they touch no type
   of JMAP. */
json_t *bridge_jmap_state_change(const char *account, json_t *events);


#endif /* _BRIDGE_SESSION_H_INCLUDED_ */
