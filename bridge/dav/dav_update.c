
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the queue of updates.  Called by the account's session and, when the
 * collections are listed, by dav_round.c.  Invariant: one update is carried
 * out at a time, none before the collections are known, because a device
 * reaches only objects of these.
 */


#include "dav_update_job.h"

#include <stdlib.h>


static void dav_update_start(dav_update_job_t *job);


static const struct {
    const char    *verb;
    void         (*run)(dav_update_job_t *job);
} dav_verbs[] = {
    { "dav.put", dav_update_put },
    { "dav.delete", dav_update_delete },
    { "dav.get", dav_update_get },
    { "dav.sync", dav_update_sync },
    { NULL, NULL }
};


void
dav_client_update(dav_client_t *c, json_t *update, dav_update_done_pt done,
    void *ctx)
{
    dav_update_job_t  *job;

    job = bridge_alloc(sizeof(dav_update_job_t));
    job->client = c;
    job->update = json_incref(update);
    job->result = json_object();
    job->done = done;
    job->ctx = ctx;
    job->ended = dav_update_run;

    TAILQ_INSERT_TAIL(&c->jobs, job, link);
    c->njobs++;

    if (c->njobs > DAV_MAX_UPDATES) {
        dav_update_job_end(job, "unsent", "too many updates wait");

    } else if (c->phase == DAV_ENDED) {
        dav_update_job_end(job, "unsent", "the session has ended");

    } else {
        dav_update_run(c);
    }
}


/* The end of a job calls this again, also from within dav_update_start(). */

void
dav_update_run(dav_client_t *c)
{
    dav_update_job_t  *job;

    while (c->progress >= DAV_LISTED && c->phase != DAV_ENDED) {
        job = TAILQ_FIRST(&c->jobs);

        if (job == NULL || job->running) {
            return;
        }

        job->running = 1;
        dav_update_start(job);
    }
}


static void
dav_update_start(dav_update_job_t *job)
{
    unsigned     i;
    const char  *verb;

    verb = dav_update_job_text(job, "update");

    for (i = 0; dav_verbs[i].verb; i++) {
        if (verb && strcmp(dav_verbs[i].verb, verb) == 0) {
            dav_verbs[i].run(job);
            return;
        }
    }

    dav_update_job_end(job, "invalid", "unknown update");
}


void
dav_update_cancel(dav_client_t *c)
{
    dav_update_job_t  *job;

    while ((job = TAILQ_FIRST(&c->jobs))) {
        dav_report_cancel(&job->report);

        if (job->transfer) {
            dav_http_cancel(job->transfer);
        }

        dav_update_job_end(job, job->status ? job->status : "unsent",
                           "the session has ended");
    }
}
