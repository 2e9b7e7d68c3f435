
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The address books and calendars of one account on a CardDAV and CalDAV
 * server: finds them, watches them, and carries updates out.
 */


#ifndef _DAV_CLIENT_H_INCLUDED_
#define _DAV_CLIENT_H_INCLUDED_


#include "bridge.h"
#include "dav_http.h"
#include "dav_schedule.h"

#include <jansson.h>


typedef struct dav_client_s  dav_client_t;

typedef enum {
    DAV_FAIL_CREDENTIALS,       /* refused: try no more with these */
    DAV_FAIL_AWAY,              /* gone, silent, an error of its: try later */
    DAV_FAIL_TLS,               /* certificate */
    DAV_FAIL_PROTOCOL           /* not DAV, or over a limit of ours */
} dav_fail_t;


/* A server, shared by its clients; all must stay.  Times are in ms. */

typedef struct {
    const char       *origin;           /* of dav_url_split() */
    const char       *path;             /* where to begin, %u is the user;
                                           NULL: .well-known */
    dav_http_t       *http;
    dav_schedule_t   *schedule;
    uint32_t          poll_min;         /* between two looks, while something
                                           is going on */
    uint32_t          poll_max;         /* when nothing is */
    uint32_t          poke_min;         /* between two that are asked for */
    uint32_t          max_collections;
    uint32_t          max_known;        /* objects of a collection whose
                                           ETags are known */
    uint32_t          max_content;      /* bytes of an object that goes with
                                           its event, 0: never */
    uint32_t          max_object;       /* bytes of one that is put or got */
    uint32_t          max_answer;       /* bytes */
} dav_server_t;


/*
 * What the client tells its owner.  failed() is called from the event loop,
 * and the client may be freed in it; it has to be freed by its owner in any
 * case.
 */

typedef struct {

    /* the server has taken the login */

    void          (*logged_in)(void *data, dav_client_t *c);

    /*
     * "events" (an array, maybe empty) belong to the log, and "state" (NULL:
     * forget it) is what is stored with them under "key", which begins with
     * a tab, as no mailbox does.  Both in one step, in the order of the
     * calls; if that fails, the client has to be closed, and opened with what
     * is stored.  Borrowed.
     */

    void          (*publish)(void *data, dav_client_t *c, const char *key,
                        json_t *events, json_t *state);

    /* all that was missed is published */

    void          (*ready)(void *data, dav_client_t *c);

    /* over; "why" is for the log, without secrets */

    void          (*failed)(void *data, dav_client_t *c, dav_fail_t reason,
                        const char *why);

    /* for the log; "level" as syslog's */

    void          (*log)(void *data, dav_client_t *c, int level,
                        const char *text);

} dav_callbacks_t;


/*
 * "states" is an object of what publish() gave, by key; others in it are
 * left alone.  If there is none of ours, what is on the server now is not
 * published, but only what changes from then on.  Borrowed.
 */

dav_client_t *dav_client_open(const dav_server_t *server,
    const dav_callbacks_t *cb, void *data, const dav_login_t *login,
    json_t *states);

/* Something has changed on the server, says somebody who knows. */

void dav_client_poke(dav_client_t *c);

/*
 * An update, docs/bridge.md: an object with "update", one of the verbs that
 * begin with "dav.".  At most DAV_MAX_UPDATES wait.
 *
 * done() is called once for each, with an object (borrowed):
 *
 *     "status"   "done"
 *                "conflict"  somebody else was faster, "etag" and "text" are
 *                            what is there now
 *                "refused"   by the server
 *                "invalid"   arguments; nothing was sent
 *                "unsent"    nothing was sent: it may be carried out by
 *                            another
 *                "unknown"   it may have been carried out or not
 *     "detail"   the server's words, or ours
 *     ...        results
 *
 * It may be called before dav_client_update() returns.
 */

#define DAV_MAX_UPDATES     64

typedef void (*dav_update_done_pt)(void *ctx, json_t *result);

void dav_client_update(dav_client_t *c, json_t *update,
    dav_update_done_pt done, void *ctx);

/* Frees it; updates that wait get their done() before this returns. */

void dav_client_close(dav_client_t *c);


#endif /* _DAV_CLIENT_H_INCLUDED_ */
