
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the check of logins.  The IMAP server is asked once for all requests
 * with the same login.  Its answer is kept for a while, under a keyed hash
 * whose key is never stored.
 */


#ifndef _BRIDGE_AUTH_H_INCLUDED_
#define _BRIDGE_AUTH_H_INCLUDED_


#include "bridge_login.h"


typedef struct bridge_auth_wait_s  bridge_auth_wait_t;

typedef void (*bridge_auth_pt)(void *data, bridge_auth_result_t result,
    const char *account);


void bridge_auth_init(void);
void bridge_auth_done(void);

/* The handler is called once: before this returns NULL, or later. */
bridge_auth_wait_t *bridge_auth_check(bridge_login_t *login,
    bridge_auth_pt handler, void *data);

/* The request is gone: the handler is not called. */
void bridge_auth_gone(bridge_auth_wait_t *wait);

/* The server has refused a session with this login. */
void bridge_auth_refused(bridge_login_t *login);

/* Forgets all results. */
void bridge_auth_flush(void);

/* The account of a login's user; to be freed. */
char *bridge_auth_account(const char *user);

unsigned bridge_auth_cached(void);
unsigned bridge_auth_waiting(void);


#endif /* _BRIDGE_AUTH_H_INCLUDED_ */
