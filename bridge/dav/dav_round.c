
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * One request for each home, usually one in all, says which collections there
 * are, what they are called, and which of them have changed.
 */


#include "dav_report.h"
#include "dav_round.h"
#include "dav_update_job.h"
#include "dav_counters.h"
#include "dav_url.h"
#include "dav_xml.h"

#include <stdlib.h>
#include <syslog.h>


static void dav_round_ask(dav_client_t *c);
static int dav_round_response(void *data, const dav_response_t *r);
static void dav_round_found(dav_client_t *c, const char *path,
    const dav_response_t *r);
static void dav_round_known(dav_client_t *c, dav_collection_t *col,
    const dav_response_t *r);
static void dav_round_reply(void *data, const dav_reply_t *reply);
static void dav_round_listed(dav_client_t *c);
static void dav_round_gone(dav_client_t *c, dav_collection_t *col);
static void dav_round_all(dav_client_t *c);
static void dav_round_save(dav_client_t *c);


void
dav_round_start(dav_client_t *c)
{
    c->running = 1;
    c->poked = 0;
    c->changed = 0;
    c->began = bridge_now();

    if (c->nhomes == 0) {
        dav_discovery_start(c);
        return;
    }

    dav_round_homes(c);
}


void
dav_round_homes(dav_client_t *c)
{
    dav_collection_t  *col;

    TAILQ_FOREACH(col, &c->collections, link) {
        col->listed = 0;
    }

    c->home = 0;

    dav_round_ask(c);
}


static void
dav_round_ask(dav_client_t *c)
{
    if (c->home == c->nhomes) {
        dav_round_listed(c);
        return;
    }

    c->found = 0;
    c->call = dav_report(c, "PROPFIND", c->homes[c->home], 1, dav_xml_home(),
                       dav_round_response, dav_round_reply, c);

    if (c->call == NULL) {
        dav_round_end(c, c->server->poll_min);
    }
}


static int
dav_round_response(void *data, const dav_response_t *r)
{
    dav_client_t *c = data;

    char   *path, *full;
    size_t  len;

    path = dav_url_resolve(c->origin, c->homes[c->home], r->text[DAV_HREF]);

    if (path == NULL || r->status / 100 != 2) {
        free(path);
        return 0;
    }

    len = strlen(path);

    if (path[len - 1] != '/') {
        full = bridge_format("%s/", path);
        free(path);
        path = full;
    }

    if (strcmp(path, c->homes[c->home]) == 0) {
        c->found = 1;
    }

    if (r->flags & (DAV_IS_ADDRESSBOOK|DAV_IS_CALENDAR)) {
        dav_round_found(c, path, r);
    }

    free(path);

    return 0;
}


static void
dav_round_found(dav_client_t *c, const char *path, const dav_response_t *r)
{
    json_t            *events;
    dav_collection_t  *col;

    col = dav_state_collection(c, path);

    if (col) {
        dav_round_known(c, col, r);
        return;
    }

    if (c->ncollections >= c->server->max_collections) {

        if (!c->crowded) {
            dav_state_log(c, LOG_WARNING,
                           "too many collections, some are not watched");
            c->crowded = 1;
        }

        return;
    }

    col = dav_collection_create(path);
    dav_state_add(c, col);

    (void) dav_collection_update(col, r);
    col->listed = 1;

    if (c->based) {

        /* all that is in it will be new */

        c->changed = 1;
        col->based = 1;
        dav_counters.changes[DAV_COUNT_CREATED]++;

        events = json_array();
        json_array_append_new(events,
                              dav_collection_event(col, "Create", NULL));
        dav_state_store(c, col, events);
    }
}


static void
dav_round_known(dav_client_t *c, dav_collection_t *col,
    const dav_response_t *r)
{
    char    *old;
    json_t  *events;

    /* A collection may be listed twice, in two homes. */

    col->listed = 1;
    old = bridge_string(col->name ? col->name : "");

    if (dav_collection_update(col, r) && col->based) {
        c->changed = 1;
        dav_counters.changes[DAV_COUNT_UPDATED]++;

        events = json_array();
        json_array_append_new(events,
            dav_collection_event(col, "Update",
                                 strcmp(old, col->name ? col->name : "") == 0
                                 ? NULL : old));
        dav_state_store(c, col, events);
    }

    free(old);
}


