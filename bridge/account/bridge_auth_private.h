
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A login that is being tried, or the result of that; who waits for it.
 */


#ifndef _BRIDGE_AUTH_ENTRY_H_INCLUDED_
#define _BRIDGE_AUTH_ENTRY_H_INCLUDED_


#include "bridge_account.h"
#include "bridge_auth.h"


#define BRIDGE_AUTH_DIGEST  32


typedef struct bridge_auth_entry_s  bridge_auth_entry_t;

struct bridge_auth_wait_s {
    TAILQ_ENTRY(bridge_auth_wait_s)   link;
    bridge_auth_entry_t              *entry;    /* NULL: only delayed */
    bridge_auth_pt                    handler;
    void                             *data;
    struct event                      timer;
};

typedef TAILQ_HEAD(, bridge_auth_wait_s)   bridge_auth_waits_t;
typedef TAILQ_HEAD(, bridge_auth_entry_s)  bridge_auth_entries_t;

struct bridge_auth_entry_s {
    UT_hash_handle                    hh;
    unsigned char                     digest[BRIDGE_AUTH_DIGEST];
    TAILQ_ENTRY(bridge_auth_entry_s)  link;
    bridge_msec_t                     expires;
    bridge_auth_entries_t            *list;     /* NULL: being tried */

    bridge_login_t                   *login;    /* while it is tried */
    bridge_server_t                  *server;
    imap_client_t                    *client;
    struct event                      timer;
    bridge_auth_result_t              result;
    bridge_auth_waits_t               waits;
};


/* What was found out: for the cache, or nothing, and the entry goes. */
void bridge_auth_keep(bridge_auth_entry_t *entry,
    bridge_auth_result_t result);

void bridge_auth_wait_end(bridge_auth_wait_t *wait,
    bridge_auth_result_t result, const char *account);

/* It was a bad login: its answer comes later. */
void bridge_auth_slow_down(bridge_auth_wait_t *wait);

/* Asks the server; NULL if it has too many connections, or there is none. */
bridge_auth_entry_t *bridge_auth_attempt(bridge_login_t *login);

/* That is over: answers, closes, keeps. */
void bridge_auth_finish(bridge_auth_entry_t *entry,
    bridge_auth_result_t result);


#endif /* _BRIDGE_AUTH_ENTRY_H_INCLUDED_ */
