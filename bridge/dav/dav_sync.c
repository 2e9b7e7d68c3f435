
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the sync of a collection: which objects have changed, by
 * sync-collection (RFC 6578) page after page, or, where the server lacks
 * that, by a comparison of all ETags.  Called by dav_round.c.
 * Invariant: events and the token that they lead to are stored in one step.
 *
 *     by a token      each page is stored with its own token
 *     full            without a token, or after an invalid one: nothing is
 *                     stored before the last page
 *     by ETags        one request, always full
 */


#include "dav_state.h"
#include "dav_counters.h"
#include "dav_report.h"

#include <stdlib.h>
#include <syslog.h>


#define DAV_SYNC_PAGES      1000
#define DAV_SYNC_EMPTY      10          /* pages in a row */
#define DAV_SYNC_CONTENTS   20          /* objects that are fetched */
#define DAV_SYNC_BACKOFF    600000      /* ms, at most */


struct dav_sync_s {
    dav_client_t       *client;
    dav_collection_t   *collection;
    dav_step_pt         done;
    char               *token;          /* of the next page */
    dav_etag_list_t     page;
    dav_etag_list_t     all;
    dav_etag_list_t     delta;          /* to be published */
    json_t             *contents;
    unsigned            pages;
    unsigned            empty;          /* of these, the last ones */

    unsigned            full:1;
    unsigned            etags:1;
    unsigned            more:1;         /* pages follow */
    unsigned            itself:1;       /* the collection is in its list */
    unsigned            skipped:1;      /* objects are not in the lists */
    unsigned            elsewhere:1;    /* nobody knows which ones */
    unsigned            resync:1;
};


static void dav_sync_ask(dav_sync_t *s);
static void dav_sync_response(void *data, const dav_response_t *r);
static void dav_sync_reply(void *data, const dav_reply_t *reply);
static void dav_sync_failed(dav_sync_t *s, uint32_t least, const char *why);
static void dav_sync_refused(dav_sync_t *s, const dav_reply_t *reply);
static void dav_sync_page(dav_sync_t *s, const char *token);
static void dav_sync_all(dav_sync_t *s);
static void dav_sync_keep(dav_sync_t *s);
static void dav_sync_changed(dav_sync_t *s);
static int dav_sync_fetch(dav_sync_t *s);
static void dav_sync_content(void *data, const dav_response_t *r);
static void dav_sync_fetched(void *data, const dav_reply_t *reply);
static void dav_sync_store(dav_sync_t *s);
static void dav_sync_seen(dav_sync_t *s);
static void dav_sync_end(dav_sync_t *s, uint32_t after);


void
dav_sync_start(dav_client_t *c, dav_collection_t *col, dav_step_pt done)
{
    dav_sync_t  *s;

    s = bridge_alloc(sizeof(dav_sync_t));
    c->sync = s;

    s->client = c;
    s->collection = col;
    s->done = done;
    s->etags = col->nosync;
    s->full = col->token == NULL || !col->baseline || col->doubt;
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
    free(s->token);
    free(s);

    c->sync = NULL;
}


static void
dav_sync_ask(dav_sync_t *s)
{
    dav_client_t  *c = s->client;

    s->more = 0;
    s->itself = 0;
    dav_etag_list_free(&s->page);
    dav_counters.lists += s->etags || s->token == NULL;

    if (dav_report_changes(&c->report, c, s->collection->path,
                           s->etags ? NULL : s->token ? s->token : "",
                           dav_sync_response, dav_sync_reply, s)
        == -1)
    {
        dav_sync_end(s, c->server->poll_min);
    }
}


static void
dav_sync_response(void *data, const dav_response_t *r)
{
    dav_sync_t *s = data;

    dav_change_t       change;
    dav_collection_t  *col = s->collection;

    change = dav_report_change(s->client, col->path, r, &col->known, &s->page);

    s->more |= change == DAV_CHANGE_MORE;
    s->itself |= change == DAV_CHANGE_ITSELF;

    s->elsewhere |= change == DAV_CHANGE_ELSEWHERE;

    if (change >= DAV_CHANGE_UNTAGGED) {
        s->skipped = 1;
        dav_counters.skipped++;

        if (!col->skips) {
            col->skips = 1;
            dav_state_log(s->client, LOG_WARNING, "\"%s\": the object "
                          "\"%.128s\" can't be watched (%s %d), and maybe "
                          "others", col->path, r->text[DAV_HREF],
                          change == DAV_CHANGE_UNTAGGED ? "no ETag" : "status",
                          r->status);
        }
    }
}


