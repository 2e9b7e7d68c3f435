
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A name and a secret that belongs to it, for as long as somebody holds it.
 */


#ifndef _BRIDGE_LOGIN_H_INCLUDED_
#define _BRIDGE_LOGIN_H_INCLUDED_


#include "bridge.h"
#include "imap_session.h"


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

/* Wipes it if nobody else holds it; sets the caller's pointer to NULL. */
void bridge_login_release(bridge_login_t **login);

int bridge_login_equal(const bridge_login_t *a, const bridge_login_t *b);

/*
 * What the session is to say: the login's own, or, if there is none, that of
 * the server's master user for the account.  Returns -1 if there is neither.
 * "name" is a string that has to be freed when the session has copied it.
 */
int bridge_login_for(imap_login_t *to, char **name, bridge_server_t *server,
    const char *account, const bridge_login_t *login);


#endif /* _BRIDGE_LOGIN_H_INCLUDED_ */
