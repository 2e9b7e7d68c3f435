
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * What has changed in a collection: by sync-collection (RFC 6578) where the
 * server has it, page after page; else, all ETags are compared.
 *
 *     by a token      each page is published and stored with its own token
 *     all             nothing is before the last page: a token that the
 *                     server does not know any more, or none yet
 *     by ETags        all, in one request
 */


#include "dav_report.h"
#include "dav_round.h"
#include "dav_counters.h"
#include "dav_url.h"
#include "dav_xml.h"

#include <stdlib.h>
#include <syslog.h>


#define DAV_SYNC_CONTENTS   20          /* objects whose texts are fetched */


struct dav_sync_s {
    dav_client_t       *client;
    dav_collection_t   *collection;
    char               *marker;
    char               *token;          /* that the next page is asked by */
    dav_etag_list_t          page;
    dav_etag_list_t          all;
    dav_etag_list_t          delta;          /* to be published */
    json_t             *contents;
    unsigned            pages;

    unsigned            full:1;
    unsigned            etags:1;
    unsigned            more:1;         /* the page was not the last one */
    unsigned            resync:1;
};


static void dav_sync_ask(dav_sync_t *s);
static int dav_sync_response(void *data, const dav_response_t *r);
static void dav_sync_reply(void *data, const dav_reply_t *reply);
static void dav_sync_refused(dav_sync_t *s, const dav_reply_t *reply);
static void dav_sync_page(dav_sync_t *s, const char *token);
static void dav_sync_all(dav_sync_t *s);
static void dav_sync_deliver(dav_sync_t *s);
static int dav_sync_fetch(dav_sync_t *s);
static int dav_sync_content(void *data, const dav_response_t *r);
static void dav_sync_fetched(void *data, const dav_reply_t *reply);
static void dav_sync_publish(dav_sync_t *s);
static void dav_sync_end(dav_sync_t *s);


void
dav_sync_start(dav_client_t *c, dav_collection_t *col)
{
    dav_sync_t  *s;

    s = bridge_alloc(sizeof(dav_sync_t));
    c->sync = s;

    s->client = c;
    s->collection = col;
    s->marker = bridge_string(col->marker);
    s->etags = col->nosync;
    s->full = col->token == NULL || !col->based;
    s->token = s->full ? NULL : bridge_string(col->token);

    dav_sync_ask(s);
}


void
dav_sync_cancel(dav_client_t *c)
{
    dav_sync_t *s = c->sync;

    if (s == NULL) {
        return;
    }

    dav_etag_list_free(&s->page);
    dav_etag_list_free(&s->all);
    dav_etag_list_free(&s->delta);
    json_decref(s->contents);
    free(s->marker);
    free(s->token);
    free(s);

    c->sync = NULL;
}


static void
dav_sync_ask(dav_sync_t *s)
{
    char          *xml;
    dav_client_t  *c = s->client;

    s->more = 0;
    dav_etag_list_free(&s->page);
    dav_counters.lists += s->etags || s->token == NULL;

    xml = s->etags ? dav_xml_etags()
                   : dav_xml_sync(s->token ? s->token : "", 0);

    c->call = dav_report(c, s->etags ? "PROPFIND" : "REPORT",
                       s->collection->path, s->etags ? 1 : 0, xml,
                       dav_sync_response, dav_sync_reply, s);

    if (c->call == NULL) {
        dav_sync_cancel(c);
        dav_round_end(c, c->server->poll_min);
    }
}


static int
dav_sync_response(void *data, const dav_response_t *r)
{
    dav_sync_t *s = data;

    char        *path;
    size_t       len;
    const char  *base, *etag;

    base = s->collection->path;
    len = strlen(base);
    path = dav_url_resolve(s->client->origin, base, r->text[DAV_HREF]);

    if (path == NULL) {
        return 0;
    }

    if (!dav_url_member(base, path)) {

        /* RFC 6578, 3.6: the collection itself, if that was not all */

        if (r->status == 507 && strncmp(path, base, len - 1) == 0
            && (path[len - 1] == '\0' || strcmp(path, base) == 0))
        {
            s->more = 1;
        }

        free(path);
        return 0;
    }

    etag = r->text[DAV_ETAG];

    if (r->status == 404 || r->status == 410) {
        (void) dav_etag_list_add(&s->page, path + len, "");

    } else if (r->status / 100 == 2 && etag && *etag
               && !(r->flags & DAV_IS_COLLECTION))
    {
        (void) dav_etag_list_add(&s->page, path + len, etag);
    }

    free(path);

    return 0;
}