static void
dav_sync_reply(void *data, const dav_reply_t *reply)
{
    dav_sync_t *s = data;

    if (!reply->ok) {
        dav_sync_refused(s, reply);
        return;
    }

    if (s->etags && !s->itself && s->page.n == 0 && s->collection->known.n) {
        dav_sync_failed(s, 0, "an empty list, without the collection itself");
        return;
    }

    if (s->etags && s->more) {
        dav_sync_failed(s, 0, "a list that the server has cut");
        return;
    }

    s->skipped |= reply->nameless;
    s->elsewhere |= reply->nameless;
    dav_etag_list_sort(&s->page);

    if (s->etags) {
        dav_etag_list_move(&s->all, &s->page);
        dav_sync_all(s);

    } else if (reply->token && *reply->token) {
        dav_sync_page(s, reply->token);

    } else {

        /* RFC 6578 demands a token: this is no sync-collection */

        s->collection->nosync = 1;
        s->etags = 1;
        dav_sync_ask(s);
    }
}


/*
 * Costs this collection only: it is tried again later each time, at least
 * "least" ms, while the others go on.
 */

static void
dav_sync_failed(dav_sync_t *s, uint32_t least, const char *why)
{
    uint32_t           wait;
    dav_client_t      *c = s->client;
    dav_collection_t  *col = s->collection;

    wait = bridge_backoff_next(&col->backoff, c->server->poll_min,
                               DAV_SYNC_BACKOFF);
    wait = wait > least ? wait : least;
    col->until = bridge_now() + wait;
    dav_counters.failed++;

    if (!col->failed) {
        col->failed = 1;
        dav_state_log(c, LOG_ERR, "\"%s\" can't be synchronized: %s; again in "
                      "%u s, then later", col->path, why, wait / 1000);
    }

    dav_sync_end(s, 0);
}


static void
dav_sync_refused(dav_sync_t *s, const dav_reply_t *reply)
{
    int            status = reply->status, trouble;
    char           why[128];
    const char    *path = s->collection->path;
    dav_client_t  *c = s->client;

    if (status == 404 || (status == 410 && s->token == NULL)
        || (s->etags && status / 100 == 4 && status != 401 && status != 429))
    {
        /* gone, as the next round finds out; or the user may not read it */

        dav_state_log(c, LOG_INFO, "\"%s\" can't be read: %d", path, status);
        dav_sync_end(s, 0);
        return;
    }

    trouble = s->etags || status == 0 || status == 207 || status == 401
              || status == 429 || status == 503;

    /* a list that began without a token is begun anew only by ETags */

    if (!trouble && !s->full && dav_report_is_token(reply)) {
        dav_state_log(c, LOG_INFO, "\"%s\": the sync token is not valid any "
                      "more (%d), all objects are compared", path, status);

        free(s->token);
        s->token = NULL;
        s->full = 1;
        s->pages = 0;

    } else if (trouble
               || (status / 100 == 5 && status != 501 && status != 507))
    {
        /* The transport is the account's.  So is the login, and a busy
           server, if the home says so, too. */

        if (reply->answer->result == DAV_HTTP_UNSENT
            || reply->answer->result == DAV_HTTP_TLS)
        {
            dav_sync_end(s, dav_state_trouble(c, reply, "synchronizing",
                                              path));
            return;
        }

        bridge_text_print(why, sizeof(why), "%d, %s", status, reply->why);
        dav_sync_failed(s, reply->answer->retry_after, why);
        return;

    } else {
        dav_state_log(c, LOG_INFO, "\"%s\": no sync-collection (%d), ETags "
                      "are compared", path, status);

        s->collection->nosync = 1;
        s->etags = 1;
    }

    dav_sync_ask(s);
}


/*
 * A server whose pages do not advance would be asked for ever.  What it has
 * not listed is not gone.
 */

