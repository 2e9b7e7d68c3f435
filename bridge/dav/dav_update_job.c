
/*
 * Copyright (C) ngx_pimap_module authors
 */


#include "dav_update_job.h"
#include "dav_counters.h"
#include "dav_url.h"

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
    col = path ? dav_state_owner(job->client, path) : NULL;

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
