
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Updates that only ask: objects with their texts, and what has changed since
 * a token.  Results are events, which have a length; so there are pages, also
 * where the server knows none: a token of ours, "page [...]", says by which of
 * the server's the question was, to which it leads, and what was told.
 */


#include "dav_update_job.h"
#include "dav_text.h"
#include "dav_url.h"
#include "dav_xml.h"

#include <stdlib.h>


#define DAV_UPDATE_GET_TOKEN     4096
#define DAV_UPDATE_GET_PAGE      "page "


static void dav_update_get_object(void *data, const dav_response_t *r);
static void dav_update_get_objects(void *data, const dav_reply_t *reply);
static void dav_update_get_list(dav_update_job_t *job, const char *name,
    const char *path);
static int dav_update_get_token(dav_update_job_t *job);
static void dav_update_get_ask(dav_update_job_t *job);
static void dav_update_get_response(void *data, const dav_response_t *r);
static void dav_update_get_reply(void *data, const dav_reply_t *reply);
static void dav_update_get_page(dav_update_job_t *job);
static unsigned dav_update_get_fit(dav_update_job_t *job, unsigned limit);
static void dav_update_get_next(dav_update_job_t *job, const char *last);


void
dav_update_get(dav_update_job_t *job)
{
    size_t   i, n;
    json_t  *hrefs;

    hrefs = json_object_get(job->update, "hrefs");
    n = json_array_size(hrefs);

    if (n == 0 || n > DAV_UPDATE_JOB_HREFS) {
        dav_update_job_end(job, "invalid",
                               "\"hrefs\" is no list of 1 to %d",
                    DAV_UPDATE_JOB_HREFS);
        return;
    }

    for (i = 0; i < n; i++) {
        if (dav_update_job_object(job,
                                      json_string_value(json_array_get(hrefs,
                                                                       i)))
            == -1)
        {
            return;
        }
    }

    json_object_set_new(job->result, "objects", json_array());
    json_object_set_new(job->result, "missing", json_array());

    dav_update_job_fetch(job, dav_update_get_object,
                             dav_update_get_objects);
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
        if (job->paths[i] && strcmp(job->paths[i], path) == 0) {
            break;
        }
    }

    if (path == NULL || i == job->npaths || r->status / 100 != 2
        || r->text[DAV_ETAG] == NULL)
    {
        free(path);
        return;
    }

    /* what is left of them in the end is missing */

    free(job->paths[i]);
    job->paths[i] = NULL;

    text = r->text[DAV_DATA];
    len = text ? strlen(text) * 5 / 4 + strlen(path) + 300 : 0;

    if (text && job->bytes + len > DAV_UPDATE_JOB_BYTES && job->bytes) {
        dav_update_get_list(job, "left", path);
        free(path);
        return;
    }

    object = json_object();
    json_object_set_new(object, "href", json_string(path));
    json_object_set_new(object, "etag", json_string(r->text[DAV_ETAG]));

    if (text == NULL || len > DAV_UPDATE_JOB_BYTES) {
        json_object_set_new(object, "tooLarge", json_true());

    } else {
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

    if (!reply->ok) {
        json_object_clear(job->result);

        if (reply->answer->status == 207) {
            dav_update_job_end(job, "refused", "%s", reply->why);
            return;
        }

        dav_update_job_lost(job, reply->answer);
        return;
    }

    for (i = 0; i < job->npaths; i++) {
        if (job->paths[i]) {
            dav_update_get_list(job, "missing", job->paths[i]);
        }
    }

    dav_update_job_end(job, "done", NULL);
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
    char              *path;
    const char        *name;
    dav_collection_t  *col;

    name = dav_update_job_text(job, "collection");
    path = name ? dav_url_device(name) : NULL;
    col = path ? dav_state_collection(job->client, path) : NULL;

    if (col == NULL) {
        free(path);
        dav_update_job_end(job, "invalid",
                    "\"collection\" is none of this account");
        return;
    }

    job->path = path;
    job->etags = col->nosync;

    if (dav_update_get_token(job) == -1) {
        dav_update_job_end(job, "invalid", "\"syncToken\" is none");
        return;
    }

    json_object_set_new(job->result, "collection", json_string(path));
    dav_update_get_ask(job);
}


static int
dav_update_get_token(dav_update_job_t *job)
{
    json_t      *json;
    const char  *token, *base, *next, *after;

    json = json_object_get(job->update, "syncToken");
    token = json_string_value(json);

    if (json && (token == NULL || strlen(token) > DAV_UPDATE_GET_TOKEN)) {
        return -1;
    }

    if (token == NULL) {
        return 0;
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
dav_update_get_ask(dav_update_job_t *job)
{
    if (dav_report_changes(&job->report, job->client, job->path,
                           job->etags ? NULL : job->base ? job->base : "",
                           dav_update_get_response, dav_update_get_reply, job)
        == -1)
    {
        dav_update_job_end(job, "unsent", "too many requests");
    }
}


static void
dav_update_get_response(void *data, const dav_response_t *r)
{
    dav_update_job_t *job = data;

    job->more |= dav_report_change(job->client, job->path, r, &job->list);
}


static void
dav_update_get_reply(void *data, const dav_reply_t *reply)
{
    dav_update_job_t *job = data;

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
        dav_update_job_end(job, "refused",
                               "the token is not valid any more");
        return;
    }

    if (reply->status == 207) {
        dav_update_job_end(job, "refused", "%s", reply->why);
        return;
    }

    dav_update_job_lost(job, reply->answer);
}


static void
dav_update_get_page(dav_update_job_t *job)
{
    char        *href;
    json_t      *changed, *removed, *limit;
    unsigned     i, n;
    const char  *etag;

    limit = json_object_get(job->update, "limit");
    n = json_is_integer(limit) && json_integer_value(limit) > 0
        && json_integer_value(limit) < DAV_UPDATE_JOB_PAGE
        ? json_integer_value(limit) : DAV_UPDATE_JOB_PAGE;

    dav_etag_list_page(&job->list, job->after, job->list.n);
    n = dav_update_get_fit(job, n);

    changed = json_array();
    removed = json_array();

    for (i = 0; i < n; i++) {
        etag = dav_etag_list_etag(job->list.items[i]);
        href = bridge_format("%s%s", job->path, job->list.items[i]);

        if (*etag) {
            json_array_append_new(changed, json_pack("{s:s, s:s}", "href",
                                                     href, "etag", etag));

        } else {
            json_array_append_new(removed, json_string(href));
        }

        free(href);
    }

    json_object_set_new(job->result, "changed", changed);
    json_object_set_new(job->result, "removed", removed);
    json_object_set_new(job->result, "all",
                        json_boolean(job->etags || job->base == NULL
                                     || *job->base == '\0'));

    dav_update_get_next(job, n < job->list.n ? job->list.items[n - 1] : NULL);
    dav_update_job_end(job, "done", NULL);
}


/* So many of the list have room in a result; one always has. */

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
    char    *text, *token;
    json_t  *page;

    if (last) {
        page = json_pack("[s, s, s]", job->base ? job->base : "",
                         job->token ? job->token : "", last);
        text = json_dumps(page, JSON_COMPACT);
        token = text ? bridge_format(DAV_UPDATE_GET_PAGE "%s", text) : NULL;

        json_object_set_new(job->result, "syncToken", json_string(token));

        json_decref(page);
        free(text);
        free(token);

    } else if (job->token && !job->etags) {
        json_object_set_new(job->result, "syncToken",
                            json_string(job->token));
    }

    json_object_set_new(job->result, "more",
                        json_boolean(last || (job->more && !job->etags)));
}
