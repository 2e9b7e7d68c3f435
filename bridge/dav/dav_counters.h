
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the counters of all clients of the process.  Read by the metrics.
 */


#ifndef _DAV_COUNTERS_H_INCLUDED_
#define _DAV_COUNTERS_H_INCLUDED_


#include "dav_client.h"


/* The results of requests. */

typedef enum {
    DAV_COUNT_GOOD = 0,                 /* 2xx */
    DAV_COUNT_REDIRECT,                 /* and followed */
    DAV_COUNT_LOGIN,                    /* 401 */
    DAV_COUNT_BUSY,                     /* 429, 503 */
    DAV_COUNT_REFUSED,                  /* another 4xx */
    DAV_COUNT_ERROR,                    /* another 5xx */
    DAV_COUNT_LOST,                     /* no answer, or not all of it */
    DAV_COUNT_LIMIT,
    DAV_COUNT_TLS,
    DAV_COUNT_RESULTS
} dav_count_result_t;

/* The results of rounds. */

typedef enum {
    DAV_COUNT_SAME = 0,
    DAV_COUNT_CHANGED,
    DAV_COUNT_HELD,                     /* put off: 429, 503 */
    DAV_COUNT_FAILED,
    DAV_COUNT_ROUNDS
} dav_count_round_t;

/* Changes of objects, then of collections. */

typedef enum {
    DAV_COUNT_OBJECT = 0,
    DAV_COUNT_REMOVED,
    DAV_COUNT_CREATED,
    DAV_COUNT_UPDATED,
    DAV_COUNT_DELETED,
    DAV_COUNT_CHANGES
} dav_count_change_t;

#define DAV_COUNT_STATUSES  6


typedef struct {
    uint64_t  requests[DAV_COUNT_RESULTS];
    uint64_t  rounds[DAV_COUNT_ROUNDS];
    uint64_t  changes[DAV_COUNT_CHANGES];
    uint64_t  updates[DAV_COUNT_STATUSES];
    uint64_t  failures[DAV_FAIL_PROTOCOL + 1];
    uint64_t  lists;                    /* requests for a whole collection */
    uint64_t  pokes;
    uint64_t  skipped;                  /* objects that can't be watched */
    uint64_t  failed;                   /* syncs of a collection */
    uint64_t  collections;              /* now */
    uint64_t  ready;                    /* clients, now */
} dav_counters_t;


extern dav_counters_t  dav_counters;
extern const char     *dav_count_statuses[];    /* NULL at the end */


void dav_count_answer(const dav_answer_t *answer);
void dav_count_update(const char *status);


#endif /* _DAV_COUNTERS_H_INCLUDED_ */
