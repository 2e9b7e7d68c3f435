
/*
 * Copyright (C) ngx_pimap_module authors
 */


#include "dav_state.h"
#include "dav_counters.h"
#include "dav_report.h"
#include "dav_round.h"
#include "dav_url.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>


#define DAV_STATE_AWAY      60000       /* ms, if a server does not say */


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


void
dav_state_fail(dav_client_t *c, dav_fail_t reason, const char *format, ...)
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


void
dav_state_failing(evutil_socket_t fd, short what, void *data)
{
    dav_client_t *c = data;

    c->cb->failed(c->data, c, c->reason, c->why ? c->why : "");
}


void
dav_state_log(dav_client_t *c, int level, const char *format, ...)
{
    char     text[512];
    va_list  args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);

    c->cb->log(c->data, c, level, text);
}


void
dav_state_trouble(dav_client_t *c, const dav_reply_t *reply, const char *what)
{
    int                  status;
    uint32_t             after;
    const dav_answer_t  *a;

    a = reply->answer;
    status = a->status;

    if (a->result == DAV_HTTP_TLS) {
        dav_state_fail(c, DAV_FAIL_TLS, "%s: %s", what, reply->why);

    } else if (a->result == DAV_HTTP_LIMIT) {
        dav_state_fail(c, DAV_FAIL_PROTOCOL, "%s: %s", what, reply->why);

    } else if (a->result != DAV_HTTP_OK) {
        dav_state_fail(c, DAV_FAIL_AWAY, "%s: %s", what, reply->why);

    } else if (status == 401) {
        dav_state_fail(c, DAV_FAIL_CREDENTIALS, "%s: 401", what);

    } else if (status == 429 || status == 503) {
        after = a->retry_after ? a->retry_after : DAV_STATE_AWAY;

        dav_state_log(c, LOG_INFO, "%s: %d, again in %u s", what, status,
                       after / 1000);

        if (status == 503) {
            dav_schedule_hold(c->server->poll, after);
        }

        dav_round_end(c, after);

    } else if (status / 100 == 5) {
        dav_state_fail(c, DAV_FAIL_AWAY, "%s: %d", what, status);

    } else {
        dav_state_fail(c, DAV_FAIL_PROTOCOL, "%s: %d, %s", what, status,
                        reply->why);
    }
}


void
dav_state_welcome(dav_client_t *c)
{
    if (!c->logged) {
        c->logged = 1;
        c->cb->logged_in(c->data, c);
    }
}


void
dav_state_publish(dav_client_t *c, const char *key, json_t *events,
    json_t *state)
{
    c->cb->publish(c->data, c, key, events, state);
}


void
dav_state_store(dav_client_t *c, dav_collection_t *col, json_t *events)
{
    char    *key;
    json_t  *state;

    key = dav_collection_key(col);
    state = dav_collection_state(col);

    dav_state_publish(c, key, events, state);

    free(key);
    json_decref(state);
    json_decref(events);
}


dav_collection_t *
dav_state_collection(dav_client_t *c, const char *path)
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
dav_state_owner(dav_client_t *c, const char *path)
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
dav_state_add(dav_client_t *c, dav_collection_t *col)
{
    TAILQ_INSERT_TAIL(&c->collections, col, link);
    c->ncollections++;
    dav_counters.collections++;
}


void
dav_state_drop(dav_client_t *c, dav_collection_t *col)
{
    TAILQ_REMOVE(&c->collections, col, link);
    c->ncollections--;
    dav_counters.collections--;

    dav_collection_free(col);
}
