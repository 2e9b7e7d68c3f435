
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns a round, which reads from top to bottom: the client's turn, discovery
 * of its homes, a list of the collections of each home, the comparison with
 * what is known, a sync of each changed collection, the account's state.
 * Called by the client's turn.  Invariant: each way out of a round calls
 * dav_state_wait() or dav_state_fail().
 */


#include "dav_state.h"
#include "dav_counters.h"
#include "dav_report.h"
#include "dav_update_job.h"

#include <stdlib.h>
#include <syslog.h>


static void dav_round_discover(dav_client_t *c);
static void dav_round_discovered(dav_client_t *c, uint32_t after);
static int dav_round_over(dav_client_t *c, uint32_t after);
static void dav_round_list(dav_client_t *c);
static void dav_round_ask(dav_client_t *c);
static void dav_round_response(void *data, const dav_response_t *r);
static void dav_round_collection(dav_client_t *c, const char *path,
    const dav_response_t *r);
static void dav_round_created(dav_client_t *c, const char *path,
    const dav_response_t *r);
static void dav_round_event(dav_client_t *c, dav_collection_t *col,
    const char *what, const char *old);
static void dav_round_reply(void *data, const dav_reply_t *reply);
static void dav_round_compare(dav_client_t *c);
static void dav_round_deleted(dav_client_t *c, dav_collection_t *col);
static void dav_round_sync(dav_client_t *c, uint32_t after);
static void dav_round_store(dav_client_t *c);


void
dav_round_start(void *data)
{
    dav_client_t *c = data;

    if (c->phase != DAV_WAITING) {
        dav_turn_end(&c->turn);
        return;
    }

    if (c->homes.n == 0) {
        dav_round_discover(c);
        return;
    }

    dav_round_list(c);
}


static void
dav_round_discover(dav_client_t *c)
{
    dav_state_enter(c, DAV_DISCOVERING);
    dav_discovery_start(c, dav_round_discovered);
}


static void
dav_round_discovered(dav_client_t *c, uint32_t after)
{
    if (!dav_round_over(c, after)) {
        dav_round_list(c);
    }
}


static int
dav_round_over(dav_client_t *c, uint32_t after)
{
    if (after && c->phase != DAV_ENDED) {
        dav_state_wait(c, after);
        return 1;
    }

    return c->phase == DAV_ENDED;
}


static void
dav_round_list(dav_client_t *c)
{
    dav_collection_t  *col;

    dav_state_enter(c, DAV_LISTING);

    TAILQ_FOREACH(col, &c->collections, link) {
        col->listed = 0;
    }

    c->home = 0;

    dav_round_ask(c);
}


static void
dav_round_ask(dav_client_t *c)
{
    if (c->home == c->homes.n) {
        dav_round_compare(c);
        return;
    }

    c->lists_itself = 0;

    if (dav_report(&c->report, c, "PROPFIND", c->homes.paths[c->home], 1,
                   dav_xml_home, dav_round_response, dav_round_reply, c)
        == -1)
    {
        dav_state_wait(c, c->server->poll_min);
    }
}


static void
dav_round_response(void *data, const dav_response_t *r)
{
    dav_client_t *c = data;

    char        *path;
    const char  *home = c->homes.paths[c->home];

    path = dav_url_collection(c->origin, home, r->text[DAV_HREF]);

    if (path && r->status / 100 == 2) {
        c->lists_itself |= strcmp(path, home) == 0;

        if (r->flags & (DAV_IS_ADDRESSBOOK|DAV_IS_CALENDAR)) {
            dav_round_collection(c, path, r);
        }
    }

    free(path);
}


/* A collection may be listed twice, in two homes. */

static void
dav_round_collection(dav_client_t *c, const char *path,
    const dav_response_t *r)
{
    char              *old;
    dav_collection_t  *col;

    col = dav_state_collection(c, path);

    if (col == NULL) {
        dav_round_created(c, path, r);
        return;
    }

    col->listed = 1;
    old = bridge_string(col->name ? col->name : "");

    if (dav_collection_update(col, r) && col->baseline) {
        dav_counters.changes[DAV_COUNT_UPDATED]++;
        dav_round_event(c, col, "Update",
                        strcmp(old, col->name ? col->name : "") == 0 ? NULL
                                                                     : old);
    }

    free(old);
}


