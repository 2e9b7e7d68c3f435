
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns a user's name with its secret, counted by references and wiped at the
 * end.
 */


#ifndef _BRIDGE_LOGIN_H_INCLUDED_
#define _BRIDGE_LOGIN_H_INCLUDED_


#include "bridge_config.h"


/* The answer to a login. */

typedef enum {
    BRIDGE_AUTH_GOOD = 0,
    BRIDGE_AUTH_BAD,
    BRIDGE_AUTH_AWAY,                   /* the server does not answer */
    BRIDGE_AUTH_BUSY                    /* too many logins wait already */
} bridge_auth_result_t;


typedef struct {
    unsigned    refs;
    unsigned    bearer:1;               /* the secret is a token */
    size_t      len;                    /* of the secret */
    char       *user;
    char        secret[1];
} bridge_login_t;


/* The secret may be wiped by the caller afterwards. */
bridge_login_t *bridge_login_create(const char *user, const char *secret,
    size_t len, int bearer);

bridge_login_t *bridge_login_hold(bridge_login_t *login);

/* Wipes it with the last reference; sets the caller's pointer to NULL. */
void bridge_login_release(bridge_login_t **login);

int bridge_login_equal(const bridge_login_t *a, const bridge_login_t *b);

/*
 * The login of a session: "login", or, if it is NULL, that of the server's
 * master user for the account.  Returns -1 if there is neither.  The caller
 * frees "name" as soon as the session has copied it.
 */
int bridge_login_for(imap_login_t *to, char **name, bridge_server_t *server,
    const char *account, const bridge_login_t *login);


#endif /* _BRIDGE_LOGIN_H_INCLUDED_ */
