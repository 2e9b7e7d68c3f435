
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

#include <glib.h>


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
static void dav_round_home_failed(dav_client_t *c, const dav_reply_t *reply);
static void dav_round_log(dav_client_t *c, const char *why);
static void dav_round_moved(dav_client_t *c, const char *path);
static void dav_round_compare(dav_client_t *c);
static void dav_round_deleted(dav_client_t *c, dav_collection_t *col);
static void dav_round_sync(dav_client_t *c, uint32_t after);
static void dav_round_store(dav_client_t *c);
static json_t *dav_round_first(dav_client_t *c);


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
    c->homes_failed = 0;
    c->list_cut = 0;

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

    char              *path;
    const char        *home = dav_report_path(c->report);
    dav_collection_t  *col;

    path = dav_url_collection(c->origin, home, r->text[DAV_HREF]);

    if (path == NULL) {
        return;
    }

    /* a server that ignores case may list another spelling */

    if (r->status / 100 == 2) {
        c->lists_itself |= dav_url_same_collection(path, home)
                           || g_ascii_strcasecmp(path, home) == 0;

    } else if (r->status == 507 && dav_url_same_collection(path, home)) {
        c->list_cut = 1;
        dav_round_log(c, "the server has cut the list");
    }

    if (r->status / 100 == 2
        && r->flags & (DAV_IS_ADDRESSBOOK|DAV_IS_CALENDAR))
    {
        dav_round_collection(c, path, r);

    } else if (r->failed
               || (r->status / 100 == 2 ? !(r->flags & DAV_IS_COLLECTION)
                   : r->status != 404 && r->status != 410))
    {
        /* the server can't tell what it is: it is there still */

        col = dav_state_collection(c, path);

        if (col) {
            col->listed = 1;
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
    dav_collection_spell(col, path);
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
        dav_schedule_well(c->server->schedule);
        dav_state_reach(c, DAV_LOGGED_IN);

        /* Only from a whole list follows that a collection is gone. */

        if (!c->lists_itself) {
            dav_round_home_failed(c, reply);
            return;
        }

        dav_round_moved(c, reply->answer->path);
        c->home++;
        dav_round_ask(c);

    } else if (!c->homes_changed
               && (reply->status == 403 || reply->status == 404
                   || reply->status == 410))
    {
        c->homes_changed = 1;
        dav_round_discover(c);

    } else if (reply->status == 401 || reply->status == 429
               || reply->status == 503
               || reply->answer->result == DAV_HTTP_UNSENT
               || reply->answer->result == DAV_HTTP_TLS)
    {
        (void) dav_round_over(c, dav_state_trouble(c, reply,
                                                   "listing the home", home));

    } else {
        dav_round_home_failed(c, reply);
    }
}


/*
 * The collections of the other homes are watched.  Those of this home are
 * taken to be there, because no list says otherwise.
 */

static void
dav_round_home_failed(dav_client_t *c, const dav_reply_t *reply)
{
    char         why[128];
    const char  *home = c->homes.paths[c->home];

    if (++c->homes_failed == c->homes.n) {

        if (reply->ok) {
            dav_state_fail(c, DAV_FAIL_PROTOCOL,
                           "the home \"%s\" does not list itself", home);
            return;
        }

        (void) dav_round_over(c, dav_state_trouble(c, reply,
                                                   "listing the home", home));
        return;
    }

    bridge_text_print(why, sizeof(why), "%d, %s", reply->status,
                      reply->ok ? "it does not list itself" : reply->why);
    dav_round_log(c, why);

    c->home++;
    dav_round_ask(c);
}


static void
dav_round_log(dav_client_t *c, const char *why)
{
    if (!c->home_logged) {
        c->home_logged = 1;
        dav_state_log(c, LOG_ERR, "the home \"%s\" can't be listed: %s; "
                      "again in the next round", c->homes.paths[c->home], why);
    }
}


/* After a redirect, the next rounds ask where the home is. */

static void
dav_round_moved(dav_client_t *c, const char *path)
{
    char  **home = &c->homes.paths[c->home];

    if (strcmp(*home, path) != 0) {
        dav_state_log(c, LOG_INFO, "the home \"%s\" is at \"%s\"", *home,
                      path);
        free(*home);
        *home = bridge_string(path);
    }
}


static void
dav_round_compare(dav_client_t *c)
{
    bridge_msec_t      now;
    dav_collection_t  *col, *next;

    /* the server may be unable to name the homes */

    if (c->guessed && c->ncollections == 0 && !c->baseline) {
        dav_state_fail(c, DAV_FAIL_PROTOCOL, "neither address books nor "
                       "calendars were found at \"%s\"", c->homes.paths[0]);
        return;
    }

    now = bridge_now();
    c->home_logged &= c->homes_failed > 0 || c->list_cut;

    for (col = TAILQ_FIRST(&c->collections); col; col = next) {
        next = TAILQ_NEXT(col, link);

        col->listed |= c->homes_failed > 0 || c->list_cut;

        if (!col->listed && col->missing) {
            dav_round_deleted(c, col);
            continue;
        }

        /* the next round is soon, and looks for it a second time */

        col->missing = !col->listed;
        c->poked |= col->missing;

        col->due = col->listed && col->until <= now
                   && (!col->baseline || col->marker == NULL
                       || col->seen == NULL
                       || strcmp(col->marker, col->seen) != 0);
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
    json_t    *homes, *events;
    unsigned   i;

    /* what a home has that could not be listed yet is no news later */

    if (c->homes_failed == 0 && (!c->baseline || c->homes_changed)) {
        events = c->baseline ? json_array() : dav_round_first(c);
        c->baseline = 1;
        c->homes_changed = 0;
        homes = json_array();

        for (i = 0; i < c->homes.n; i++) {
            json_array_append_new(homes, json_string(c->homes.paths[i]));
        }

        dav_state_publish(c, NULL, events,
                          json_pack("{s:o}", "homes", homes));
    }

    dav_state_wait(c, 0);
    dav_state_reach(c, DAV_READY);
}


/*
 * Changes before the first round are not known.  So devices that were parked
 * before it look at all collections themselves.
 */

static json_t *
dav_round_first(dav_client_t *c)
{
    unsigned           flags;
    json_t            *events;
    dav_collection_t  *col;

    flags = 0;
    events = json_array();

    TAILQ_FOREACH(col, &c->collections, link) {
        flags |= col->flags;
    }

    if (flags & DAV_IS_ADDRESSBOOK) {
        json_array_append_new(events, json_pack("{s:s, s:b}", "event",
                                                "ContactChange", "all", 1));
    }

    if (flags & DAV_IS_CALENDAR) {
        json_array_append_new(events, json_pack("{s:s, s:b}", "event",
                                                "CalendarChange", "all", 1));
    }

    return events;
}
