
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns updates that read: "dav.get", objects with their contents, and
 * "dav.sync", changes since a token.  Called by dav_update.c.
 * Invariant: a result is an event, whose length is limited.  So results have
 * pages, also where the server has none.  The token of such a page is
 * "page [...]" with the token of the request, the token of the reply and the
 * last change of the page.
 */


#include "dav_update_job.h"

#include <stdlib.h>


#define DAV_UPDATE_GET_TOKEN    4096    /* bytes */
#define DAV_UPDATE_GET_PAGE     "page "


static void dav_update_get_object(void *data, const dav_response_t *r);
static void dav_update_get_objects(void *data, const dav_reply_t *reply);
static int dav_update_get_is_empty(dav_update_job_t *job);
static int dav_update_get_is_known(dav_update_job_t *job, unsigned i);
static int dav_update_get_broken(const dav_reply_t *reply);
static void dav_update_get_refused(dav_update_job_t *job,
    const dav_reply_t *reply);
static void dav_update_get_list(dav_update_job_t *job, const char *name,
    const char *path);
static int dav_update_get_token(dav_update_job_t *job);
static void dav_update_get_response(void *data, const dav_response_t *r);
static void dav_update_get_reply(void *data, const dav_reply_t *reply);
static void dav_update_get_page(dav_update_job_t *job);
static unsigned dav_update_get_fit(dav_update_job_t *job, unsigned limit);
static void dav_update_get_next(dav_update_job_t *job, const char *last);


void
dav_update_get(dav_update_job_t *job)
{
    size_t       i, n;
    json_t      *hrefs;
    const char  *href;

    hrefs = json_object_get(job->update, "hrefs");
    n = json_array_size(hrefs);

    if (n == 0 || n > DAV_UPDATE_JOB_HREFS) {
        dav_update_job_end(job, "invalid",
                           "\"hrefs\" is not a list of 1 to %d",
                           DAV_UPDATE_JOB_HREFS);
        return;
    }

    for (i = 0; i < n; i++) {
        href = json_string_value(json_array_get(hrefs, i));

        if (dav_update_job_object(job, href) == -1) {
            return;
        }
    }

    json_object_set_new(job->result, "objects", json_array());
    json_object_set_new(job->result, "missing", json_array());

    dav_update_job_fetch(job, dav_update_get_object, dav_update_get_objects);
}


static void
dav_update_get_object(void *data, const dav_response_t *r)
{
    dav_update_job_t *job = data;

    char        *path;
    size_t       len;
    json_t      *object;
    unsigned     i;
    const char  *text;

    path = dav_url_resolve(job->client->origin, job->path, r->text[DAV_HREF]);

    for (i = 0; path && i < job->npaths; i++) {
        if (job->paths[i] && dav_url_compare(job->paths[i], path) == 0) {
            break;
        }
    }

    if (path == NULL || i == job->npaths) {
        free(path);
        return;
    }

    free(job->paths[i]);
    job->paths[i] = NULL;

    if (r->status / 100 != 2 || r->text[DAV_ETAG] == NULL) {
        dav_update_get_list(job, r->status == 404 || r->status == 410
                                 ? "missing" : "left", path);
        free(path);
        return;
    }

    text = r->text[DAV_DATA];
    len = text ? strlen(text) * 5 / 4 + strlen(path) + 300 : 0;

    if (text && job->bytes + len > DAV_UPDATE_JOB_BYTES && job->bytes) {
        dav_update_get_list(job, "left", path);
        free(path);
        return;
    }

    object = json_pack("{s:s, s:s}", "href", path, "etag", r->text[DAV_ETAG]);

    if (r->cut || len > DAV_UPDATE_JOB_BYTES) {
        json_object_set_new(object, "tooLarge", json_true());

    } else if (text) {
        json_object_set_new(object, "text", json_string(text));
        job->bytes += len;
    }

    json_array_append_new(json_object_get(job->result, "objects"), object);
    free(path);
}


