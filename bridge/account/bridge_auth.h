
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Logins: their memory, one try of a login, and the check with its cache.
 */


#ifndef _BRIDGE_AUTH_H_INCLUDED_
#define _BRIDGE_AUTH_H_INCLUDED_


#include "bridge_address.h"
#include "bridge_config.h"


/*
 * bridge_login.c owns a user's name with its secret, counted by references
 * and wiped at the end.
 */

/* The answer to a login. */

typedef enum {
    BRIDGE_AUTH_GOOD = 0,
    BRIDGE_AUTH_BAD,
    BRIDGE_AUTH_AWAY,                   /* the server does not answer */
    BRIDGE_AUTH_BUSY,                   /* too many logins wait already */
    BRIDGE_AUTH_LIMITED                 /* too many refusals; not tried */
} bridge_auth_result_t;

typedef struct {
    unsigned          refs;
    unsigned          bearer:1;         /* the secret is a token */
    size_t            len;              /* of the secret */
    bridge_address_t  client;           /* that has sent it */
    char             *user;             /* the name of the account, too */
    char              secret[1];
} bridge_login_t;

/*
 * The name is made canonical: all that follows, the server included, knows
 * this name only.  The secret may be wiped by the caller afterwards.
 */
bridge_login_t *bridge_login_create(const char *user, const char *secret,
    size_t len, int bearer);

/* The account's name, of one as users write it.  The caller frees it. */
char *bridge_login_name(const char *user);

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


/*
 * bridge_auth_attempt.c owns one login at the IMAP server: a session that
 * logs in, and out again.
 */

typedef struct bridge_auth_attempt_s  bridge_auth_attempt_t;

/* Called once; the attempt is freed after that.  "why" is for AWAY. */
typedef void (*bridge_auth_attempt_pt)(void *data, bridge_login_t *login,
    bridge_auth_result_t result, const char *why);

/* Returns NULL if the server has too many connections, or there is none. */
bridge_auth_attempt_t *bridge_auth_attempt(bridge_login_t *login,
    bridge_auth_attempt_pt done, void *data);

/* Gives up: done() is called with BRIDGE_AUTH_AWAY. */
void bridge_auth_attempt_cancel(bridge_auth_attempt_t *attempt);


/*
 * bridge_auth_limit.c owns the counts of logins that the server has refused,
 * by the client's address and by account, and the addresses from which an
 * account has logged in.
 */

void bridge_auth_limit_init(void);
void bridge_auth_limit_done(void);

/* 0: the login may be tried, else the seconds until then. */
unsigned bridge_auth_limit(const bridge_login_t *login);

/* The account has logged in from this address, not too long ago. */
int bridge_auth_limit_is_known(const bridge_login_t *login);

/* It is tried; "hash" tells whether the same one was refused before. */
void bridge_auth_limit_begin(const bridge_login_t *login);
void bridge_auth_limit_end(const bridge_login_t *login,
    bridge_auth_result_t result, uint64_t hash);

/* The login is valid: the account has this address. */
void bridge_auth_limit_good(const bridge_login_t *login);

void bridge_auth_limit_expire(bridge_msec_t now);

/* Addresses and accounts with a count. */
unsigned bridge_auth_limit_counted(void);


/*
 * bridge_auth.c owns the check of logins.  The IMAP server is asked once for
 * all requests with the same login.  Its answer is kept for a while, under a
 * keyed hash whose key is never stored.
 */

typedef struct bridge_auth_wait_s  bridge_auth_wait_t;

/* "text": the account, or why the server could not be asked, or NULL. */
typedef void (*bridge_auth_pt)(void *data, bridge_auth_result_t result,
    const char *text);

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

unsigned bridge_auth_cached(void);
unsigned bridge_auth_waiting(void);


#endif /* _BRIDGE_AUTH_H_INCLUDED_ */
