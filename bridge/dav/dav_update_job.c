
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns one update from its check to its result.
 */


#include "dav_update_job.h"
#include "dav_counters.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>


static void dav_update_job_free(dav_update_job_t *job);


void
dav_update_job_end(dav_update_job_t *job, const char *status,
    const char *format, ...)
{
    char           detail[512];
    json_t        *text;
    va_list        args;
    dav_client_t  *c = job->client;
    void         (*ended)(dav_client_t *c);

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

    ended = job->ended;
    dav_update_job_free(job);
    ended(c);
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

    /* without a status of the job, the request only reads: it can be sent
       again */

    if (a->result == DAV_HTTP_UNSENT || a->result == DAV_HTTP_TLS
        || (a->result == DAV_HTTP_LOST && job->status == NULL))
    {
        dav_update_job_end(job, "unsent", "%s", a->why);
        return;
    }

    if (a->result != DAV_HTTP_OK) {
        dav_update_job_end(job, a->result == DAV_HTTP_LIMIT
                                && job->status == NULL ? "refused" : "unknown",
                           "%s", a->why);
        return;
    }

    if (a->retry_after) {
        json_object_set_new(job->result, "retryAfter",
                            json_integer(a->retry_after / 1000));
    }

    /* a server may fail after it has carried out the update */

    status = a->status;

    dav_update_job_end(job, job->status && status >= 500 && status != 501
                            && status != 503 && status != 507
                            ? "unknown" : "refused",
                       "the server has answered %d", status);
}


int
dav_update_job_object(dav_update_job_t *job, const char *href)
{
    char              *path;
    dav_collection_t  *col;

    path = href ? dav_url_device(href) : NULL;
    col = path ? dav_state_owner(job->client, path) : NULL;

    if (col == NULL) {
        free(path);
        dav_update_job_end(job, "invalid", href
                           ? "\"href\" is not in a collection of this account"
                           : "no \"href\"");
        return -1;
    }

    if (job->path && strcmp(job->path, col->path) != 0) {
        free(path);
        dav_update_job_end(job, "invalid",
                           "several collections in one update");
        return -1;
    }

    free(job->path);
    job->path = bridge_string(col->path);
    job->calendar = (col->flags & DAV_IS_CALENDAR) != 0;
    job->paths[job->npaths++] = path;

    return 0;
}


const char *
dav_update_job_text(dav_update_job_t *job, const char *name)
{
    return json_string_value(json_object_get(job->update, name));
}


void
dav_update_job_fetch(dav_update_job_t *job, dav_response_pt response,
    dav_reply_pt reply)
{
    if (dav_report_objects(&job->report, job->client, job->path,
                           job->calendar, job->paths, job->npaths, response,
                           reply, job)
        == -1)
    {
        dav_update_job_end(job, job->status ? job->status : "unsent",
                           "too many requests");
    }
}