static void
dav_update_get_objects(void *data, const dav_reply_t *reply)
{
    dav_update_job_t *job = data;

    unsigned  i;

    if (!reply->ok
        && (!dav_update_get_broken(reply) || dav_update_get_is_empty(job)))
    {
        json_object_clear(job->result);
        dav_update_get_refused(job, reply);
        return;
    }

    /* behind a fault of the XML there may be other objects */

    for (i = 0; i < job->npaths; i++) {
        if (job->paths[i]) {
            dav_update_get_list(job, reply->ok
                                     && !dav_update_get_is_known(job, i)
                                     ? "missing" : "left", job->paths[i]);
        }
    }

    if (dav_update_get_is_empty(job)) {
        json_object_clear(job->result);
        dav_update_job_end(job, "refused",
                           "the server did not tell of the objects");
        return;
    }

    dav_update_job_end(job, "done", NULL);
}


/* Nothing was told: a device that asks for what is left would ask again. */

static int
dav_update_get_is_empty(dav_update_job_t *job)
{
    return json_array_size(json_object_get(job->result, "objects")) == 0
           && json_array_size(json_object_get(job->result, "missing")) == 0;
}


/*
 * Some servers leave out what is missing.  But an answer that leaves out what
 * the server has listed proves nothing.
 */

static int
dav_update_get_is_known(dav_update_job_t *job, unsigned i)
{
    const char        *name;
    dav_collection_t  *col;

    col = dav_state_collection(job->client, job->path);
    name = col ? dav_url_name(col->path, job->paths[i]) : NULL;

    return name && dav_etag_list_find(&col->known, name);
}


/* It is an answer, but can't be read, or is over a limit. */

static int
dav_update_get_broken(const dav_reply_t *reply)
{
    return reply->status == 207 || reply->answer->result == DAV_HTTP_LIMIT;
}


static void
dav_update_get_refused(dav_update_job_t *job, const dav_reply_t *reply)
{
    if (dav_update_get_broken(reply)) {
        dav_update_job_end(job, "refused", "%s", reply->why);
        return;
    }

    dav_update_job_lost(job, reply->answer);
}


static void
dav_update_get_list(dav_update_job_t *job, const char *name,
    const char *path)
{
    json_t  *list;

    list = json_object_get(job->result, name);

    if (list == NULL) {
        list = json_array();
        json_object_set_new(job->result, name, list);
    }

    json_array_append_new(list, json_string(path));
}


void
dav_update_sync(dav_update_job_t *job)
{
    const char        *name;
    dav_collection_t  *col;

    name = dav_update_job_text(job, "collection");
    col = name ? dav_state_collection(job->client, name) : NULL;

    if (col == NULL) {
        dav_update_job_end(job, "invalid",
                           "\"collection\" is not in this account");
        return;
    }

    job->path = bridge_string(col->path);
    job->etags = col->nosync;

    if (dav_update_get_token(job) == -1) {
        dav_update_job_end(job, "invalid", "\"syncToken\" is not a token");
        return;
    }

    json_object_set_new(job->result, "collection", json_string(job->path));

    if (dav_report_changes(&job->report, job->client, job->path,
                           job->etags ? NULL : job->base ? job->base : "",
                           dav_update_get_response, dav_update_get_reply, job)
        == -1)
    {
        dav_update_job_end(job, "unsent", "too many requests");
    }
}


static int
dav_update_get_token(dav_update_job_t *job)
{
    json_t      *json;
    const char  *token, *base, *next, *after;

    json = json_object_get(job->update, "syncToken");
    token = json_string_value(json);

    if (token == NULL || strlen(token) > DAV_UPDATE_GET_TOKEN) {
        return json ? -1 : 0;
    }

    if (strncmp(token, bridge_literal(DAV_UPDATE_GET_PAGE)) != 0) {
        job->base = bridge_string(token);
        return 0;
    }

    json = json_loads(token + sizeof(DAV_UPDATE_GET_PAGE) - 1, 0, NULL);

    if (json_unpack(json, "[s, s, s]", &base, &next, &after) == -1) {
        json_decref(json);
        return -1;
    }

    job->base = bridge_string(base);
    job->token = *next ? bridge_string(next) : NULL;
    job->after = bridge_string(after);
    json_decref(json);

    return 0;
}


