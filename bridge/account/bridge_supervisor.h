
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * When an account has a session: the decisions, and the files that report for
 * them.
 */


#ifndef _BRIDGE_SUPERVISOR_H_INCLUDED_
#define _BRIDGE_SUPERVISOR_H_INCLUDED_


#include "bridge_session.h"


/* The files of this room report by these, and the supervisor decides. */

typedef struct {
    void  (*created)(bridge_account_t *account);
    void  (*changed)(bridge_account_t *account);    /* may free it */
    event_callback_fn  timer;                       /* of the account */

    /* its turn to connect; "full": its server has too many connections */
    void  (*turn)(bridge_account_t *account, int full);

    /* the lease is ours; names and states of mailboxes and collections, as
       Redis has them */
    void  (*granted)(bridge_account_t *account, redisReply **states, size_t n);

    /* account->holder has the lease; the next look is in "wait" msec */
    void  (*other)(bridge_account_t *account, bridge_msec_t wait);

    /* no answer from Redis */
    void  (*untaken)(bridge_account_t *account);

    /* the lease of another bridge may be free now */
    void  (*available)(bridge_account_t *account);

    /* the session has to end, as the next one reports the events again;
       "lost": another bridge has the lease */
    void  (*unpublished)(bridge_account_t *account, int lost);

    /* the session reports changes, or has ended */
    void  (*ready)(bridge_account_t *account);
    void  (*failed)(bridge_account_t *account, imap_fail_t reason);
} bridge_account_ops_t;


extern const bridge_account_ops_t  *bridge_account_ops;


/*
 * bridge_supervisor.c owns the state of an account: decides when it waits for
 * a connection, asks for the lease, has a session, and is forgotten.  The
 * other files of this room report to it.
 */

/* bridge_main.c gives these. */

typedef struct {

    /* the session is ready, or another bridge has the lease */
    void  (*moved)(bridge_account_t *account);

    /* the server has refused the login */
    void  (*refused)(bridge_login_t *login);
} bridge_supervisor_ops_t;

void bridge_supervisor_init(const bridge_supervisor_ops_t *ops);

/* Closes all sessions and hands all leases back. */
void bridge_supervisor_done(void);

/* The server has accepted this login; "checked": just now. */
void bridge_supervisor_login(bridge_login_t *login, int checked);

/*
 * The server has refused this login, or could not be asked.  A session with it
 * logs in again, which proves whether it still is good.
 */
void bridge_supervisor_unproven(bridge_login_t *login);

/* A device was parked before this bridge knew the account.  Returns 1 if no
   login is here: its devices are told to log in again. */
int bridge_supervisor_parked(bridge_account_t *account);

/*
 * Redis may have lost the leases, or a bridge is gone: other bridges that have
 * logins take their accounts before devices are told to log in again.
 */
void bridge_supervisor_others_first(void);

/* New settings are in force. */
void bridge_supervisor_reload(void);


/*
 * bridge_presence.c owns account->present: whether a device of the account is
 * parked. nginx announces devices, and the bridge also asks Redis for the
 * subscribers, as an announcement can be missed.
 */

void bridge_presence_init(bridge_account_t *account);

/* A device is about to park; one is parked. */
void bridge_presence_soon(bridge_account_t *account);
void bridge_presence_found(bridge_account_t *account);

/* The subscriber listens, and may have missed announcements before. */
void bridge_presence_listening(void);

/* An announcement of nginx: "+ <account>" or "- <account>". */
void bridge_presence_message(const char *text, size_t len);


/*
 * bridge_account_scan.c owns the question to Redis which accounts have a
 * device parked: a bridge that starts has missed their announcements.
 */

/* The functions are in Redis, or another bridge is gone. */
void bridge_account_scan_start(void);

void bridge_account_scan_done(void);


/*
 * bridge_trouble.c owns the failures of a server that are in the log.  Returns
 * the level of the line for "why": an error, unless the account has failed so
 * before ("known", or NULL), or another account of the server (or NULL).
 */
bridge_log_level_t bridge_trouble(bridge_server_t *server, const char *known,
    const char *why);

/* A session or login has succeeded. */
void bridge_trouble_over(bridge_server_t *server);


/*
 * bridge_connect_rate.c owns the rate of new connections: so many a second in
 * all, so many at once to a server.  Accounts wait in a queue, the first one
 * is served first.
 */

void bridge_connect_rate_init(void);
void bridge_connect_rate_done(void);

void bridge_connect_rate_add(bridge_account_t *account);
void bridge_connect_rate_remove(bridge_account_t *account);

/* Its user has logged in: it comes before others. */
void bridge_connect_rate_fresh(bridge_account_t *account);

/* Serves the queue as far as the rate allows. */
void bridge_connect_rate_run(void);

/* The account has had its turn, but begins no connection. */
void bridge_connect_rate_refund(void);

/* A login that a device waits for does not wait here, but counts.  Returns -1
   if the server has too many connections, or too many of strangers. */
int bridge_connect_rate_login(bridge_server_t *server, int stranger);

/* Connections to a server begin (1) or end (-1); those of strangers' logins
   are counted once more. */
void bridge_connect_rate_count(bridge_server_t *server, int n);
void bridge_connect_rate_count_stranger(bridge_server_t *server, int n);

unsigned bridge_connect_rate_waiting(void);


/*
 * bridge_peers.c owns the list of the bridges that are alive, this one among
 * them, and tells which of them should have an account.
 */

/* "gone" is called for each bridge that has left or died. */
void bridge_peers_init(void (*gone)(const char *bridge));

/* Tells the others that this bridge leaves. */
void bridge_peers_done(void);

int bridge_peers_has(const char *bridge);

/*
 * True if this bridge should have the account.  The bridge with the greatest
 * hash of its own name and the account's has it, so that a bridge that joins
 * or leaves moves no other accounts than its own.
 */
int bridge_peers_prefers(const char *account);

unsigned bridge_peers_count(void);


#endif /* _BRIDGE_SUPERVISOR_H_INCLUDED_ */
