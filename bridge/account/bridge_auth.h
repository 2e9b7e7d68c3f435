
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Logins: whether a name and its secret are good, which only the IMAP server
 * knows.  It is asked once for many who ask us at the same time, and what it
 * said is kept for a while, by a keyed hash that dies with the process.
 */


#ifndef _BRIDGE_AUTH_H_INCLUDED_
#define _BRIDGE_AUTH_H_INCLUDED_


#include "bridge.h"
#include "bridge_login.h"


typedef enum {
    BRIDGE_AUTH_GOOD = 0,
    BRIDGE_AUTH_BAD,
    BRIDGE_AUTH_AWAY,                   /* the server can't be asked */
    BRIDGE_AUTH_BUSY                    /* too many wait already */
} bridge_auth_result_t;

typedef struct bridge_auth_wait_s  bridge_auth_wait_t;

typedef void (*bridge_auth_pt)(void *data, bridge_auth_result_t result,
    const char *account);


void bridge_auth_init(void);
void bridge_auth_done(void);

/*
 * The handler is called once: before this returns, which is NULL then, or
 * later, unless who waits is gone.
 */
bridge_auth_wait_t *bridge_auth_check(bridge_login_t *login,
    bridge_auth_pt handler, void *data);
void bridge_auth_gone(bridge_auth_wait_t *wait);

/* A session was refused with it: it is not good any more. */
void bridge_auth_refused(bridge_login_t *login);

/* Forgets all results. */
void bridge_auth_flush(void);

/* The account of a login's user; to be freed. */
char *bridge_auth_account(const char *user);

unsigned bridge_auth_cached(void);
unsigned bridge_auth_waiting(void);


#endif /* _BRIDGE_AUTH_H_INCLUDED_ */
