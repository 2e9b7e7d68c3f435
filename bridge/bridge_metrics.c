
/*
 * Copyright (C) ngx_pimap_module authors
 */


#include "bridge_metrics.h"
#include "bridge_account.h"
#include "bridge_auth.h"
#include "bridge_counters.h"
#include "bridge_redis_command.h"
#include "bridge_function_library.h"
#include "bridge_peers.h"
#include "bridge_connect_rate.h"
#include "bridge_subscriber.h"
#include "dav_counters.h"


static void bridge_metrics_dav(struct evbuffer *page);
static void bridge_metrics_head(struct evbuffer *page, const char *name,
    const char *type, const char *help);
static void bridge_metrics_one(struct evbuffer *page, const char *name,
    const char *type, const char *help, uint64_t value);
static void bridge_metrics_set(struct evbuffer *page, const char *name,
    const char *type, const char *help, const char *label,
    const char **names, const uint64_t *values);


static const char *bridge_metrics_failures[] = {
    "credentials", "away", "limit", "tls", "protocol", NULL
};

static const char *bridge_metrics_results[] = {
    "good", "bad", "away", "busy", NULL
};

static const char *bridge_metrics_requests[] = {
    "good", "redirect", "login", "busy", "refused", "error", "lost", "limit",
    "tls", NULL
};

static const char *bridge_metrics_rounds[] = {
    "same", "changed", "held", "failed", NULL
};

static const char *bridge_metrics_changes[] = {
    "changed", "removed", "created", "updated", "deleted", NULL
};

static const char *bridge_metrics_dav_failures[] = {
    "credentials", "away", "tls", "protocol", NULL
};


void
bridge_metrics_page(struct evbuffer *page)
{
    int                      i;
    uint64_t                 states[BRIDGE_ACCOUNT_OTHER + 1];
    bridge_account_counts_t  counts;

    bridge_account_count(&counts);

    for (i = 0; i <= BRIDGE_ACCOUNT_OTHER; i++) {
        states[i] = counts.states[i];
    }

    bridge_metrics_set(page, "accounts", "gauge", "Known accounts.", "state",
                       bridge_account_states, states);
    bridge_metrics_one(page, "accounts_with_device", "gauge",
                       "Accounts with a device parked.", counts.with_device);
    bridge_metrics_one(page, "accounts_with_session", "gauge",
                       "Accounts with a session that reports changes.",
                       counts.with_session);
    bridge_metrics_one(page, "accounts_without_session", "gauge",
                       "Accounts that have needed a session here for over "
                       "a minute, and have none.", counts.without_session);
    bridge_metrics_one(page, "accounts_refused", "gauge",
                       "Accounts that wait for a new login.",
                       counts.refused);
    bridge_metrics_one(page, "connects_waiting", "gauge",
                       "Accounts that wait for their turn to connect.",
                       bridge_connect_rate_waiting());
    bridge_metrics_one(page, "logins_total", "counter",
                       "Sessions that have logged in.",
                       bridge_counters.logins);
    bridge_metrics_set(page, "failures_total", "counter",
                       "Sessions that have ended by themselves.", "reason",
                       bridge_metrics_failures, bridge_counters.failures);
    bridge_metrics_one(page, "events_published_total", "counter",
                       "Events published.", bridge_counters.published);
    bridge_metrics_one(page, "events_invalid_total", "counter",
                       "Events that Redis has refused.",
                       bridge_counters.dropped);
    bridge_metrics_one(page, "publish_failures_total", "counter",
                       "Sessions begun anew because Redis did not take an "
                       "event.",
                       bridge_counters.unpublished);
    bridge_metrics_set(page, "auth_total", "counter",
                       "Answers to requests for a login.", "result",
                       bridge_metrics_results, bridge_counters.auth);
    bridge_metrics_one(page, "auth_cached_total", "counter",
                       "Answers without asking the server.",
                       bridge_counters.auth_cached);
    bridge_metrics_one(page, "auth_cache", "gauge", "Results in the cache.",
                       bridge_auth_cached());
    bridge_metrics_one(page, "auth_waiting", "gauge",
                       "Requests without an answer.", bridge_auth_waiting());
    bridge_metrics_one(page, "updates_total", "counter",
                       "Updates answered.", bridge_counters.updates);
    bridge_metrics_one(page, "updates_unknown_total", "counter",
                       "Updates with the status unknown.",
                       bridge_counters.updates_unknown);
    bridge_metrics_one(page, "bridges", "gauge", "Running bridges.",
                       bridge_peers_count());
    bridge_metrics_dav(page);
    bridge_metrics_one(page, "redis_up", "gauge",
                       "1 if both connections to Redis work.",
                       bridge_function_library_ready()
                       && bridge_subscriber_ready());
}


