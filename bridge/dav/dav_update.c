
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Updates are carried out one after the other, beside the watching.  They
 * wait until it is known which collections there are: an object's path has to
 * be in one of them, and that is all that a device can reach.
 */


#include "dav_update_private.h"
#include "dav_counters.h"
#include "dav_url.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>


typedef struct {
    const char    *verb;
    void         (*run)(dav_update_job_t *job);
} dav_verb_t;


static void dav_update_start(dav_update_job_t *job);
static void dav_update_job_free(dav_update_job_t *job);


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


void
dav_update_job_end(dav_update_job_t *job, const char *status,
    const char *format, ...)
{
    char           detail[512];
    json_t        *text;
    va_list        args;
    dav_client_t  *c = job->client;

    TAILQ_REMOVE(&c->jobs, job, link);
    c->njobs--;

    dav_count_update(status);
    json_object_set_new(job->result, "status", json_string(status));

    if (format) {
        va_start(args, format);
        vsnprintf(detail, sizeof(detail), format, args);
        va_end(args);

        text = json_string(detail);
        json_object_set_new(job->result, "detail",
                            text ? text : json_string("not in UTF-8"));
    }

    job->done(job->ctx, job->result);
    dav_update_job_free(job);

    dav_update_run(c);
}


static void
dav_update_job_free(dav_update_job_t *job)
{
    unsigned  i;

    for (i = 0; i < job->npaths; i++) {
        free(job->paths[i]);
    }

    dav_etag_list_free(&job->list);
    json_decref(job->update);
    json_decref(job->result);
    free(job->path);
    free(job->base);
    free(job->token);
    free(job->after);
    free(job);
}


void
dav_update_job_lost(dav_update_job_t *job, const dav_answer_t *a)
{
    int  status;

    status = a->status;

    /* who has only asked has no status yet, and may ask again */

    if (a->result == DAV_HTTP_UNSENT || a->result == DAV_HTTP_TLS
        || (a->result == DAV_HTTP_LOST && job->status == NULL))
    {
        dav_update_job_end(job, "unsent", "%s", a->why);

    } else if (a->result == DAV_HTTP_LIMIT && job->status == NULL) {
        dav_update_job_end(job, "refused", "%s", a->why);

    } else if (a->result != DAV_HTTP_OK) {
        dav_update_job_end(job, "unknown", "%s", a->why);

    } else {

        if (a->retry_after) {
            json_object_set_new(job->result, "retryAfter",
                                json_integer(a->retry_after / 1000));
        }

        /* a server may have failed after it has done it */

        dav_update_job_end(job, job->status && status >= 500
                               && status != 501
                         && status != 503 && status != 507
                         ? "unknown" : "refused",
                    "the server has answered %d", status);
    }
}


int
dav_update_job_object(dav_update_job_t *job, const char *href)
{
    char              *path;
    dav_collection_t  *col;

    path = href ? dav_url_device(href) : NULL;
    col = path ? dav_client_owner(job->client, path) : NULL;

    if (col == NULL) {
        free(path);
        dav_update_job_end(job, "invalid", href
                    ? "\"href\" is not in a collection of this account"
                    : "no \"href\"");
        return -1;
    }

    job->calendar = (col->flags & DAV_IS_CALENDAR) != 0;

    if (job->path == NULL) {
        job->path = bridge_string(col->path);

    } else if (strcmp(job->path, col->path) != 0) {
        free(path);
        dav_update_job_end(job, "invalid",
                               "several collections in one update");
        return -1;
    }

    job->paths[job->npaths++] = path;

    return 0;
}


const char *
dav_update_job_text(dav_update_job_t *job, const char *name)
{
    return json_string_value(json_object_get(job->update, name));
}
