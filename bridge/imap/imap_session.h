
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * An IMAP session: logs in to a server as one account, publishes the changes
 * since the stored state of its mailboxes, waits for further changes, and
 * carries out updates.  Pure: its owner, imap_client.h, gives it bytes and
 * time.
 */


#ifndef _IMAP_SESSION_H_INCLUDED_
#define _IMAP_SESSION_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>

#include <jansson.h>


typedef struct imap_session_s  imap_session_t;

typedef enum {
    IMAP_FAIL_CREDENTIALS,      /* refused: do not try these again */
    IMAP_FAIL_AWAY,             /* gone, silent, BYE: try later */
    IMAP_FAIL_LIMIT,            /* too many connections: try much later */
    IMAP_FAIL_TLS,              /* no STARTTLS, or no way to log in */
    IMAP_FAIL_PROTOCOL          /* not IMAP, or over a limit */
} imap_fail_t;

/* Capabilities that are not used, although a server has them. */

#define IMAP_WITHOUT_NOTIFY     0x01
#define IMAP_WITHOUT_IDLE       0x02
#define IMAP_WITHOUT_QRESYNC    0x04
#define IMAP_WITHOUT_CONDSTORE  0x08


/*
 * Settings of a server, shared by its sessions; they only read it.  Zero is
 * the default for each number, see imap_options_init().  Times are in ms.
 */

typedef struct {
    uint32_t        answer;             /* commands are answered in, 30 s */
    uint32_t        answers;            /* so many times that to the end, 20 */
    uint32_t        quiet;              /* idle, not a byte: ask, 90 s */
    uint32_t        idle;               /* longest IDLE, 24 min */
    uint32_t        poll;               /* without IDLE: ask each, 60 s */
    uint32_t        round;              /* STATUS of all mailboxes, 5 min; 12
                                           times as long with NOTIFY */
    uint32_t        flags_round;        /* without CONDSTORE: all flags are
                                           compared each, 30 min */
    uint32_t        max_mailboxes;      /* watched, others are not, 10000 */
    uint32_t        max_known;          /* messages whose flags are known, the
                                           newest of a mailbox, 20000 */
    uint32_t        max_message;        /* bytes, fetched or appended, 1 MB */
    uint32_t        max_result;         /* bytes of an update, 64 kB */
    uint32_t        without;            /* IMAP_WITHOUT_* */
    unsigned        starttls:1;         /* required before the login */
    unsigned        preview:1;          /* fetch the beginning of the text */
} imap_options_t;


/* Copied by the session, which wipes "secret" as soon as it was sent. */

typedef struct {
    const char     *user;
    const char     *secret;             /* password, or token if "bearer" */
    const char     *authzid;            /* act as this user (SASL), or NULL;
                                           for Dovecot, "user*master" as
                                           "user" does the same */
    unsigned        bearer:1;
    const char     *client;             /* its address, or NULL */
} imap_login_t;


/*
 * The connection of a session.  Each function is called within a call of
 * imap_session_*(), and may not free the session.
 */

typedef struct {
    /* bytes for the server; copied before it returns */
    void          (*write)(void *data, const char *bytes, size_t len);

    /* start TLS now, then call imap_session_secured() */
    void          (*starttls)(void *data);

    /* call imap_session_timeout() in "ms", in place of the former time */
    void          (*timer)(void *data, uint32_t ms);

    /* milliseconds that never go back */
    uint64_t      (*now)(void *data);

    /* over; "why" is for the log, without secrets, and may quote the server;
       nothing is called after it but the done() of updates */
    void          (*failed)(void *data, imap_fail_t reason, const char *why);

} imap_io_t;


/* The owner of a session.  None but failed() may free the session. */

typedef struct {
    /* logged in; imap_session_watch() may be called, here or later */
    void          (*logged_in)(void *data);

    /*
     * What has happened in a mailbox, and the mailbox's state after that.
     * "events": an array of events as docs/events.md has them, up to some
     * hundreds, maybe empty.  "state": an object to be kept for the mailbox
     * until it is given back to imap_session_watch(); NULL: the mailbox was
     * deleted.  The owner writes both in one step, so that no event is lost or
     * comes twice.  If that fails, it begins a new session with the states
     * that it has.  Both are borrowed.
     *
     * "mailbox" is its name in UTF-8.  The empty name is the account itself:
     * its state says that all mailboxes have one.
     */
    void          (*publish)(void *data, const char *mailbox, json_t *events,
                        json_t *state);

    /* all that was missed is published, and the session watches from now on;
       "how" is "NOTIFY", "IDLE" or "polling" */
    void          (*ready)(void *data, const char *how);

    /* as in imap_io_t, but from the event loop: imap_client.c calls it */
    void          (*failed)(void *data, imap_fail_t reason, const char *why);

    /* for the log; "level" as syslog's: LOG_DEBUG, LOG_INFO, LOG_WARNING */
    void          (*log)(void *data, int level, const char *text);

} imap_callbacks_t;


void imap_options_init(imap_options_t *o);

/* "o", "io" and "cb" must stay. */

imap_session_t *imap_session_create(const imap_options_t *o,
    const imap_io_t *io, void *io_data, const imap_callbacks_t *cb,
    void *data, const imap_login_t *login);

/* The connection is there, "secure" if with TLS from its beginning. */

void imap_session_start(imap_session_t *s, int secure);

void imap_session_bytes(imap_session_t *s, const char *bytes, size_t len);
void imap_session_secured(imap_session_t *s);
void imap_session_timeout(imap_session_t *s);

/* The connection was lost, or could not be made: failed() follows. */

void imap_session_lost(imap_session_t *s, imap_fail_t reason,
    const char *why);

/*
 * Begins to watch.  "states" has the state of each mailbox that publish() gave
 * last.  If it is empty or NULL, only changes from now on are published.
 * "states" is borrowed.
 */

void imap_session_watch(imap_session_t *s, json_t *states);

/* Writes LOGOUT if that makes sense now; then close and free. */

void imap_session_logout(imap_session_t *s);

void imap_session_free(imap_session_t *s);


/*
 * An update, docs/bridge.md: an object with "update" (the verb) and its
 * arguments.  Updates wait for their turn; up to IMAP_MAX_UPDATES of them.
 *
 * done() is called once for each, with an object (borrowed):
 *
 *     "status"   "done"     the server has done it
 *                "refused"  by the server
 *                "invalid"  arguments; nothing was sent
 *                "unsent"   the session failed before anything was sent: it
 *                           may be carried out by another
 *                "unknown"  it failed after that: must not be repeated
 *     "detail"   text of the server or the bridge
 *     ...        results: "uids", "messages", ...
 *
 * It may be called before imap_session_update() returns.
 */

#define IMAP_MAX_UPDATES        64

typedef void (*imap_update_done_pt)(void *ctx, json_t *result);

void imap_session_update(imap_session_t *s, json_t *update,
    imap_update_done_pt done, void *ctx);


#endif /* _IMAP_SESSION_H_INCLUDED_ */
