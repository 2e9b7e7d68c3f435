
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the state of a client.  Only the files of this room include it.
 */


#ifndef _DAV_STATE_H_INCLUDED_
#define _DAV_STATE_H_INCLUDED_


#include "dav_client.h"
#include "dav_collection.h"
#include "dav_multistatus.h"


#define DAV_MAX_HOMES       8
#define DAV_MAX_PAGES       1000        /* of one synchronization */


typedef struct dav_report_s       dav_report_t;
typedef struct dav_reply_s        dav_reply_t;
typedef struct dav_discovery_s    dav_discovery_t;
typedef struct dav_sync_s         dav_sync_t;
typedef struct dav_update_job_s   dav_update_job_t;


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


void dav_state_fail(dav_client_t *c, dav_fail_t reason, const char *format,
    ...) __attribute__((format(printf, 3, 4)));
void dav_state_failing(evutil_socket_t fd, short what, void *data);
void dav_state_log(dav_client_t *c, int level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A request was not answered: the client fails, or the round is put off. */

void dav_state_trouble(dav_client_t *c, const dav_reply_t *reply,
    const char *what);

/* The server has answered something to somebody who may ask it. */

void dav_state_welcome(dav_client_t *c);

void dav_state_publish(dav_client_t *c, const char *key, json_t *events,
    json_t *state);

/* Consumes the events. */

void dav_state_store(dav_client_t *c, dav_collection_t *col,
    json_t *events);

dav_collection_t *dav_state_collection(dav_client_t *c, const char *path);

/* The collection that an object is in, if there is one. */

dav_collection_t *dav_state_owner(dav_client_t *c, const char *path);

/* A collection is watched from now on, and until it is freed here. */

void dav_state_add(dav_client_t *c, dav_collection_t *col);
void dav_state_drop(dav_client_t *c, dav_collection_t *col);


#endif /* _DAV_STATE_H_INCLUDED_ */
