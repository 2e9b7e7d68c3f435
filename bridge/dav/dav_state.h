
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the state of a client: its phase, the time of its next round, its
 * collections; and the steps of a round.  Called by the files of this room; no
 * other file includes it.
 * Invariant: only dav_state.c changes "phase" and "progress".
 */


#ifndef _DAV_STATE_H_INCLUDED_
#define _DAV_STATE_H_INCLUDED_


#include "dav_client.h"
#include "dav_collection.h"
#include "dav_url.h"


typedef struct dav_report_s       dav_report_t;
typedef struct dav_reply_s        dav_reply_t;
typedef struct dav_discovery_s    dav_discovery_t;
typedef struct dav_sync_s         dav_sync_t;
typedef struct dav_update_job_s   dav_update_job_t;


/*
 * The phase of a client.  A round is DISCOVERING, LISTING or SYNCING.
 *
 *     from          event                                  to
 *
 *     WAITING       its turn, no home is known             DISCOVERING
 *     WAITING       its turn                               LISTING
 *     DISCOVERING   homes are found                        LISTING
 *     LISTING       a home is gone, for the first time     DISCOVERING
 *     LISTING       all homes have listed collections      SYNCING
 *     SYNCING       all changed collections are stored     WAITING
 *     DISCOVERING   429 or 503                             WAITING, longer
 *     LISTING       429 or 503                             WAITING, longer
 *     LISTING       too many of our requests wait          WAITING, longer
 *     SYNCING       too many of our requests wait          WAITING, longer
 *     all           any other failure, close               ENDED
 */

typedef enum {
    DAV_WAITING = 0,
    DAV_DISCOVERING,
    DAV_LISTING,
    DAV_SYNCING,
    DAV_ENDED
} dav_phase_t;

/* The steps of the first round.  The progress never goes back. */

typedef enum {
    DAV_OPENED = 0,
    DAV_LOGGED_IN,
    DAV_LISTED,                         /* updates are carried out */
    DAV_READY
} dav_progress_t;


struct dav_client_s {
    const dav_server_t       *server;
    const dav_callbacks_t    *cb;
    void                     *data;
    dav_login_t               login;    /* a copy, wiped at the end */
    char                     *origin;

    dav_phase_t               phase;
    dav_progress_t            progress;

    dav_paths_t               homes;
    dav_collections_t         collections;
    unsigned                  ncollections;

    dav_turn_t                turn;
    uint32_t                  interval; /* ms until the next round */
    bridge_msec_t             began;    /* the last round */
    bridge_msec_t             hold;     /* no round before */
    bridge_backoff_t          busy;     /* 429 and 503, until a whole round */

    dav_report_t             *report;   /* of the round */
    dav_discovery_t          *discovery;
    dav_sync_t               *sync;
    unsigned                  home;     /* that is being listed */
    unsigned                  homes_failed;     /* in this round */

    TAILQ_HEAD(, dav_update_job_s)   jobs;
    unsigned                  njobs;

    struct event              failing;
    dav_fail_t                reason;
    char                     *why;

    unsigned                  baseline:1;       /* a first round is stored */
    unsigned                  poked:1;          /* another round follows */
    unsigned                  changed:1;        /* in this round */
    unsigned                  lists_itself:1;   /* the home does */
    unsigned                  list_cut:1;       /* of a home, by the server */
    unsigned                  guessed:1;        /* nobody has said that it is
                                                   a home */
    unsigned                  homes_changed:1;  /* and are not stored yet */
    unsigned                  limit_logged:1;   /* of collections */
    unsigned                  home_logged:1;    /* it could not be listed */
};


/*
 * The end of a step of a round: the round goes on, or is put off for "after"
 * ms if that is not 0.  The client may have failed.
 */

typedef void (*dav_step_pt)(dav_client_t *c, uint32_t after);


void dav_state_init(dav_client_t *c, dav_turn_pt turn);
void dav_state_close(dav_client_t *c);

/* Leaving WAITING begins a round. */

void dav_state_enter(dav_client_t *c, dav_phase_t phase);

/* The round ends; the next is in "after" ms, 0: by the interval. */

void dav_state_wait(dav_client_t *c, uint32_t after);

/* Tells the owner of a new progress. */

void dav_state_reach(dav_client_t *c, dav_progress_t progress);

void dav_state_fail(dav_client_t *c, dav_fail_t reason, const char *format,
    ...) __attribute__((format(printf, 3, 4)));
void dav_state_log(dav_client_t *c, int level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * A request about "path" was not answered as it has to be.  Returns the ms
 * to wait, 0: the client has failed.
 */

uint32_t dav_state_trouble(dav_client_t *c, const dav_reply_t *reply,
    const char *what, const char *path);

/*
 * Publishes events with the state of a collection, or of the account if path
 * is NULL.  Consumes events and state.
 */

void dav_state_publish(dav_client_t *c, const char *path, json_t *events,
    json_t *state);

void dav_state_store(dav_client_t *c, dav_collection_t *col, json_t *events);

/* The collection at a path, in any spelling; the collection of an object.
   NULL: none. */

dav_collection_t *dav_state_collection(dav_client_t *c, const char *path);
dav_collection_t *dav_state_owner(dav_client_t *c, const char *path);

/* A collection is watched from now on; until now, and freed. */

void dav_state_add(dav_client_t *c, dav_collection_t *col);
void dav_state_drop(dav_client_t *c, dav_collection_t *col);


/* The steps of a round: dav_round.c, dav_discovery.c and dav_sync.c.  A step
   calls done() once, unless it is cancelled. */

/* The turn of a client. */

void dav_round_start(void *data);

/* From the login to c->homes. */

void dav_discovery_start(dav_client_t *c, dav_step_pt done);
void dav_discovery_cancel(dav_client_t *c);

/* Publishes and stores the changes in a collection. */

void dav_sync_start(dav_client_t *c, dav_collection_t *col, dav_step_pt done);
void dav_sync_cancel(dav_client_t *c);


#endif /* _DAV_STATE_H_INCLUDED_ */
