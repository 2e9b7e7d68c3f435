
/*
 * Copyright (C) ngx_pimap_module authors
 */


#include "dav_client_private.h"
#include "dav_counters.h"
#include "dav_url.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>


#define DAV_CLIENT_AWAY     60000       /* ms, if a server does not say */


static void dav_client_restore(dav_client_t *c, json_t *states);
static void dav_client_restore_homes(dav_client_t *c, json_t *homes);
static void dav_client_turn(void *data);
static void dav_client_failing(evutil_socket_t fd, short what, void *data);


dav_client_t *
dav_client_open(const dav_server_t *server, const dav_callbacks_t *cb,
    void *data, const dav_login_t *login, json_t *states)
{
    dav_client_t  *c;

    c = bridge_alloc(sizeof(dav_client_t));

    c->server = server;
    c->cb = cb;
    c->data = data;
    c->origin = bridge_string(server->origin);

    c->login.user = bridge_string(login->user);
    c->login.secret = bridge_string(login->secret);
    c->login.as_header = bridge_string(login->as_header);
    c->login.as = bridge_string(login->as);
    c->login.bearer = login->bearer;

    TAILQ_INIT(&c->collections);
    TAILQ_INIT(&c->jobs);

    dav_turn_init(&c->turn, server->poll, dav_client_turn, c);
    event_assign(&c->failing, server->poll->base, -1, 0, dav_client_failing,
                 c);

    dav_client_restore(c, states);

    dav_turn_set(&c->turn, 0);

    return c;
}


/*
 * What is stored of collections counts only with the account's own state,
 * which is written when all of them are: else, it is taken as a beginning.
 */

static void
dav_client_restore(dav_client_t *c, json_t *states)
{
    json_t            *state;
    const char        *key;
    dav_collection_t  *col;

    json_object_foreach(states, key, state) {

        if (strcmp(key, DAV_KEY) == 0) {
            c->based = 1;
            dav_client_restore_homes(c, json_object_get(state, "homes"));
            continue;
        }

        col = dav_collection_from_state(key, state);

        if (col) {
            dav_client_add(c, col);
        }
    }
}


static void
dav_client_restore_homes(dav_client_t *c, json_t *homes)
{
    size_t       i;
    const char  *path;

    for (i = 0; i < json_array_size(homes) && i < DAV_MAX_HOMES; i++) {
        path = json_string_value(json_array_get(homes, i));

        if (path) {
            c->homes[c->nhomes++] = bridge_string(path);
        }
    }
}


void
dav_client_close(dav_client_t *c)
{
    unsigned           i;
    dav_collection_t  *col;

    event_del(&c->failing);
    dav_turn_cancel(&c->turn);

    if (c->call) {
        dav_report_cancel(c->call);
    }

    dav_discovery_cancel(c);
    dav_sync_cancel(c);
    dav_update_cancel(c);

    dav_counters.ready -= c->ready;

    while ((col = TAILQ_FIRST(&c->collections))) {
        dav_client_drop(c, col);
    }

    for (i = 0; i < c->nhomes; i++) {
        free(c->homes[i]);
    }

    if (c->login.secret) {
        bridge_wipe_free((char *) c->login.secret, strlen(c->login.secret));
    }

    free((char *) c->login.user);
    free((char *) c->login.as_header);
    free((char *) c->login.as);
    free(c->origin);
    free(c->why);
    free(c);
}


void
dav_client_poke(dav_client_t *c)
{
    bridge_msec_t  now, when;

    dav_counters.pokes++;
    c->interval = c->server->poll_min;

    if (c->running) {
        c->poked = 1;
        return;
    }

    if (c->failed) {
        return;
    }

    now = bridge_now();
    when = c->began ? c->began + c->server->poke_min : now;

    if (when < c->hold) {
        when = c->hold;
    }

    dav_turn_set(&c->turn, when > now ? when - now : 0);
}


static void
dav_client_turn(void *data)
{
    dav_client_t *c = data;

    if (c->failed || c->running) {
        dav_turn_end(&c->turn);
        return;
    }

    dav_round_start(c);
}


