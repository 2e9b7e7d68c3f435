
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns one login at the IMAP server: a session that logs in, and out again.
 */


#ifndef _BRIDGE_AUTH_ATTEMPT_H_INCLUDED_
#define _BRIDGE_AUTH_ATTEMPT_H_INCLUDED_


#include "bridge_login.h"


typedef struct bridge_auth_attempt_s  bridge_auth_attempt_t;

/* Called once; the attempt is freed after that. */
typedef void (*bridge_auth_attempt_pt)(void *data, bridge_login_t *login,
    bridge_auth_result_t result);


/* Returns NULL if the server has too many connections, or there is none. */
bridge_auth_attempt_t *bridge_auth_attempt(bridge_login_t *login,
    bridge_auth_attempt_pt done, void *data);

/* Gives up: done() is called with BRIDGE_AUTH_AWAY. */
void bridge_auth_attempt_cancel(bridge_auth_attempt_t *attempt);


#endif /* _BRIDGE_AUTH_ATTEMPT_H_INCLUDED_ */
