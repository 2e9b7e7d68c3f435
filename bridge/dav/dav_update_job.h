
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns an update under way.  Called by dav_update.c, which has the queue,
 * and by the verbs in dav_update_get.c and dav_update_put.c.
 * Invariant: each job ends once, by dav_update_job_end().
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
    void                   (*ended)(dav_client_t *c);

    dav_report_t            *report;
    dav_transfer_t          *transfer;

    char                    *path;      /* of the collection */
    char                    *paths[DAV_UPDATE_JOB_HREFS];   /* of objects */
    unsigned                 npaths;
    size_t                   bytes;     /* of the result, about */
    dav_etag_list_t          list;
    char                    *base;      /* sync: the token of the request, */
    char                    *token;     /* the token of the reply, */
    char                    *after;     /* the last change told before */
    const char              *status;    /* if the update may be carried out */
    char                    *why;       /* the present version is fetched */

    unsigned                 calendar:1;
    unsigned                 refused:1; /* put: surely not carried out */
    unsigned                 same:1;    /* the present text is the sent one */
    unsigned                 other_form:1;      /* of the ETag was sent */
    unsigned                 etags:1;
    unsigned                 more:1;
    unsigned                 itself:1;  /* the collection is in its list */
    unsigned                 skipped:1; /* some objects are not in it */
    unsigned                 running:1;
};


/* The next job begins, if none is running; all jobs end. */

void dav_update_run(dav_client_t *c);
void dav_update_cancel(dav_client_t *c);

/* Removes the job, calls done() and ended().  "format" may be NULL. */

void dav_update_job_end(dav_update_job_t *job, const char *status,
    const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* True if the server may have carried out the request. */

int dav_update_job_in_doubt(const dav_answer_t *answer);

/* Ends a job whose request was not answered, or refused. */

void dav_update_job_lost(dav_update_job_t *job, const dav_answer_t *answer);

/* Adds the object at "href".  Returns -1 if the job has ended. */

int dav_update_job_object(dav_update_job_t *job, const char *href);

/* A string of the update, or NULL. */

const char *dav_update_job_text(dav_update_job_t *job, const char *name);

/* Asks for the objects of job->paths[], with their contents. */

void dav_update_job_fetch(dav_update_job_t *job, dav_response_pt response,
    dav_reply_pt reply);

/* The verbs. */

void dav_update_put(dav_update_job_t *job);
void dav_update_delete(dav_update_job_t *job);
void dav_update_get(dav_update_job_t *job);
void dav_update_sync(dav_update_job_t *job);


/* dav_text.c */

/* The fault in lines, nesting or the outer component of UTF-8, or NULL. */
const char *dav_text_check(const char *text, size_t len, int calendar);

/* True if both have the same properties.  Servers may fold lines otherwise,
   and sort the properties of a component. */
int dav_text_same(const char *a, const char *b);

/* True for a single ETag that may be in If-Match, not for "*". */
int dav_text_etag(const char *etag);

/* Without "W/".  True if both are the same without it. */
const char *dav_text_strong(const char *etag);
int dav_text_etag_same(const char *a, const char *b);


#endif /* _DAV_UPDATE_JOB_H_INCLUDED_ */