static void
dav_round_created(dav_client_t *c, const char *path, const dav_response_t *r)
{
    dav_collection_t  *col;

    if (c->ncollections >= c->server->max_collections) {

        if (!c->limit_logged) {
            dav_state_log(c, LOG_WARNING, "\"%s\": too many collections, it "
                          "is not watched; raise \"max_collections\"", path);
            c->limit_logged = 1;
        }

        return;
    }

    col = dav_collection_create(path);
    dav_state_add(c, col);

    (void) dav_collection_update(col, r);
    col->listed = 1;

    /* After the first round all objects of a collection are news. */

    if (c->baseline) {
        col->baseline = 1;
        dav_counters.changes[DAV_COUNT_CREATED]++;
        dav_round_event(c, col, "Create", NULL);
    }
}


static void
dav_round_event(dav_client_t *c, dav_collection_t *col, const char *what,
    const char *old)
{
    c->changed = 1;

    dav_state_store(c, col,
                    json_pack("[o]", dav_collection_event(col, what, old)));
}


static void
dav_round_reply(void *data, const dav_reply_t *reply)
{
    dav_client_t *c = data;

    const char  *home = c->homes.paths[c->home];

    if (reply->ok) {
        dav_state_reach(c, DAV_LOGGED_IN);

        /* Only from a whole list follows that a collection is gone. */

        if (!c->lists_itself) {
            dav_state_fail(c, DAV_FAIL_PROTOCOL,
                           "the home \"%s\" does not list itself", home);
            return;
        }

        c->home++;
        dav_round_ask(c);

    } else if (!c->homes_changed
               && (reply->status == 403 || reply->status == 404
                   || reply->status == 410))
    {
        c->homes_changed = 1;
        dav_round_discover(c);

    } else {
        (void) dav_round_over(c, dav_state_trouble(c, reply,
                                                   "listing the home", home));
    }
}


static void
dav_round_compare(dav_client_t *c)
{
    dav_collection_t  *col, *next;

    for (col = TAILQ_FIRST(&c->collections); col; col = next) {
        next = TAILQ_NEXT(col, link);

        if (!col->listed) {
            dav_round_deleted(c, col);
            continue;
        }

        col->due = !col->baseline || col->marker == NULL || col->seen == NULL
                   || strcmp(col->marker, col->seen) != 0;
    }

    dav_state_enter(c, DAV_SYNCING);
    dav_state_reach(c, DAV_LISTED);

    dav_update_run(c);
    dav_round_sync(c, 0);
}


static void
dav_round_deleted(dav_client_t *c, dav_collection_t *col)
{
    c->changed = 1;
    dav_counters.changes[DAV_COUNT_DELETED] += col->baseline;

    dav_state_publish(c, col->path,
                      json_pack("[o*]", col->baseline
                          ? dav_collection_event(col, "Delete", NULL) : NULL),
                      NULL);
    dav_state_drop(c, col);
}


static void
dav_round_sync(dav_client_t *c, uint32_t after)
{
    dav_collection_t  *col;

    if (dav_round_over(c, after)) {
        return;
    }

    TAILQ_FOREACH(col, &c->collections, link) {

        if (col->due) {
            col->due = 0;
            dav_sync_start(c, col, dav_round_sync);
            return;
        }
    }

    dav_round_store(c);
}


/* All changes are published. */

static void
dav_round_store(dav_client_t *c)
{
    json_t    *homes;
    unsigned   i;

    if (!c->baseline || c->homes_changed) {
        c->baseline = 1;
        c->homes_changed = 0;
        homes = json_array();

        for (i = 0; i < c->homes.n; i++) {
            json_array_append_new(homes, json_string(c->homes.paths[i]));
        }

        dav_state_publish(c, NULL, json_array(),
                          json_pack("{s:o}", "homes", homes));
    }

    dav_state_wait(c, 0);
    dav_state_reach(c, DAV_READY);
}
