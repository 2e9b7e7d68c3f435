
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Updates are carried out one after the other, beside the watching.  They
 * wait until it is known which collections there are: an object's path has to
 * be in one of them, and that is all that a device can reach.
 */


#include "dav_update_job.h"


typedef struct {
    const char    *verb;
    void         (*run)(dav_update_job_t *job);
} dav_verb_t;


static void dav_update_start(dav_update_job_t *job);


static const dav_verb_t  dav_verbs[] = {
    { "dav.put", dav_update_job_put },
    { "dav.delete", dav_update_job_delete },
    { "dav.get", dav_update_job_get },
    { "dav.sync", dav_update_job_sync },
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

    TAILQ_INSERT_TAIL(&c->jobs, job, link);
    c->njobs++;

    if (c->njobs > DAV_MAX_UPDATES) {
        dav_update_job_end(job, "unsent", "too many updates wait");
        return;
    }

    if (c->failed) {
        dav_update_job_end(job, "unsent", "the session has ended");
        return;
    }

    dav_update_run(c);
}


void
dav_update_run(dav_client_t *c)
{
    dav_update_job_t  *job;

    /* A job that ends at once calls us again. */

    while (c->listed && !c->failed) {
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
    const char        *verb;
    const dav_verb_t  *v;

    verb = dav_update_job_text(job, "update");

    for (v = dav_verbs; v->verb; v++) {
        if (verb && strcmp(v->verb, verb) == 0) {
            v->run(job);
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

        if (job->call) {
            dav_report_cancel(job->call);
            job->call = NULL;
        }

        if (job->transfer) {
            dav_http_cancel(job->transfer);
            job->transfer = NULL;
        }

        c->listed = 0;
        dav_update_job_end(job, job->status ? job->status : "unsent",
                    "the session has ended");
    }
}