static void
dav_update_get_response(void *data, const dav_response_t *r)
{
    dav_update_job_t *job = data;

    dav_change_t            change;
    dav_collection_t       *col;
    const dav_etag_list_t   none = { NULL, 0, 0 };

    col = dav_state_collection(job->client, job->path);
    change = dav_report_change(job->client, job->path, r,
                               col ? &col->known : &none, &job->list);

    job->more |= change == DAV_CHANGE_MORE;
    job->itself |= change == DAV_CHANGE_ITSELF;
    job->skipped |= change >= DAV_CHANGE_SKIPPED
                    || (change == DAV_CHANGE_UNTAGGED && job->etags);
}


static void
dav_update_get_reply(void *data, const dav_reply_t *reply)
{
    dav_update_job_t *job = data;

    if (reply->ok
        && (job->skipped || reply->nameless
            || (job->etags && (job->more
                               || (!job->itself && job->list.n == 0)))))
    {

        /* a device takes what is not in a whole list for removed */

        dav_update_job_end(job, "refused",
                           "the server did not list all objects");
        return;
    }

    if (reply->ok && (reply->token || job->etags)) {

        if (job->token == NULL && reply->token) {
            job->token = bridge_string(reply->token);
        }

        dav_etag_list_sort(&job->list);
        dav_update_get_page(job);
        return;
    }

    if (job->base && !job->etags && dav_report_is_token(reply)) {
        json_object_set_new(job->result, "invalidToken", json_true());
        dav_update_job_end(job, "refused", "the token is no longer valid");
        return;
    }

    dav_update_get_refused(job, reply);
}


static void
dav_update_get_page(dav_update_job_t *job)
{
    json_t    *limit;
    unsigned   i, n;

    limit = json_object_get(job->update, "limit");
    n = json_is_integer(limit) && json_integer_value(limit) > 0
        && json_integer_value(limit) < DAV_UPDATE_JOB_PAGE
        ? json_integer_value(limit) : DAV_UPDATE_JOB_PAGE;

    dav_etag_list_page(&job->list, job->after, job->list.n);
    n = dav_update_get_fit(job, n);

    json_object_set_new(job->result, "changed", json_array());
    json_object_set_new(job->result, "removed", json_array());

    for (i = 0; i < n; i++) {
        dav_collection_object(job->result, job->path, job->list.items[i],
                              NULL);
    }

    json_object_set_new(job->result, "all",
                        json_boolean(job->etags || job->base == NULL
                                     || *job->base == '\0'));

    dav_update_get_next(job, n < job->list.n ? job->list.items[n - 1] : NULL);
    dav_update_job_end(job, "done", NULL);
}


/* The number of changes that a result has room for, at least 1. */

static unsigned
dav_update_get_fit(dav_update_job_t *job, unsigned limit)
{
    size_t    bytes, len;
    unsigned  i;

    len = strlen(job->path);
    bytes = 0;

    for (i = 0; i < job->list.n && i < limit; i++) {
        bytes += len + strlen(job->list.items[i]) + 40
                 + 2 * strlen(dav_etag_list_etag(job->list.items[i]));

        if (bytes > DAV_UPDATE_JOB_BYTES && i) {
            break;
        }
    }

    return i;
}


static void
dav_update_get_next(dav_update_job_t *job, const char *last)
{
    char    *page, *token;
    json_t  *json;

    token = NULL;

    if (last) {
        json = json_pack("[s, s, s]", job->base ? job->base : "",
                         job->token ? job->token : "", last);
        page = json_dumps(json, JSON_COMPACT);
        token = bridge_format(DAV_UPDATE_GET_PAGE "%s", page ? page : "");

        json_decref(json);
        free(page);

    } else if (!job->etags) {
        token = bridge_string(job->token);
    }

    if (token) {
        json_object_set_new(job->result, "syncToken", json_string(token));
        free(token);
    }

    json_object_set_new(job->result, "more",
                        json_boolean(last || (job->more && !job->etags)));
}
