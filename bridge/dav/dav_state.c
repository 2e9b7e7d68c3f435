
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the phase of a client, and what all steps of a round share.
 */


#include "dav_state.h"
#include "dav_counters.h"
#include "dav_report.h"

#include <stdarg.h>
#include <stdlib.h>
#include <syslog.h>


#define DAV_STATE_AWAY      60000       /* ms, without a Retry-After */
#define DAV_STATE_BUSY_MIN  1000        /* ms, the back-off of an account */
#define DAV_STATE_BUSY_MAX  600000


static int dav_state_in_round(dav_client_t *c);
static void dav_state_failing(evutil_socket_t fd, short what, void *data);


void
dav_state_init(dav_client_t *c, dav_turn_pt turn)
{
    TAILQ_INIT(&c->collections);
    TAILQ_INIT(&c->jobs);

    dav_turn_init(&c->turn, c->server->schedule, turn, c);
    event_assign(&c->failing, c->server->schedule->base, -1, 0,
                 dav_state_failing, c);
}


void
dav_state_close(dav_client_t *c)
{
    dav_counters.ready -= c->progress == DAV_READY;
    c->phase = DAV_ENDED;

    event_del(&c->failing);
    dav_turn_cancel(&c->turn);
}


void
dav_state_enter(dav_client_t *c, dav_phase_t phase)
{
    if (c->phase == DAV_WAITING) {
        c->poked = 0;
        c->changed = 0;
        c->began = bridge_now();
    }

    c->phase = phase;
}


static int
dav_state_in_round(dav_client_t *c)
{
    return c->phase != DAV_WAITING && c->phase != DAV_ENDED;
}


void
dav_state_wait(dav_client_t *c, uint32_t after)
{
    bridge_msec_t  now, wait, next;

    dav_turn_end(&c->turn);

    dav_counters.rounds[after ? DAV_COUNT_HELD
                        : c->changed ? DAV_COUNT_CHANGED : DAV_COUNT_SAME]++;

    if (after == 0) {
        bridge_backoff_reset(&c->busy);
    }

    now = bridge_now();
    c->phase = DAV_WAITING;
    c->interval = dav_schedule_next(c->interval, c->server->poll_min,
                                    c->server->poll_max, c->changed);

    if (after) {
        wait = after + bridge_random(after / 5 + 1);
        c->hold = now + after;

    } else if (c->poked) {
        next = c->began + c->server->poke_min;
        wait = next > now ? next - now : 0;

    } else {
        wait = dav_schedule_jitter(c->interval);
    }

    dav_turn_set(&c->turn, wait);
}


void
dav_client_poke(dav_client_t *c)
{
    bridge_msec_t  now, when;

    dav_counters.pokes++;
    c->interval = c->server->poll_min;

    if (dav_state_in_round(c)) {
        c->poked = 1;
        return;
    }

    if (c->phase == DAV_ENDED) {
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
dav_state_reach(dav_client_t *c, dav_progress_t progress)
{
    if (c->progress >= progress) {
        return;
    }

    c->progress = progress;

    if (progress == DAV_LOGGED_IN) {
        c->cb->logged_in(c->data, c);

    } else if (progress == DAV_READY) {
        dav_counters.ready++;
        c->cb->ready(c->data, c);
    }
}


void
dav_state_fail(dav_client_t *c, dav_fail_t reason, const char *format, ...)
{
    va_list  args;

    if (c->phase == DAV_ENDED) {
        return;
    }

    dav_counters.rounds[DAV_COUNT_FAILED] += dav_state_in_round(c);
    dav_counters.failures[reason]++;

    c->phase = DAV_ENDED;
    c->reason = reason;
    dav_turn_end(&c->turn);

    va_start(args, format);
    c->why = bridge_vformat(format, args);
    va_end(args);

    bridge_text_valid(c->why);

    bridge_timer_set(&c->failing, 0);
}


static void
dav_state_failing(evutil_socket_t fd, short what, void *data)
{
    dav_client_t *c = data;

    c->cb->failed(c->data, c, c->reason, c->why);
}


void
dav_state_log(dav_client_t *c, int level, const char *format, ...)
{
    char     text[512];
    va_list  args;

    va_start(args, format);
    bridge_text_vprint(text, sizeof(text), format, args);
    va_end(args);

    c->cb->log(c->data, c, level, text);
}


uint32_t
dav_state_trouble(dav_client_t *c, const dav_reply_t *reply, const char *what,
    const char *path)
{
    int                  level;
    uint32_t             asked, after;
    const dav_answer_t  *a = reply->answer;

    if (reply->status == 0) {
        dav_state_fail(c, a->result == DAV_HTTP_TLS ? DAV_FAIL_TLS
                          : a->result == DAV_HTTP_LIMIT ? DAV_FAIL_PROTOCOL
                          : DAV_FAIL_AWAY,
                       "%s \"%s\": %s", what, path, reply->why);

    } else if (reply->status == 401) {
        dav_state_fail(c, DAV_FAIL_CREDENTIALS, "%s \"%s\": 401, the server "
                       "refuses the login%s%s", what, path,
                       a->scheme ? " and asks for " : "",
                       a->scheme ? a->scheme : "");

    } else if (reply->status == 429 || reply->status == 503) {
        level = c->busy.failures ? LOG_INFO : LOG_ERR;
        asked = a->retry_after ? a->retry_after : DAV_STATE_AWAY;
        after = bridge_backoff_next(&c->busy, DAV_STATE_BUSY_MIN,
                                    DAV_STATE_BUSY_MAX);
        after = after > asked ? after : asked;

        dav_state_log(c, level, "%s \"%s\": %d, again in %u s", what, path,
                      reply->status, after / 1000);

        /* the server may be busy for this account only */

        if (reply->status == 503) {
            dav_schedule_busy(c->server->schedule,
                              asked < DAV_STATE_AWAY ? asked : DAV_STATE_AWAY);
        }

        return after;

    } else if (reply->status / 100 == 5) {
        dav_state_fail(c, DAV_FAIL_AWAY, "%s \"%s\": %d, an error of the "
                       "server", what, path, reply->status);

    } else {
        dav_state_fail(c, DAV_FAIL_PROTOCOL, "%s \"%s\": %d, %s", what, path,
                       reply->status, reply->why);
    }

    return 0;
}


void
dav_state_publish(dav_client_t *c, const char *path, json_t *events,
    json_t *state)
{
    char  *key, *canonical;

    canonical = path ? dav_url_canonical(path) : NULL;
    key = bridge_format("%s%s", path ? DAV_KEY_PREFIX : DAV_KEY,
                        path ? canonical : "");
    free(canonical);

    c->cb->publish(c->data, c, key, events, state);

    free(key);
    json_decref(state);
    json_decref(events);
}


void
dav_state_store(dav_client_t *c, dav_collection_t *col, json_t *events)
{
    dav_state_publish(c, col->path, events, dav_collection_state(col));
}


dav_collection_t *
dav_state_collection(dav_client_t *c, const char *path)
{
    dav_collection_t  *col;

    TAILQ_FOREACH(col, &c->collections, link) {
        if (dav_url_compare(col->path, path) == 0) {
            break;
        }
    }

    return col;
}


dav_collection_t *
dav_state_owner(dav_client_t *c, const char *path)
{
    dav_collection_t  *col;

    TAILQ_FOREACH(col, &c->collections, link) {
        if (dav_url_name(col->path, path)) {
            break;
        }
    }

    return col;
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