static void
dav_sync_reply(void *data, const dav_reply_t *reply)
{
    dav_sync_t *s = data;

    s->client->call = NULL;

    if (!reply->ok) {
        dav_sync_refused(s, reply);
        return;
    }

    dav_etag_list_sort(&s->page);

    if (s->etags) {
        dav_etag_list_move(&s->all, &s->page);
        dav_sync_all(s);
        return;
    }

    if (reply->token == NULL || *reply->token == '\0') {

        /* not what RFC 6578 has: then without it */

        s->collection->nosync = 1;
        s->etags = 1;
        dav_sync_ask(s);
        return;
    }

    dav_sync_page(s, reply->token);
}


static void
dav_sync_refused(dav_sync_t *s, const dav_reply_t *reply)
{
    int            status;
    dav_client_t  *c = s->client;

    status = reply->answer->result == DAV_HTTP_OK ? reply->answer->status : 0;

    if (status == 404 || (status == 410 && s->token == NULL)
        || (s->etags && status / 100 == 4 && status != 401 && status != 429))
    {
        /* gone in the meantime, as the next round will see; or not ours */

        dav_state_log(c, LOG_INFO, "\"%s\" is not to be read: %d",
                       s->collection->path, status);

        dav_sync_end(s);
        return;
    }

    if (s->etags || status == 401 || status == 429 || status == 503
        || status == 207 || status == 0)
    {
        dav_sync_cancel(c);
        dav_state_trouble(c, reply, "synchronizing");
        return;
    }

    if (s->token && (reply->error & DAV_ERROR_TOKEN
                     || dav_report_is_token(status)))
    {
        dav_state_log(c, LOG_INFO, "sync token of \"%s\" is not valid any "
                       "more", s->collection->path);

        free(s->token);
        s->token = NULL;
        s->full = 1;
        s->pages = 0;

    } else if (status / 100 == 5 && status != 501 && status != 507) {
        dav_sync_cancel(c);
        dav_state_trouble(c, reply, "synchronizing");
        return;

    } else {
        dav_state_log(c, LOG_INFO, "no sync-collection of \"%s\": %d",
                       s->collection->path, status);

        s->collection->nosync = 1;
        s->etags = 1;
    }

    dav_sync_ask(s);
}


static void
dav_sync_page(dav_sync_t *s, const char *token)
{
    dav_collection_t  *col = s->collection;

    /* A server that does not go on would be asked for ever. */

    if (s->more && (++s->pages == DAV_MAX_PAGES
                    || (s->token && strcmp(s->token, token) == 0)))
    {
        dav_state_log(s->client, LOG_WARNING, "synchronizing \"%s\" does not "
                       "come to an end", col->path);
        s->more = 0;
    }

    free(s->token);
    s->token = bridge_string(token);

    if (s->full) {
        dav_etag_list_apply(&s->all, &s->page);

        if (s->more) {
            dav_sync_ask(s);

        } else {
            dav_sync_all(s);
        }

        return;
    }

    if (!col->unknown) {
        dav_etag_list_apply(&col->known, &s->page);
    }

    dav_etag_list_move(&s->delta, &s->page);
    dav_sync_deliver(s);
}


/* All is there: what is not in it has been removed. */

static void
dav_sync_all(dav_sync_t *s)
{
    dav_collection_t  *col = s->collection;

    if (col->based && !col->unknown) {
        dav_etag_list_diff(&col->known, &s->all, &s->delta);
    }

    s->resync = col->based && col->unknown;
    s->more = 0;

    col->based = 1;
    col->unknown = 0;
    dav_etag_list_move(&col->known, &s->all);

    dav_sync_deliver(s);
}


