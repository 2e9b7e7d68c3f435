
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns an update under way.
 */


#ifndef _DAV_UPDATE_JOB_H_INCLUDED_
#define _DAV_UPDATE_JOB_H_INCLUDED_


#include "dav_report.h"


#define DAV_UPDATE_JOB_BYTES    49152   /* of a result: it is an event */
#define DAV_UPDATE_JOB_HREFS    50
#define DAV_UPDATE_JOB_PAGE     500     /* changes of a page */


struct dav_update_job_s {
    TAILQ_ENTRY(dav_update_job_s)   link;
    dav_client_t            *client;
    json_t                  *update;
    json_t                  *result;
    dav_update_done_pt       done;
    void                    *ctx;

    dav_report_t              *call;
    dav_transfer_t          *transfer;

    char                    *path;      /* of the object or the collection */
    char                    *paths[DAV_UPDATE_JOB_HREFS];
    unsigned                 npaths;
    size_t                   bytes;     /* of the result, about */
    dav_etag_list_t               list;
    char                    *base;      /* sync: asked by this token, */
    char                    *token;     /* which leads to this one, */
    char                    *after;     /* of which these have been told */
    const char              *status;    /* that is known before the result */

    unsigned                 calendar:1;
    unsigned                 etags:1;
    unsigned                 more:1;
    unsigned                 running:1;
};


/* The end of a job; the next one begins.  "detail" may be NULL. */

void dav_update_job_end(dav_update_job_t *job, const char *status,
    const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* It could not be sent, or was not answered. */

void dav_update_job_lost(dav_update_job_t *job,
    const dav_answer_t *answer);

/* The object named "href": path and kind.  -1: the job has ended. */

int dav_update_job_object(dav_update_job_t *job, const char *href);

const char *dav_update_job_text(dav_update_job_t *job,
    const char *name);

/* The next job begins, if none is running; all jobs end. */

void dav_update_run(dav_client_t *c);
void dav_update_cancel(dav_client_t *c);

/* The verbs. */

void dav_update_job_put(dav_update_job_t *job);
void dav_update_job_delete(dav_update_job_t *job);
void dav_update_job_get(dav_update_job_t *job);
void dav_update_job_sync(dav_update_job_t *job);

/* Asks for the objects of job->paths[], with their texts. */

void dav_update_job_fetch(dav_update_job_t *job,
    dav_response_pt response, dav_reply_pt reply);


#endif /* _DAV_UPDATE_JOB_H_INCLUDED_ */
