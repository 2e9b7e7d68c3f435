
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns updates that write: "dav.put" and "dav.delete".  Called by
 * dav_update.c.  Invariant: each request has a condition, so that a version
 * that the device has not seen is never overwritten.
 *
 * An answer may be lost after the server has carried out the request, and a
 * request that is sent again then meets its own result.  So after a lost
 * answer, an error and a failed condition the object is fetched, and compared
 * with what was sent.
 */


#include "dav_update_job.h"

#include <stdlib.h>


static int dav_update_put_object(dav_update_job_t *job, const char **etag);
static void dav_update_put_send(dav_update_job_t *job, const char *etag);
static void dav_update_put_done(void *data, const dav_answer_t *answer);
static int dav_update_put_is_delete(dav_update_job_t *job);
static int dav_update_put_is_good(int status);
static void dav_update_put_good(dav_update_job_t *job, const dav_answer_t *a);
static void dav_update_put_compare(dav_update_job_t *job,
    const dav_answer_t *a);
static void dav_update_put_response(void *data, const dav_response_t *r);
static void dav_update_put_fetched(void *data, const dav_reply_t *reply);
static void dav_update_put_present(dav_update_job_t *job);
static void dav_update_put_differs(dav_update_job_t *job);
static int dav_update_put_other_form(dav_update_job_t *job);


void
dav_update_put(dav_update_job_t *job)
{
    json_t      *json;
    const char  *etag, *why;

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

    dav_update_put_send(job, etag);
}