static void
dav_sync_deliver(dav_sync_t *s)
{
    dav_collection_t  *col = s->collection;

    if (col->known.n > s->client->server->max_known) {
        dav_etag_list_free(&col->known);
        col->unknown = 1;
    }

    if (dav_sync_fetch(s) == 0) {
        return;
    }

    dav_sync_publish(s);
}


/* Texts of objects that have changed, if they are few and wanted. */

static int
dav_sync_fetch(dav_sync_t *s)
{
    char              *paths[DAV_SYNC_CONTENTS], *xml;
    unsigned           i, n;
    dav_client_t      *c = s->client;
    dav_collection_t  *col = s->collection;

    if (c->server->max_content == 0 || s->delta.n > DAV_SYNC_CONTENTS) {
        return -1;
    }

    for (i = 0, n = 0; i < s->delta.n; i++) {
        if (*dav_etag_list_etag(s->delta.items[i])) {
            paths[n++] = bridge_format("%s%s", col->path, s->delta.items[i]);
        }
    }

    if (n == 0) {
        return -1;
    }

    xml = dav_xml_multiget(col->flags & DAV_IS_CALENDAR, paths, n);

    for (i = 0; i < n; i++) {
        free(paths[i]);
    }

    s->contents = json_object();
    c->call = dav_report(c, "REPORT", col->path, 1, xml, dav_sync_content,
                       dav_sync_fetched, s);

    return c->call ? 0 : -1;
}


static int
dav_sync_content(void *data, const dav_response_t *r)
{
    dav_sync_t *s = data;

    char        *path;
    size_t       len;
    unsigned     i;
    const char  *p, *text;

    text = r->text[DAV_DATA];

    if (text == NULL || r->text[DAV_ETAG] == NULL
        || strlen(text) > s->client->server->max_content)
    {
        return 0;
    }

    for (p = text; *p; p++) {
        if ((unsigned char) *p < ' ' && strchr("\r\n\t", *p) == NULL) {
            return 0;
        }
    }

    len = strlen(s->collection->path);
    path = dav_url_resolve(s->client->origin, s->collection->path,
                           r->text[DAV_HREF]);

    for (i = 0; path && i < s->delta.n; i++) {

        /* a later version belongs to a later event */

        if (dav_url_member(s->collection->path, path)
            && strcmp(path + len, s->delta.items[i]) == 0
            && strcmp(dav_etag_list_etag(s->delta.items[i]), r->text[DAV_ETAG])
               == 0)
        {
            json_object_set_new(s->contents, s->delta.items[i],
                                json_string(text));
        }
    }

    free(path);

    return 0;
}


/* Without the texts the events are as good. */

static void
dav_sync_fetched(void *data, const dav_reply_t *reply)
{
    dav_sync_t *s = data;

    s->client->call = NULL;

    dav_sync_publish(s);
}


static void
dav_sync_publish(dav_sync_t *s)
{
    json_t            *events;
    unsigned           i;
    dav_client_t      *c = s->client;
    dav_collection_t  *col = s->collection;

    if (s->token && !s->etags) {
        free(col->token);
        col->token = bridge_string(s->token);

    } else {
        free(col->token);
        col->token = NULL;
    }

    if (!s->more) {
        free(col->seen);
        col->seen = bridge_string(s->marker);
    }

    events = json_array();

    if (s->resync) {
        json_array_append_new(events, dav_collection_resync(col));
    }

    dav_collection_changes(col, events, &s->delta, s->contents);

    for (i = 0; i < s->delta.n; i++) {
        dav_counters.changes[*dav_etag_list_etag(s->delta.items[i])
                           ? DAV_COUNT_OBJECT : DAV_COUNT_REMOVED]++;
    }

    c->changed |= json_array_size(events) > 0;
    dav_state_store(c, col, events);

    dav_etag_list_free(&s->delta);
    json_decref(s->contents);
    s->contents = NULL;

    if (s->more) {
        dav_sync_ask(s);
        return;
    }

    dav_sync_end(s);
}


static void
dav_sync_end(dav_sync_t *s)
{
    dav_client_t  *c = s->client;

    dav_sync_cancel(c);
    dav_round_synced(c);
}