static void
dav_round_reply(void *data, const dav_reply_t *reply)
{
    dav_client_t *c = data;

    int  status;

    c->call = NULL;
    status = reply->answer->status;

    if (!reply->ok) {

        if (reply->answer->result == DAV_HTTP_OK && !c->moved
            && (status == 404 || status == 410 || status == 403))
        {
            c->moved = 1;
            dav_discovery_start(c);
            return;
        }

        dav_state_trouble(c, reply, "looking at a home");
        return;
    }

    dav_state_welcome(c);

    /* What is not in the answer is gone: so it has to be a whole one. */

    if (!c->found) {
        dav_state_fail(c, DAV_FAIL_PROTOCOL, "a home does not list itself");
        return;
    }

    c->home++;
    dav_round_ask(c);
}


static void
dav_round_listed(dav_client_t *c)
{
    dav_collection_t  *col, *next;

    for (col = TAILQ_FIRST(&c->collections); col; col = next) {
        next = TAILQ_NEXT(col, link);

        if (!col->listed) {
            dav_round_gone(c, col);
            continue;
        }

        col->due = !col->based || col->marker == NULL || col->seen == NULL
                   || strcmp(col->marker, col->seen) != 0;
    }

    c->listed = 1;
    dav_update_run(c);

    dav_round_synced(c);
}


static void
dav_round_gone(dav_client_t *c, dav_collection_t *col)
{
    char    *key;
    json_t  *events;

    c->changed = 1;
    events = json_array();

    if (col->based) {
        dav_counters.changes[DAV_COUNT_DELETED]++;
        json_array_append_new(events,
                              dav_collection_event(col, "Delete", NULL));
    }

    key = dav_collection_key(col);
    dav_state_publish(c, key, events, NULL);
    free(key);
    json_decref(events);

    dav_state_drop(c, col);
}


void
dav_round_synced(dav_client_t *c)
{
    dav_collection_t  *col;

    if (c->failed) {
        return;
    }

    TAILQ_FOREACH(col, &c->collections, link) {

        if (col->due) {
            col->due = 0;
            dav_sync_start(c, col);
            return;
        }
    }

    dav_round_all(c);
}


static void
dav_round_all(dav_client_t *c)
{
    if (!c->based || c->moved) {
        c->based = 1;
        c->moved = 0;
        dav_round_save(c);
    }

    dav_round_end(c, 0);

    if (!c->ready) {
        c->ready = 1;
        dav_counters.ready++;
        c->cb->ready(c->data, c);
    }
}


static void
dav_round_save(dav_client_t *c)
{
    json_t    *state, *homes, *events;
    unsigned   i;

    homes = json_array();

    for (i = 0; i < c->nhomes; i++) {
        json_array_append_new(homes, json_string(c->homes[i]));
    }

    state = json_object();
    json_object_set_new(state, "homes", homes);
    events = json_array();

    dav_state_publish(c, DAV_KEY, events, state);

    json_decref(state);
    json_decref(events);
}


void
dav_round_end(dav_client_t *c, uint32_t after)
{
    bridge_msec_t  now, wait, gap;

    if (c->failed) {
        return;
    }

    dav_turn_end(&c->turn);

    dav_counters.rounds[after ? DAV_COUNT_HELD
                        : c->changed ? DAV_COUNT_CHANGED : DAV_COUNT_SAME]++;

    now = bridge_now();
    c->running = 0;
    c->interval = dav_schedule_next(c->interval, c->server->poll_min,
                                c->server->poll_max, c->changed);

    if (after) {
        wait = after + bridge_random(after / 5 + 1);
        c->hold = now + after;

    } else {
        wait = dav_schedule_jitter(c->interval);

        if (c->poked) {
            gap = c->began + c->server->poke_min;
            wait = gap > now ? gap - now : 0;
        }
    }

    dav_turn_set(&c->turn, wait);
}
