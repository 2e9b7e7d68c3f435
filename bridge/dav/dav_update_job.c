
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns one update from its check to its result.
 */


#include "dav_update_job.h"
#include "dav_counters.h"

#include <stdarg.h>
#include <stdlib.h>


static void dav_update_job_free(dav_update_job_t *job);
static char *dav_update_job_path(dav_update_job_t *job, const char *href,
    dav_collection_t **col);


void
dav_update_job_end(dav_update_job_t *job, const char *status,
    const char *format, ...)
{
    char           detail[512];
    va_list        args;
    dav_client_t  *c = job->client;
    void         (*ended)(dav_client_t *c);

    TAILQ_REMOVE(&c->jobs, job, link);
    c->njobs--;

    dav_count_update(status);
    json_object_set_new(job->result, "status", json_string(status));

    if (format) {
        va_start(args, format);
        bridge_text_vprint(detail, sizeof(detail), format, args);
        va_end(args);

        json_object_set_new(job->result, "detail", json_string(detail));
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
    free(job->why);
    free(job->base);
    free(job->token);
    free(job->after);
    free(job);
}


/* A server may fail after it has carried out an update. */

int
dav_update_job_in_doubt(const dav_answer_t *a)
{
    int  status = a->status;

    if (a->result == DAV_HTTP_OK) {
        return status >= 500 && status != 501
               && (status != 503 || a->resent) && status != 507;
    }

    /* a redirect that is not followed is an answer, too */

    return a->result == DAV_HTTP_LOST
           || (a->result == DAV_HTTP_LIMIT && status / 100 != 3);
}


void
dav_update_job_lost(dav_update_job_t *job, const dav_answer_t *a)
{

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
                                && (job->status == NULL
                                    || !dav_update_job_in_doubt(a))
                                ? "refused" : "unknown",
                           "%s", a->why);
        return;
    }

    if (a->retry_after) {
        json_object_set_new(job->result, "retryAfter",
                            json_integer(a->retry_after / 1000));
    }

    dav_update_job_end(job, job->status && dav_update_job_in_doubt(a)
                            ? "unknown" : "refused",
                       "the server has answered %d", a->status);
}


int
dav_update_job_object(dav_update_job_t *job, const char *href)
{
    char              *path;
    dav_collection_t  *col;

    path = href ? dav_update_job_path(job, href, &col) : NULL;

    if (path == NULL) {
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


/*
 * An object that the server has named is asked for by the server's spelling,
 * whatever is in its name.  Another name has to be a plain one.
 */

static char *
dav_update_job_path(dav_update_job_t *job, const char *href,
    dav_collection_t **col)
{
    char        *path, *full;
    const char  *item;

    path = NULL;
    item = NULL;
    *col = NULL;

    if (strlen(href) <= DAV_URL_MAX) {
        *col = dav_state_owner(job->client, href);
    }

    if (*col) {
        item = dav_etag_list_find(&(*col)->known,
                                  dav_url_name((*col)->path, href));
    }

    if (item == NULL) {
        path = dav_url_device(href);
        *col = path ? dav_state_owner(job->client, path) : NULL;
        item = *col ? dav_url_name((*col)->path, path) : NULL;
    }

    full = item ? bridge_format("%s%s", (*col)->path, item) : NULL;
    free(path);

    return full;
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