void
dav_client_fail(dav_client_t *c, dav_fail_t reason, const char *format, ...)
{
    va_list  args;

    if (c->failed) {
        return;
    }

    if (c->running) {
        dav_counters.rounds[DAV_COUNT_FAILED]++;
    }

    dav_counters.failures[reason]++;
    c->failed = 1;
    c->reason = reason;
    dav_turn_end(&c->turn);

    va_start(args, format);

    if (vasprintf(&c->why, format, args) == -1) {
        c->why = NULL;
    }

    va_end(args);

    bridge_timer_set(&c->failing, 0);
}


static void
dav_client_failing(evutil_socket_t fd, short what, void *data)
{
    dav_client_t *c = data;

    c->cb->failed(c->data, c, c->reason, c->why ? c->why : "");
}


void
dav_client_log(dav_client_t *c, int level, const char *format, ...)
{
    char     text[512];
    va_list  args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);

    c->cb->log(c->data, c, level, text);
}


void
dav_client_trouble(dav_client_t *c, const dav_reply_t *reply, const char *what)
{
    int                  status;
    uint32_t             after;
    const dav_answer_t  *a;

    a = reply->answer;
    status = a->status;

    if (a->result == DAV_HTTP_TLS) {
        dav_client_fail(c, DAV_FAIL_TLS, "%s: %s", what, reply->why);

    } else if (a->result == DAV_HTTP_LIMIT) {
        dav_client_fail(c, DAV_FAIL_PROTOCOL, "%s: %s", what, reply->why);

    } else if (a->result != DAV_HTTP_OK) {
        dav_client_fail(c, DAV_FAIL_AWAY, "%s: %s", what, reply->why);

    } else if (status == 401) {
        dav_client_fail(c, DAV_FAIL_CREDENTIALS, "%s: 401", what);

    } else if (status == 429 || status == 503) {
        after = a->retry_after ? a->retry_after : DAV_CLIENT_AWAY;

        dav_client_log(c, LOG_INFO, "%s: %d, again in %u s", what, status,
                       after / 1000);

        if (status == 503) {
            dav_schedule_hold(c->server->poll, after);
        }

        dav_round_end(c, after);

    } else if (status / 100 == 5) {
        dav_client_fail(c, DAV_FAIL_AWAY, "%s: %d", what, status);

    } else {
        dav_client_fail(c, DAV_FAIL_PROTOCOL, "%s: %d, %s", what, status,
                        reply->why);
    }
}


void
dav_client_welcome(dav_client_t *c)
{
    if (!c->logged) {
        c->logged = 1;
        c->cb->logged_in(c->data, c);
    }
}


void
dav_client_publish(dav_client_t *c, const char *key, json_t *events,
    json_t *state)
{
    c->cb->publish(c->data, c, key, events, state);
}


void
dav_client_store(dav_client_t *c, dav_collection_t *col, json_t *events)
{
    char    *key;
    json_t  *state;

    key = dav_collection_key(col);
    state = dav_collection_state(col);

    dav_client_publish(c, key, events, state);

    free(key);
    json_decref(state);
    json_decref(events);
}


dav_collection_t *
dav_client_collection(dav_client_t *c, const char *path)
{
    dav_collection_t  *col;

    TAILQ_FOREACH(col, &c->collections, link) {

        if (strcmp(col->path, path) == 0) {
            return col;
        }
    }

    return NULL;
}


dav_collection_t *
dav_client_owner(dav_client_t *c, const char *path)
{
    dav_collection_t  *col;

    TAILQ_FOREACH(col, &c->collections, link) {

        if (dav_url_member(col->path, path)) {
            return col;
        }
    }

    return NULL;
}


void
dav_client_add(dav_client_t *c, dav_collection_t *col)
{
    TAILQ_INSERT_TAIL(&c->collections, col, link);
    c->ncollections++;
    dav_counters.collections++;
}


void
dav_client_drop(dav_client_t *c, dav_collection_t *col)
{
    TAILQ_REMOVE(&c->collections, col, link);
    c->ncollections--;
    dav_counters.collections--;

    dav_collection_free(col);
}
