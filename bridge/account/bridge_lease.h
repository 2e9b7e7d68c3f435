
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the lease of an account: the bridge with the lease has the session.  A
 * lease is in Redis for a time and is renewed.  Each session has a lease with
 * a generation of its own; Redis refuses what another session publishes.
 */


#ifndef _BRIDGE_LEASE_H_INCLUDED_
#define _BRIDGE_LEASE_H_INCLUDED_


#include "bridge_account.h"
#include "bridge_redis.h"


/* The supervisor gives these. */

typedef struct {

    /* names and states of mailboxes and collections, as Redis has them */
    void  (*granted)(bridge_account_t *account, redisReply **states, size_t n);

    /* account->holder has the lease; the next look is in "wait" msec */
    void  (*other)(bridge_account_t *account, bridge_msec_t wait);

    /* no answer from Redis */
    void  (*failed)(bridge_account_t *account);

    /* the lease of another bridge may be free now */
    void  (*available)(bridge_account_t *account);

    /* the lease is not ours any more */
    void  (*lost)(bridge_account_t *account);
} bridge_lease_ops_t;


void bridge_lease_open(const bridge_lease_ops_t *ops);
void bridge_lease_init(bridge_account_t *account);

/* Asks for the lease: granted(), other() or failed() follows. */
void bridge_lease_take(bridge_account_t *account);

/* Hands the lease back, if it is ours. */
void bridge_lease_release(bridge_account_t *account);

/* Redis says that it is not ours. */
void bridge_lease_lost(bridge_account_t *account);

/* Another bridge has the lease.  Returns the msec until the next look; 0: it
   is time to ask for the lease. */
bridge_msec_t bridge_lease_look(bridge_account_t *account);

/* A bridge has left or died. */
void bridge_lease_orphaned(const char *bridge);

/* Messages of other bridges: "<bridge> <account>", "<account>". */
void bridge_lease_give(const char *text, size_t len);
void bridge_lease_given(const char *text, size_t len);


#endif /* _BRIDGE_LEASE_H_INCLUDED_ */