static void
dav_sync_page(dav_sync_t *s, const char *token)
{
    dav_collection_t  *col = s->collection;

    s->empty = s->page.n ? 0 : s->empty + 1;

    if (s->more && (++s->pages == DAV_SYNC_PAGES || s->empty == DAV_SYNC_EMPTY
                    || (s->token && strcmp(s->token, token) == 0)))
    {
        dav_sync_failed(s, 0, "its pages do not come to an end");
        return;
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
    dav_sync_changed(s);
}


/* Objects that are not in a full list have been removed. */

static void
dav_sync_all(dav_sync_t *s)
{
    dav_collection_t  *col = s->collection;

    if (s->elsewhere) {
        dav_sync_keep(s);
    }

    if (col->baseline && !col->unknown) {
        dav_etag_list_diff(&col->known, &s->all, &s->delta);
    }

    /* its changes are not known; dav_round_first() is for all collections */

    s->resync = col->baseline ? col->unknown : s->client->baseline;
    s->more = 0;

    col->baseline = 1;
    col->unknown = 0;
    dav_etag_list_move(&col->known, &s->all);

    dav_sync_changed(s);
}


/* The list is cut: an object that it lacks may still be on the server. */

static void
dav_sync_keep(dav_sync_t *s)
{
    unsigned          i;
    dav_etag_list_t  *known = &s->collection->known;

    for (i = 0; i < known->n; i++) {
        if (dav_etag_list_find(&s->all, known->items[i]) == NULL) {
            (void) dav_etag_list_add(&s->page, known->items[i],
                                     dav_etag_list_etag(known->items[i]));
        }
    }

    dav_etag_list_sort(&s->page);
    dav_etag_list_apply(&s->all, &s->page);
}


static void
dav_sync_changed(dav_sync_t *s)
{
    dav_collection_t  *col = s->collection;

    if (col->known.n > s->client->server->max_known) {
        dav_etag_list_free(&col->known);
        col->unknown = 1;
    }

    if (dav_sync_fetch(s) == -1) {
        dav_sync_store(s);
    }
}


/* Contents of changed objects, if they are few and wanted. */

static int
dav_sync_fetch(dav_sync_t *s)
{
    int                rc;
    char              *paths[DAV_SYNC_CONTENTS];
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

    s->contents = json_object();
    rc = dav_report_objects(&c->report, c, col->path,
                            col->flags & DAV_IS_CALENDAR, paths, n,
                            dav_sync_content, dav_sync_fetched, s);

    while (n) {
        free(paths[--n]);
    }

    return rc;
}


static void
dav_sync_content(void *data, const dav_response_t *r)
{
    dav_sync_t *s = data;

    char        *path;
    unsigned     i;
    const char  *p, *name, *base, *text = r->text[DAV_DATA];

    if (text == NULL || r->text[DAV_ETAG] == NULL
        || strlen(text) > s->client->server->max_content)
    {
        return;
    }

    for (p = text; *p; p++) {
        if ((unsigned char) *p < ' ' && strchr("\r\n\t", *p) == NULL) {
            return;
        }
    }

    base = s->collection->path;
    path = dav_url_resolve(s->client->origin, base, r->text[DAV_HREF]);
    name = path ? dav_url_name(base, path) : NULL;

    for (i = 0; name && i < s->delta.n; i++) {

        /* a later version belongs to a later event */

        if (dav_url_compare(name, s->delta.items[i]) == 0
            && strcmp(dav_etag_list_etag(s->delta.items[i]), r->text[DAV_ETAG])
               == 0)
        {
            json_object_set_new(s->contents, s->delta.items[i],
                                json_string(text));
        }
    }

    free(path);
}


/* After a failure the events go without contents. */

static void
dav_sync_fetched(void *data, const dav_reply_t *reply)
{
    dav_sync_store(data);
}


static void
dav_sync_store(dav_sync_t *s)
{
    json_t            *events;
    unsigned           i;
    dav_client_t      *c = s->client;
    dav_collection_t  *col = s->collection;

    free(col->token);
    col->token = s->etags ? NULL : bridge_string(s->token);

    if (!s->more) {
        dav_sync_seen(s);
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

    dav_sync_end(s, 0);
}


/*
 * Of objects that the server could not tell of, changes may be unknown.  So
 * all are compared again, later each time.  Too many to be known can't be.
 */

static void
dav_sync_seen(dav_sync_t *s)
{
    dav_collection_t  *col = s->collection;

    free(col->seen);
    col->seen = NULL;
    col->until = 0;
    col->failed = 0;
    col->doubt = s->skipped && !col->unknown;

    if (col->doubt) {
        col->until = bridge_now()
                     + bridge_backoff_next(&col->backoff,
                                           s->client->server->poll_min,
                                           DAV_SYNC_BACKOFF);
        return;
    }

    bridge_backoff_reset(&col->backoff);
    col->seen = bridge_string(col->marker);
}


static void
dav_sync_end(dav_sync_t *s, uint32_t after)
{
    dav_step_pt    done = s->done;
    dav_client_t  *c = s->client;

    dav_sync_cancel(c);
    done(c, after);
}