void
dav_update_delete(dav_update_job_t *job)
{
    const char  *etag;

    if (dav_update_put_object(job, &etag) == -1) {
        return;
    }

    if (etag == NULL) {
        dav_update_job_end(job, "invalid", "no \"etag\"");
        return;
    }

    dav_update_put_send(job, etag);
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
dav_update_put_send(dav_update_job_t *job, const char *etag)
{
    json_t         *text;
    dav_client_t   *c = job->client;
    dav_request_t   request;

    memset(&request, 0, sizeof(request));
    request.method = "DELETE";
    request.if_match = etag;

    if (!dav_update_put_is_delete(job)) {
        text = json_object_get(job->update, "text");

        request.method = "PUT";
        request.type = job->calendar ? "text/calendar; charset=utf-8"
                                     : "text/vcard; charset=utf-8";
        request.body = json_string_value(text);
        request.len = json_string_length(text);
        request.if_none_match = etag ? NULL : "*";
    }

    request.origin = c->origin;
    request.path = job->paths[0];
    request.depth = -1;
    request.max_answer = c->server->max_answer;

    job->transfer = dav_http_send(c->server->http, &request, &c->login, NULL,
                                  dav_update_put_done, job);

    if (job->transfer == NULL) {
        dav_update_job_end(job, job->status ? job->status : "unsent",
                           "too many requests");
        return;
    }

    job->status = "unknown";
}


static int
dav_update_put_is_delete(dav_update_job_t *job)
{
    return strcmp(dav_update_job_text(job, "update"), "dav.delete") == 0;
}


static void
dav_update_put_done(void *data, const dav_answer_t *a)
{
    dav_update_job_t *job = data;

    int  missing;

    job->transfer = NULL;

    missing = a->result == DAV_HTTP_OK
              && (a->status == 404 || a->status == 410)
              && json_object_get(job->update, "etag");

    if (a->result == DAV_HTTP_OK && dav_update_put_is_good(a->status)) {
        dav_update_put_good(job, a);

    } else if (missing && !a->resent) {
        json_object_set_new(job->result, "gone", json_true());
        dav_update_job_end(job, "conflict", "the object is gone");

    } else if (missing || dav_update_job_in_doubt(a)
               || (a->result == DAV_HTTP_OK
                   && (a->status == 412 || a->status / 100 == 2)))
    {
        dav_update_put_compare(job, a);

    } else {
        dav_update_job_lost(job, a);
    }
}


/* RFC 4918, 9.6.1: 207 is for what could not be done; 202 promises only. */

static int
dav_update_put_is_good(int status)
{
    return status / 100 == 2 && status != 202 && status != 207;
}


static void
dav_update_put_good(dav_update_job_t *job, const dav_answer_t *a)
{
    json_t  *etag;

    job->status = "done";
    dav_client_poke(job->client);

    etag = a->etag ? json_string(a->etag) : NULL;

    if (etag) {
        json_object_set_new(job->result, "etag", etag);
    }

    if (etag || dav_update_put_is_delete(job)) {
        dav_update_job_end(job, "done", NULL);
        return;
    }

    dav_update_job_fetch(job, dav_update_put_response, dav_update_put_fetched);
}


static void
dav_update_put_compare(dav_update_job_t *job, const dav_answer_t *a)
{
    job->refused = a->result == DAV_HTTP_OK && a->status == 412 && !a->resent;
    job->why = a->result == DAV_HTTP_OK
               ? bridge_format("the server has answered %d", a->status)
               : bridge_string(a->why);
    job->same = 0;

    dav_update_job_fetch(job, dav_update_put_response, dav_update_put_fetched);
}


static void
dav_update_put_response(void *data, const dav_response_t *r)
{
    dav_update_job_t *job = data;

    const char  *text = r->text[DAV_DATA];

    if (r->status / 100 != 2 || r->text[DAV_ETAG] == NULL) {
        return;
    }

    json_object_set_new(job->result, "etag", json_string(r->text[DAV_ETAG]));

    if (strcmp(job->status, "done") == 0) {
        return;
    }

    if (r->cut || (text && strlen(text) > DAV_UPDATE_JOB_BYTES)) {
        json_object_set_new(job->result, "tooLarge", json_true());

    } else if (text) {
        json_object_set_new(job->result, "text", json_string(text));
    }

    job->same = text && !dav_update_put_is_delete(job)
                && dav_text_same(text, dav_update_job_text(job, "text"));
}


static void
dav_update_put_fetched(void *data, const dav_reply_t *reply)
{
    dav_update_job_t *job = data;

    if (strcmp(job->status, "done") == 0) {

        /* it is done, also if its version could not be fetched */

        dav_update_job_end(job, "done", NULL);
        return;
    }

    if (!job->refused) {
        dav_client_poke(job->client);
    }

    if (!reply->ok) {
        dav_update_job_end(job, job->refused ? "conflict" : "unknown", "%s",
                           job->refused ? "the object has changed" : job->why);
        return;
    }

    if (json_object_get(job->result, "etag")) {
        dav_update_put_present(job);
        return;
    }

    if (dav_update_put_is_delete(job) && !job->refused) {
        dav_update_job_end(job, "done", NULL);
        return;
    }

    json_object_set_new(job->result, "gone", json_true());
    dav_update_put_differs(job);
}


/* The object is there.  Is it what was sent, or what it was before? */

static void
dav_update_put_present(dav_update_job_t *job)
{
    const char  *etag, *now;

    etag = dav_update_job_text(job, "etag");
    now = json_string_value(json_object_get(job->result, "etag"));

    if (job->same) {
        json_object_del(job->result, "text");
        json_object_del(job->result, "tooLarge");
        dav_update_job_end(job, "done", NULL);

    } else if (etag && now && job->refused && dav_text_etag_same(etag, now)) {

        if (dav_update_put_other_form(job) == -1) {
            dav_update_job_end(job, "refused",
                               "the server answered 412 to the present ETag");
        }

    } else {
        dav_update_put_differs(job);
    }
}


static void
dav_update_put_differs(dav_update_job_t *job)
{
    if (job->refused) {
        dav_update_job_end(job, "conflict", "the object has changed");
        return;
    }

    dav_update_job_end(job, "unknown", "%s", job->why);
}


/*
 * RFC 9110, 13.1.1: a weak ETag never matches.  Some servers that have weak
 * ETags take the same without "W/", others only their own spelling.  Returns
 * -1 if both forms have been sent.
 */

static int
dav_update_put_other_form(dav_update_job_t *job)
{
    char        *form;
    const char  *etag, *now;

    etag = dav_update_job_text(job, "etag");
    now = json_string_value(json_object_get(job->result, "etag"));
    form = bridge_string(strcmp(etag, now) != 0 ? now : dav_text_strong(etag));

    if (job->other_form || strcmp(form, etag) == 0) {
        free(form);
        return -1;
    }

    job->other_form = 1;
    json_object_del(job->result, "etag");
    json_object_del(job->result, "text");
    json_object_del(job->result, "tooLarge");
    free(job->why);
    job->why = NULL;

    dav_update_put_send(job, form);
    free(form);

    return 0;
}
