
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The interface of this room: a client finds the address books and calendars
 * of an account on a CardDAV and CalDAV server, watches them, and carries out
 * updates.  Called by the account's session.  Invariant: the owner frees the
 * client, also after failed().
 */


#ifndef _DAV_CLIENT_H_INCLUDED_
#define _DAV_CLIENT_H_INCLUDED_


#include "bridge.h"
#include "dav_http.h"
#include "dav_schedule.h"

#include <jansson.h>


#define DAV_MAX_UPDATES     64          /* that wait */


typedef struct dav_client_s  dav_client_t;

typedef enum {
    DAV_FAIL_CREDENTIALS,       /* refused: not to be tried again */
    DAV_FAIL_AWAY,              /* gone, silent, an error: later */
    DAV_FAIL_TLS,               /* certificate */
    DAV_FAIL_PROTOCOL           /* not DAV, or over a limit */
} dav_fail_t;


/* A server, shared by its clients, valid as long as these.  Times in ms. */

typedef struct {
    const char       *origin;           /* of dav_url_split() */
    const char       *path;             /* of discovery, %u is the user;
                                           NULL: .well-known */
    dav_http_t       *http;
    dav_schedule_t   *schedule;
    uint32_t          poll_min;         /* between rounds, after a change */
    uint32_t          poll_max;         /* without changes */
    uint32_t          poke_min;         /* between rounds, when poked */
    uint32_t          max_collections;
    uint32_t          max_known;        /* objects of a collection whose
                                           ETags are kept */
    uint32_t          max_content;      /* bytes of an object that goes with
                                           its event, 0: none does */
    uint32_t          max_object;       /* bytes, of "dav.put" and "dav.get" */
    uint32_t          max_answer;       /* bytes */
} dav_server_t;


/* Calls to the owner, with the data of dav_client_open(). */

typedef struct {

    /* the server has accepted the login */

    void          (*logged_in)(void *data, dav_client_t *c);

    /*
     * "events" (an array, maybe empty) go into the log, and "state" (NULL:
     * none) is stored under "key", which begins with a tab; in one step, in
     * the order of the calls.  If that fails, the client has to be closed,
     * and opened with the stored states.  Borrowed.
     */

    void          (*publish)(void *data, dav_client_t *c, const char *key,
                        json_t *events, json_t *state);

    /* all changes since the stored states are published */

    void          (*ready)(void *data, dav_client_t *c);

    /* from the event loop; "why" has no secrets */

    void          (*failed)(void *data, dav_client_t *c, dav_fail_t reason,
                        const char *why);

    /* "level" as syslog's */

    void          (*log)(void *data, dav_client_t *c, int level,
                        const char *text);

} dav_callbacks_t;


/*
 * "states", borrowed, has the states that publish() has got, by key; other
 * keys are skipped.  Without them the objects that exist are no events.
 */

dav_client_t *dav_client_open(const dav_server_t *server,
    const dav_callbacks_t *cb, void *data, const dav_login_t *login,
    json_t *states);

/* A hint that the server has a change: the next round is soon. */

void dav_client_poke(dav_client_t *c);

/*
 * Carries out an update, an object with a verb "dav.*" (docs/dav.md).
 * done() is called once, maybe before this returns, with an object, borrowed:
 *
 *     "status"   "done"
 *                "conflict"  the object has changed; "etag" and "text" are
 *                            its version on the server
 *                "refused"   by the server
 *                "invalid"   arguments; nothing was sent
 *                "unsent"    nothing was sent; another bridge may send it
 *                "unknown"   it may have been carried out or not
 *     "detail"   a reason
 *     ...        results
 */

typedef void (*dav_update_done_pt)(void *ctx, json_t *result);

void dav_client_update(dav_client_t *c, json_t *update,
    dav_update_done_pt done, void *ctx);

/* Frees the client.  Waiting updates get their done() before. */

void dav_client_close(dav_client_t *c);


#endif /* _DAV_CLIENT_H_INCLUDED_ */
