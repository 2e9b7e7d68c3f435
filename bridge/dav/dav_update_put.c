
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns updates that write: "dav.put" and "dav.delete".  Called by
 * dav_update.c.  Invariant: each request has a condition, so that a version
 * that the device has not seen is never overwritten.  On a conflict the
 * device gets the version of the server.
 */


#include "dav_update_job.h"

#include <stdlib.h>


static int dav_update_put_object(dav_update_job_t *job, const char **etag);
static void dav_update_put_send(dav_update_job_t *job,
    dav_request_t *request);
static void dav_update_put_done(void *data, const dav_answer_t *answer);
static void dav_update_put_response(void *data, const dav_response_t *r);
static void dav_update_put_fetched(void *data, const dav_reply_t *reply);


void
dav_update_put(dav_update_job_t *job)
{
    json_t         *json;
    const char     *etag, *why;
    dav_request_t   request;

    if (dav_update_put_object(job, &etag) == -1) {
        return;
    }

    json = json_object_get(job->update, "text");

    if (!json_is_string(json)
        || json_string_length(json) > job->client->server->max_object)
    {
        dav_update_job_end(job, "invalid", json_is_string(json)
                           ? "\"text\" is too long" : "no \"text\"");
        return;
    }

    why = dav_text_check(json_string_value(json), json_string_length(json),
                         job->calendar);
    if (why) {
        dav_update_job_end(job, "invalid", "\"text\" is not well-formed: %s",
                           why);
        return;
    }

    memset(&request, 0, sizeof(request));
    request.method = "PUT";
    request.type = job->calendar ? "text/calendar; charset=utf-8"
                                 : "text/vcard; charset=utf-8";
    request.body = json_string_value(json);
    request.len = json_string_length(json);
    request.if_match = etag;
    request.if_none_match = etag ? NULL : "*";

    dav_update_put_send(job, &request);
}


void
dav_update_delete(dav_update_job_t *job)
{
    const char     *etag;
    dav_request_t   request;

    if (dav_update_put_object(job, &etag) == -1) {
        return;
    }

    if (etag == NULL) {
        dav_update_job_end(job, "invalid", "no \"etag\"");
        return;
    }

    memset(&request, 0, sizeof(request));
    request.method = "DELETE";
    request.if_match = etag;

    dav_update_put_send(job, &request);
}


static int
dav_update_put_object(dav_update_job_t *job, const char **etag)
{
    if (dav_update_job_object(job, dav_update_job_text(job, "href")) == -1) {
        return -1;
    }

    json_object_set_new(job->result, "href", json_string(job->paths[0]));

    *etag = dav_update_job_text(job, "etag");

    if (*etag ? !dav_text_etag(*etag)
              : json_object_get(job->update, "etag") != NULL)
    {
        dav_update_job_end(job, "invalid", "\"etag\" is no ETag");
        return -1;
    }

    return 0;
}


static void
dav_update_put_send(dav_update_job_t *job, dav_request_t *request)
{
    dav_client_t  *c = job->client;

    request->origin = c->origin;
    request->path = job->paths[0];
    request->depth = -1;
    request->max_answer = c->server->max_answer;

    job->transfer = dav_http_send(c->server->http, request, &c->login, NULL,
                                  dav_update_put_done, job);

    if (job->transfer == NULL) {
        dav_update_job_end(job, "unsent", "too many requests");
        return;
    }

    job->status = "unknown";
}


static void
dav_update_put_done(void *data, const dav_answer_t *a)
{
    dav_update_job_t *job = data;

    json_t        *etag;
    dav_client_t  *c = job->client;

    job->transfer = NULL;

    if (a->result == DAV_HTTP_OK && a->status == 412) {
        job->status = "conflict";

    } else if (a->result == DAV_HTTP_OK && a->status / 100 == 2) {
        job->status = "done";
        dav_client_poke(c);

        etag = a->etag ? json_string(a->etag) : NULL;

        if (etag) {
            json_object_set_new(job->result, "etag", etag);
        }

        if (etag || strcmp(dav_update_job_text(job, "update"), "dav.delete")
                    == 0)
        {
            dav_update_job_end(job, "done", NULL);
            return;
        }

    } else if (a->result == DAV_HTTP_OK
               && (a->status == 404 || a->status == 410)
               && json_object_get(job->update, "etag"))
    {
        json_object_set_new(job->result, "gone", json_true());
        dav_update_job_end(job, "conflict", "the object is gone");
        return;

    } else {
        dav_update_job_lost(job, a);
        return;
    }

    dav_update_job_fetch(job, dav_update_put_response, dav_update_put_fetched);
}


static void
dav_update_put_response(void *data, const dav_response_t *r)
{
    dav_update_job_t *job = data;

    if (r->status / 100 != 2 || r->text[DAV_ETAG] == NULL) {
        return;
    }

    json_object_set_new(job->result, "etag", json_string(r->text[DAV_ETAG]));

    if (strcmp(job->status, "conflict") == 0 && r->text[DAV_DATA]) {

        if (strlen(r->text[DAV_DATA]) > DAV_UPDATE_JOB_BYTES) {
            json_object_set_new(job->result, "tooLarge", json_true());

        } else {
            json_object_set_new(job->result, "text",
                                json_string(r->text[DAV_DATA]));
        }
    }
}


/* The result is known, also if its version could not be fetched. */

static void
dav_update_put_fetched(void *data, const dav_reply_t *reply)
{
    dav_update_job_t *job = data;

    if (strcmp(job->status, "done") == 0) {
        dav_update_job_end(job, "done", NULL);
        return;
    }

    if (reply->ok && json_object_get(job->result, "etag") == NULL) {
        json_object_set_new(job->result, "gone", json_true());
    }

    dav_update_job_end(job, "conflict", "the object has changed");
}