static void
bridge_metrics_dav(struct evbuffer *page)
{
    uint64_t          waiting;
    bridge_server_t  *server;

    waiting = 0;

    for (server = bridge_config->servers; server; server = server->next) {
        waiting += server->dav.turns.waiting;
    }

    bridge_metrics_one(page, "dav_accounts", "gauge",
                       "Accounts whose contacts and calendars are watched.",
                       dav_counters.ready);
    bridge_metrics_one(page, "dav_collections", "gauge",
                       "Address books and calendars that are known.",
                       dav_counters.collections);
    bridge_metrics_one(page, "dav_rounds_waiting", "gauge",
                       "Accounts that wait for their turn to be checked.",
                       waiting);
    bridge_metrics_set(page, "dav_rounds_total", "counter",
                       "Checks of all collections of an account.", "result",
                       bridge_metrics_rounds, dav_counters.rounds);
    bridge_metrics_set(page, "dav_requests_total", "counter",
                       "Requests to DAV servers that have ended.", "result",
                       bridge_metrics_requests, dav_counters.requests);
    bridge_metrics_one(page, "dav_lists_total", "counter",
                       "Requests for a whole collection.", dav_counters.lists);
    bridge_metrics_set(page, "dav_changes_total", "counter",
                       "Objects and collections that have changed.", "what",
                       bridge_metrics_changes, dav_counters.changes);
    bridge_metrics_one(page, "dav_pokes_total", "counter",
                       "Rounds that a poke has requested.",
                       dav_counters.pokes);
    bridge_metrics_set(page, "dav_failures_total", "counter",
                       "Failures of watching an account.", "reason",
                       bridge_metrics_dav_failures, dav_counters.failures);
    bridge_metrics_set(page, "dav_updates_total", "counter",
                       "Updates of contacts and calendars.", "status",
                       dav_count_statuses, dav_counters.updates);
}


static void
bridge_metrics_head(struct evbuffer *page, const char *name,
    const char *type, const char *help)
{
    evbuffer_add_printf(page, "# HELP pimap_bridge_%s %s\n"
                              "# TYPE pimap_bridge_%s %s\n",
                        name, help, name, type);
}


static void
bridge_metrics_one(struct evbuffer *page, const char *name, const char *type,
    const char *help, uint64_t value)
{
    bridge_metrics_head(page, name, type, help);

    evbuffer_add_printf(page, "pimap_bridge_%s %llu\n", name,
                        (unsigned long long) value);
}


static void
bridge_metrics_set(struct evbuffer *page, const char *name, const char *type,
    const char *help, const char *label, const char **names,
    const uint64_t *values)
{
    int  i;

    bridge_metrics_head(page, name, type, help);

    for (i = 0; names[i]; i++) {
        evbuffer_add_printf(page, "pimap_bridge_%s{%s=\"%s\"} %llu\n", name,
                            label, names[i], (unsigned long long) values[i]);
    }
}


/*
 * Unhealthy is who can't do his work: without Redis nothing is published, and
 * if most of our accounts are without a session something is wrong with the
 * servers, or our way to them.
 */

int
bridge_metrics_health(struct evbuffer *page)
{
    const char               *why;
    bridge_account_counts_t   counts;

    bridge_account_count(&counts);

    why = NULL;

    if (!bridge_redis_command_ready()) {
        why = "redis is away";

    } else if (!bridge_function_library_ready()) {
        why = "redis does not have the functions";

    } else if (!bridge_subscriber_ready()) {
        why = "what is published in redis does not come back";

    } else if (counts.without_session > counts.with_session) {
        why = "most accounts have no session";
    }

    evbuffer_add_printf(page, "{\"healthy\":%s,\"reason\":%s%s%s,"
                        "\"withSession\":%u,\"withoutSession\":%u}\n",
                        why ? "false" : "true", why ? "\"" : "",
                        why ? why : "null", why ? "\"" : "",
                        counts.with_session, counts.without_session);

    return why ? 503 : 200;
}
