
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The accounts that this bridge knows: those for which it has a login, or
 * those of a server with a master user that have a device parked.
 *
 *     presence    is a device parked?
 *     lease       is it ours, or another bridge's?
 *     watch       the session
 *
 * Each of these rooms changes its own part, and calls
 * bridge_account_consider(), which finds out what is to be done next.
 */


#ifndef _BRIDGE_ACCOUNT_H_INCLUDED_
#define _BRIDGE_ACCOUNT_H_INCLUDED_


#include "bridge.h"
#include "bridge_backoff.h"
#include "bridge_redis_command.h"
#include "bridge_login.h"

#include <sys/queue.h>

#include <uthash.h>

#include "imap_client.h"


typedef enum {
    BRIDGE_ACCOUNT_IDLE = 0,            /* nothing to do, or nothing to do it
                                           with */
    BRIDGE_ACCOUNT_QUEUED,              /* waits to be allowed to connect */
    BRIDGE_ACCOUNT_TAKING,              /* asks for its lease */
    BRIDGE_ACCOUNT_OPEN,                /* has a session */
    BRIDGE_ACCOUNT_WAITING,             /* a session failed; the timer */
    BRIDGE_ACCOUNT_OTHER                /* another bridge's; the timer */
} bridge_account_state_t;


struct bridge_account_s {
    UT_hash_handle           hh;
    char                    *name;
    bridge_account_state_t   state;
    unsigned                 pending;   /* commands that point here */

    bridge_login_t          *login;     /* NULL: a master user's */
    bridge_msec_t            until;     /* watched, although nobody is there */
    bridge_msec_t            keep;      /* the login, although not watched */
    struct event             presence;  /* the next look */

    char                    *holder;    /* the bridge that has the lease */
    uint64_t                 generation;
    struct event             lease;     /* the next renewal */

    TAILQ_ENTRY(bridge_account_s)  link;    /* of those that are queued */
    struct event             timer;     /* of WAITING, OTHER; or to close */
    bridge_backoff_t         backoff;
    bridge_server_t         *server;    /* of the session, whose config is
                                           held */
    imap_client_t           *client;
    struct bridge_session_dav_s     *dav;       /* with it; NULL: none */
    bridge_login_t          *used;      /* the session's; NULL: a master's */
    json_t                  *states;    /* until it is logged in */
    bridge_msec_t            opened;
    bridge_msec_t            since;     /* not watched, but wanted; 0: is */

    unsigned                 present:1;
    unsigned                 held:1;    /* the lease is ours */
    unsigned                 ready:1;   /* the session watches */
    unsigned                 refused:1; /* the login was */
    unsigned                 broken:1;  /* the session has to end */
    unsigned                 again:1;   /* and another one follows at once */
    unsigned                 needed:1;  /* an update waits for the session */
};


void bridge_account_init(void);

/* Logs out of all and hands all leases back. */
void bridge_account_done(void);

bridge_account_t *bridge_account_find(const char *name);

/* Finds or makes one; NULL if there are too many. */
bridge_account_t *bridge_account_get(const char *name);

/*
 * A login that the server has accepted; "checked" if it was asked just now,
 * and not some time ago.
 */
void bridge_account_login(const char *name, bridge_login_t *login,
    int checked);

/* What is to be done next?  Might free the account. */
void bridge_account_consider(bridge_account_t *account);

/* An account that is held by a command under way, and the end of that. */
void bridge_account_hold(bridge_account_t *account);
void bridge_account_release(bridge_account_t *account);

/* Whether we could log in, if we had to. */
int bridge_account_can(bridge_account_t *account);

/* The functions are there (again). */
void bridge_account_redis_ready(void);

/* New settings are in force. */
void bridge_account_reload(void);

void bridge_account_each(void (*handler)(bridge_account_t *account,
    void *data), void *data);

/* For metrics: how many there are, and of those that are this bridge's ... */

typedef struct {
    unsigned  states[BRIDGE_ACCOUNT_OTHER + 1];
    unsigned  with_device;
    unsigned  refused;
    unsigned  with_session;
    unsigned  without_session;          /* but need one, for over a minute */
} bridge_account_counts_t;

void bridge_account_count(bridge_account_counts_t *counts);


#endif /* _BRIDGE_ACCOUNT_H_INCLUDED_ */
