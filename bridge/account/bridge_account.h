
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the accounts that this bridge knows: those with a login, and those of
 * a server with a master user that have a device parked.  A file of this room
 * changes its own members only, and reports by bridge_account_changed().
 */


#ifndef _BRIDGE_ACCOUNT_H_INCLUDED_
#define _BRIDGE_ACCOUNT_H_INCLUDED_


#include "bridge_auth.h"
#include "bridge_counters.h"
#include "bridge_function_library.h"
#include "bridge_subscriber.h"

#include <sys/queue.h>

#include <uthash.h>

#include "pimap_redis_key.h"


#define BRIDGE_ACCOUNT_KEEP  120000     /* msec, for the device to park */

/* The channel of an account, and the beginning of its keys, as a format.  The
   arguments are the prefix and the account's name. */
#define BRIDGE_ACCOUNT_KEY   PIMAP_REDIS_KEY("%s", "%s")


/*
 * bridge_supervisor.c changes the state.
 *
 *     IDLE     -> QUEUED   a session is wanted, and a login is there
 *     QUEUED   -> TAKING   its turn has come
 *              -> WAITING  the server has too many connections
 *     TAKING   -> OPEN     Redis has given the lease
 *              -> IDLE     the same, but no login is there: its devices are
 *                          told to log in again
 *              -> OTHER    another bridge has the lease
 *              -> WAITING  Redis has not answered, or no session was possible
 *     IDLE     -> WAITING  the same, before its turn: a login may come
 *     OPEN     -> WAITING  the session has failed
 *              -> IDLE     the session has lost the lease
 *              -> OTHER    another bridge has asked for the account
 *     WAITING  -> IDLE     the time is over
 *     OTHER    -> IDLE     the lease may be free
 *     any, except TAKING
 *              -> IDLE     no session is wanted
 */

typedef enum {
    BRIDGE_ACCOUNT_IDLE = 0,
    BRIDGE_ACCOUNT_QUEUED,
    BRIDGE_ACCOUNT_TAKING,
    BRIDGE_ACCOUNT_OPEN,
    BRIDGE_ACCOUNT_WAITING,
    BRIDGE_ACCOUNT_OTHER
} bridge_account_state_t;


/*
 * bridge_session.c changes the state.  The timer of the account is due as
 * soon as the session is to end.
 *
 *     NONE     -> OPENING  it connects, logs in, and reports what was missed
 *     OPENING  -> READY    it has reported everything
 *     OPENING, READY
 *              -> ENDING   an event was not published: a later session reports
 *                          it again
 *              -> RENEWING another session is to follow at once
 *     any      -> NONE     it is closed
 */

typedef enum {
    BRIDGE_SESSION_NONE = 0,
    BRIDGE_SESSION_OPENING,
    BRIDGE_SESSION_READY,
    BRIDGE_SESSION_ENDING,
    BRIDGE_SESSION_RENEWING
} bridge_session_state_t;


typedef struct bridge_account_s  bridge_account_t;

struct bridge_account_s {
    UT_hash_handle           hh;
    char                    *name;
    bridge_account_state_t   state;
    struct event             timer;     /* of WAITING, OTHER, ENDING, ... */
    unsigned                 pending;   /* commands that point here */
    unsigned                 updates;   /* that need a session */

    bridge_login_t          *login;     /* NULL: a master user's */
    bridge_msec_t            checked;   /* the server has accepted it; 0: it
                                           may refuse it once more */
    bridge_msec_t            keep;      /* the account without a device */
    bridge_msec_t            until;     /* the session without a device */
    bridge_msec_t            since;     /* a session is wanted; 0: it is there,
                                           or not ours */
    bridge_backoff_t         backoff;
    char                    *why;       /* there is no session; NULL: nothing
                                           has failed */
    bridge_msec_t            due;       /* the end of WAITING */

    struct event             presence;  /* the next question to Redis */

    char                    *holder;    /* the bridge that has the lease */
    uint64_t                 generation;
    struct event             lease;     /* the next renewal */

    TAILQ_ENTRY(bridge_account_s)  link;    /* in the queue to connect */

    bridge_session_state_t   session;
    bridge_server_t         *server;    /* its config is held */
    struct imap_client_s    *client;
    struct bridge_session_dav_s  *dav;  /* NULL: none */
    bridge_login_t          *used;      /* NULL: a master user's */
    json_t                  *states;    /* until the session is logged in */
    bridge_msec_t            ready_at;  /* of the session; 0: never */
    TAILQ_HEAD(bridge_publish_list_s, bridge_publish_call_s)  publishes;
    const char              *how;       /* it learns of changes */

    unsigned                 present:1; /* a device is parked */
    unsigned                 held:1;    /* the lease is ours */
    unsigned                 refused:1; /* the login was */
    unsigned                 relogin:1; /* its devices are to log in again */
    unsigned                 asked:1;   /* they were told so */
    unsigned                 fresh:1;   /* the login: not tried yet */
    unsigned                 elsewhere:1;   /* another bridge has the lease,
                                               and no login is here */
};


/* The metric's labels. */
extern const char *bridge_account_states[];


/* No account is created any more. */
extern int                bridge_account_leaving;

extern bridge_account_t  *bridge_accounts;

#define bridge_account_each(account, next)                                    \
    HASH_ITER(hh, bridge_accounts, account, next)

bridge_account_t *bridge_account_find(const char *name);

/* Finds or creates it; NULL if there are too many. */
bridge_account_t *bridge_account_get(const char *name);

/* Only the supervisor frees accounts. */
void bridge_account_free(bridge_account_t *account);

/* The supervisor decides what follows.  May free the account. */
void bridge_account_changed(bridge_account_t *account);

/* A command under way holds the account. */
void bridge_account_hold(bridge_account_t *account);
void bridge_account_release(bridge_account_t *account);

/* An update needs a session; it keeps the account.  The last one that ends
   leaves the session open for "linger". */
void bridge_account_update_begin(bridge_account_t *account);
void bridge_account_update_end(bridge_account_t *account);

/* Why it has no session; NULL: nothing has failed. */
void bridge_account_set_why(bridge_account_t *account, const char *why);

/* The same for a device, with the server's name; to be freed. */
char *bridge_account_excuse(bridge_account_t *account);

/* The server of its login; NULL: none. */
bridge_server_t *bridge_account_server(bridge_account_t *account);

/* Whether a login is there that was not refused. */
int bridge_account_can(bridge_account_t *account);

/* A device is parked, and no bridge can log in for it. */
int bridge_account_unwatched(bridge_account_t *account);

/* The lease of this session, "<bridge> <generation>"; to be freed. */
char *bridge_account_lease(bridge_account_t *account);

typedef struct {
    uint64_t  states[BRIDGE_ACCOUNT_OTHER + 1];
    uint64_t  with_device;
    uint64_t  refused;
    uint64_t  with_session;
    uint64_t  without_session;          /* but need one, for over a minute */
    uint64_t  unwatched;
} bridge_account_counts_t;

void bridge_account_count(bridge_account_counts_t *counts);


#endif /* _BRIDGE_ACCOUNT_H_INCLUDED_ */
