
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * What the rooms of a client share; only dav_*.c include it.
 *
 *     client      opens and closes, keeps the time, fails
 *     discover    from the login to the homes
 *     round       one look at the homes: which collections there are, and
 *                 which of them have changed
 *     sync        what has changed in one of them
 *     update      what devices want, beside all that
 *     call        a request whose answer is a multistatus
 */


#ifndef _DAV_CORE_H_INCLUDED_
#define _DAV_CORE_H_INCLUDED_


#include "dav_client.h"
#include "dav_collection.h"
#include "dav_multistatus.h"


#define DAV_MAX_HOMES       8
#define DAV_MAX_PAGES       1000        /* of one synchronization */


typedef struct dav_report_s      dav_report_t;
typedef struct dav_discovery_s  dav_discovery_t;
typedef struct dav_sync_s      dav_sync_t;
typedef struct dav_update_job_s       dav_update_job_t;


struct dav_client_s {
    const dav_server_t       *server;
    const dav_callbacks_t    *cb;
    void                     *data;
    dav_login_t               login;    /* ours, wiped in the end */
    char                     *origin;

    char                     *homes[DAV_MAX_HOMES];
    unsigned                  nhomes;
    dav_collections_t         collections;
    unsigned                  ncollections;

    dav_turn_t                turn;
    uint32_t                  interval; /* until the next round */
    bridge_msec_t             began;    /* the last one */
    bridge_msec_t             hold;     /* none before */

    dav_report_t               *call;     /* of the watching half */
    dav_discovery_t           *discover;
    dav_sync_t               *sync;
    unsigned                  home;     /* that the round looks at */

    TAILQ_HEAD(, dav_update_job_s)   jobs;
    unsigned                  njobs;

    struct event              failing;
    dav_fail_t                reason;
    char                     *why;

    unsigned                  based:1;  /* knows what there was */
    unsigned                  listed:1; /* has seen the collections */
    unsigned                  ready:1;
    unsigned                  logged:1;
    unsigned                  running:1;    /* a round is */
    unsigned                  poked:1;  /* another one shall follow */
    unsigned                  changed:1;    /* in this round */
    unsigned                  found:1;  /* the home has listed itself */
    unsigned                  moved:1;  /* the homes are others */
    unsigned                  crowded:1;    /* too many collections, said */
    unsigned                  failed:1;
};


/* call */

typedef struct {
    const dav_answer_t   *answer;
    int                   ok;           /* 207, and read to its end */
    unsigned              error;        /* DAV_ERROR_* */
    const char           *token;        /* of the whole */
    const char           *why;          /* if not ok */
} dav_reply_t;

typedef void (*dav_reply_pt)(void *data, const dav_reply_t *reply);

/* The XML is freed.  NULL if there are too many requests. */

dav_report_t *dav_report(dav_client_t *c, const char *method, const char *path,
    int depth, char *xml, dav_response_pt response, dav_reply_pt reply,
    void *data);

/* Not within its reply(). */

void dav_report_cancel(dav_report_t *call);


/* client */

void dav_client_fail(dav_client_t *c, dav_fail_t reason, const char *format,
    ...) __attribute__((format(printf, 3, 4)));
void dav_client_log(dav_client_t *c, int level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * What to do about a request that was not answered as it should have been.
 * The client fails, or the round is put off.
 */

void dav_client_trouble(dav_client_t *c, const dav_reply_t *reply,
    const char *what);

/* The server has answered something to somebody who may ask it. */

void dav_client_welcome(dav_client_t *c);

void dav_client_publish(dav_client_t *c, const char *key, json_t *events,
    json_t *state);

/* Consumes the events. */

void dav_client_store(dav_client_t *c, dav_collection_t *col,
    json_t *events);

dav_collection_t *dav_client_collection(dav_client_t *c, const char *path);

/* The collection that an object is in, if there is one. */

dav_collection_t *dav_client_owner(dav_client_t *c, const char *path);

/* A collection is watched from now on, and until it is freed here. */

void dav_client_add(dav_client_t *c, dav_collection_t *col);
void dav_client_drop(dav_client_t *c, dav_collection_t *col);


/* discover: calls dav_round_homes() in the end, or the client fails */

void dav_discovery_start(dav_client_t *c);
void dav_discovery_cancel(dav_client_t *c);


/* round */

void dav_round_start(dav_client_t *c);
void dav_round_homes(dav_client_t *c);
void dav_round_synced(dav_client_t *c);     /* go on with the next one */

/* It ends, and the next is in so many ms, 0: as it comes. */

void dav_round_end(dav_client_t *c, uint32_t after);


/* sync: calls dav_round_synced() in the end, or the client fails */

void dav_sync_start(dav_client_t *c, dav_collection_t *col);
void dav_sync_cancel(dav_client_t *c);

/* A question with a token that is answered so was about an invalid one. */

int dav_sync_is_token(int status);


/* update */

void dav_update_run(dav_client_t *c);
void dav_update_cancel(dav_client_t *c);


#endif /* _DAV_CORE_H_INCLUDED_ */
