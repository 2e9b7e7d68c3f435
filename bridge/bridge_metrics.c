
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the pages for Prometheus and for health checks.  Called by
 * bridge_http.c.
 */


#include "bridge_http.h"
#include "bridge_supervisor.h"
#include "bridge_update.h"
#include "dav_counters.h"
#include "imap_pause.h"


typedef struct {
    const char      *name;
    const char      *type;
    const char      *label;             /* NULL: one value */
    const char     **names;             /* of the values, ended by NULL */
    const uint64_t  *values;
    const char      *help;
} bridge_metric_t;


static void bridge_metrics_gauges(void);
static int bridge_metrics_node_works(bridge_node_t *node);


static bridge_account_counts_t  bridge_metrics_accounts;
static uint64_t                 bridge_metrics_connects;
static uint64_t                 bridge_metrics_auth_cache;
static uint64_t                 bridge_metrics_auth_waiting;
static uint64_t                 bridge_metrics_auth_counts;
static uint64_t                 bridge_metrics_bridges;
static uint64_t                 bridge_metrics_rounds_waiting;
static uint64_t                 bridge_metrics_redis_up;
static uint64_t                 bridge_metrics_redis_slots;
static uint64_t                 bridge_metrics_updates_late;
static uint64_t                 bridge_metrics_updates_placed;
static uint64_t                 bridge_metrics_updates_held;

static const char *bridge_metrics_failures[] = {
    "credentials", "away", "limit", "tls", "protocol", NULL
};

static const char *bridge_metrics_results[] = {
    "good", "bad", "away", "busy", "limited", NULL
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


static const bridge_metric_t  bridge_metrics[] = {
    { "accounts", "gauge", "state", bridge_account_states,
      bridge_metrics_accounts.states, "Known accounts." },
    { "accounts_with_device", "gauge", NULL, NULL,
      &bridge_metrics_accounts.with_device, "Accounts with a device parked." },
    { "accounts_with_session", "gauge", NULL, NULL,
      &bridge_metrics_accounts.with_session,
      "Accounts with a session that reports changes." },
    { "accounts_without_session", "gauge", NULL, NULL,
      &bridge_metrics_accounts.without_session,
      "Accounts that have needed a session here for over a minute, and have "
      "none." },
    { "accounts_refused", "gauge", NULL, NULL,
      &bridge_metrics_accounts.refused,
      "Accounts that wait for a new login." },
    { "accounts_unwatched", "gauge", NULL, NULL,
      &bridge_metrics_accounts.unwatched,
      "Accounts with a device parked, for which no bridge has a login." },
    { "connects_waiting", "gauge", NULL, NULL, &bridge_metrics_connects,
      "Accounts that wait for their turn to connect." },
    { "imap_skipped_total", "counter", NULL, NULL, &imap_counters.skipped,
      "Responses of IMAP servers that are not understood and skipped." },
    { "imap_refused_total", "counter", NULL, NULL, &imap_counters.refused,
      "Mailboxes that an IMAP server refused to open." },
    { "logins_total", "counter", NULL, NULL, &bridge_counters.logins,
      "Sessions that have logged in." },
    { "relogins_total", "counter", NULL, NULL, &bridge_counters.relogins,
      "Accounts whose devices were told to log in again." },
    { "failures_total", "counter", "reason", bridge_metrics_failures,
      bridge_counters.failures, "Sessions that have ended by themselves." },
    { "events_published_total", "counter", NULL, NULL,
      &bridge_counters.published, "Events published." },
    { "events_invalid_total", "counter", NULL, NULL, &bridge_counters.dropped,
      "Events that Redis has refused." },
    { "publish_failures_total", "counter", NULL, NULL,
      &bridge_counters.unpublished,
      "Sessions begun anew because Redis did not take an event." },
    { "auth_total", "counter", "result", bridge_metrics_results,
      bridge_counters.auth, "Answers to requests for a login." },
    { "auth_cached_total", "counter", NULL, NULL, &bridge_counters.auth_cached,
      "Answers without asking the server." },
    { "auth_cache", "gauge", NULL, NULL, &bridge_metrics_auth_cache,
      "Results in the cache." },
    { "auth_waiting", "gauge", NULL, NULL, &bridge_metrics_auth_waiting,
      "Requests without an answer." },
    { "auth_counts", "gauge", NULL, NULL, &bridge_metrics_auth_counts,
      "Addresses and accounts with refused logins." },
    { "updates_total", "counter", NULL, NULL, &bridge_counters.updates,
      "Updates answered." },
    { "updates_unknown_total", "counter", NULL, NULL,
      &bridge_counters.updates_unknown, "Updates with the status unknown." },
    { "updates_late", "gauge", NULL, NULL, &bridge_metrics_updates_late,
      "Updates that a bridge has read over a lease ago, without a result." },
    { "updates_placed", "gauge", NULL, NULL, &bridge_metrics_updates_placed,
      "Updates with a place in memory." },
    { "updates_held", "gauge", NULL, NULL, &bridge_metrics_updates_held,
      "Updates that wait for a place in memory." },
    { "bridges", "gauge", NULL, NULL, &bridge_metrics_bridges,
      "Running bridges." },
    { "dav_accounts", "gauge", NULL, NULL, &dav_counters.ready,
      "Accounts whose contacts and calendars are watched." },
    { "dav_collections", "gauge", NULL, NULL, &dav_counters.collections,
      "Address books and calendars that are known." },
    { "dav_rounds_waiting", "gauge", NULL, NULL,
      &bridge_metrics_rounds_waiting,
      "Accounts that wait for their turn to be checked." },
    { "dav_rounds_total", "counter", "result", bridge_metrics_rounds,
      dav_counters.rounds, "Checks of all collections of an account." },
    { "dav_requests_total", "counter", "result", bridge_metrics_requests,
      dav_counters.requests, "Requests to DAV servers that have ended." },
    { "dav_lists_total", "counter", NULL, NULL, &dav_counters.lists,
      "Requests for a whole collection." },
    { "dav_changes_total", "counter", "what", bridge_metrics_changes,
      dav_counters.changes, "Objects and collections that have changed." },
    { "dav_pokes_total", "counter", NULL, NULL, &dav_counters.pokes,
      "Rounds that a poke has requested." },
    { "dav_skipped_total", "counter", NULL, NULL, &dav_counters.skipped,
      "Objects that a DAV server could not tell of, or that are not valid." },
    { "dav_collection_failures_total", "counter", NULL, NULL,
      &dav_counters.failed, "Syncs of a single collection that have failed." },
    { "dav_failures_total", "counter", "reason", bridge_metrics_dav_failures,
      dav_counters.failures, "Failures of watching an account." },
    { "dav_updates_total", "counter", "status", dav_count_statuses,
      dav_counters.updates, "Updates of contacts and calendars." },
    { "redis_up", "gauge", NULL, NULL, &bridge_metrics_redis_up,
      "1 if both connections to Redis work, to each master." },
    { "redis_slots", "gauge", NULL, NULL, &bridge_metrics_redis_slots,
      "Of 16384 slots, those whose master of Redis works." },
    { NULL, NULL, NULL, NULL, NULL, NULL }
};


int
bridge_metrics_page(struct evbuffer *page, const char *query)
{
    int                     i;
    const bridge_metric_t  *m;

    bridge_metrics_gauges();

    evbuffer_add_printf(page, "# HELP pimap_bridge_build_info The version.\n"
                              "# TYPE pimap_bridge_build_info gauge\n"
                              "pimap_bridge_build_info{version=\"%s\"} 1\n",
                        BRIDGE_VERSION);

    for (m = bridge_metrics; m->name; m++) {
        evbuffer_add_printf(page, "# HELP pimap_bridge_%s %s\n"
                                  "# TYPE pimap_bridge_%s %s\n",
                            m->name, m->help, m->name, m->type);

        for (i = 0; m->names && m->names[i]; i++) {
            evbuffer_add_printf(page, "pimap_bridge_%s{%s=\"%s\"} %llu\n",
                                m->name, m->label, m->names[i],
                                (unsigned long long) m->values[i]);
        }

        if (m->names == NULL) {
            evbuffer_add_printf(page, "pimap_bridge_%s %llu\n", m->name,
                                (unsigned long long) *m->values);
        }
    }

    return 200;
}


static void
bridge_metrics_gauges(void)
{
    bridge_server_t  *server;

    bridge_account_count(&bridge_metrics_accounts);

    bridge_metrics_connects = bridge_connect_rate_waiting();
    bridge_metrics_auth_cache = bridge_auth_cached();
    bridge_metrics_auth_waiting = bridge_auth_waiting();
    bridge_metrics_auth_counts = bridge_auth_limit_counted();
    bridge_metrics_bridges = bridge_peers_count();
    bridge_metrics_redis_slots = bridge_node_share(bridge_metrics_node_works);
    bridge_metrics_redis_up = bridge_metrics_redis_slots == PIMAP_REDIS_SLOTS;

    bridge_metrics_updates_late = bridge_update_consumer_late();
    bridge_metrics_updates_placed = bridge_update_queue_placed();
    bridge_metrics_updates_held = bridge_update_queue_held();
    bridge_metrics_rounds_waiting = 0;

    for (server = bridge_config->servers; server; server = server->next) {
        bridge_metrics_rounds_waiting += server->dav.turns.waiting;
    }
}


static int
bridge_metrics_node_works(bridge_node_t *node)
{
    return bridge_function_library_is_ready(node)
           && bridge_subscriber_works(node);
}


/* Without Redis nothing is published.  If most accounts here have no session,
   the mail servers are at fault, or the network to them.  An update has its
   result after "timeout", and a dead bridge's is claimed after a lease. */

int
bridge_metrics_health(struct evbuffer *page, const char *query)
{
    const char               *why = NULL;
    bridge_account_counts_t   counts;

    bridge_account_count(&counts);

    if (!bridge_node_ready()) {
        why = "redis is away";

    } else if (!bridge_function_library_ready()) {
        why = "redis does not have the functions";

    } else if (!bridge_subscriber_ready()) {
        why = "messages published in redis do not come back";

    } else if (counts.without_session + counts.unwatched
               > counts.with_session)
    {
        why = counts.unwatched > counts.without_session
              ? "most accounts with a device parked have no login here"
              : "most accounts have no session";

    } else if (bridge_update_consumer_overdue()) {
        why = "updates of devices have no result in time";
    }

    evbuffer_add_printf(page, "{\"healthy\":%s,\"reason\":%s%s%s,"
                        "\"withSession\":%llu,\"withoutSession\":%llu,"
                        "\"waiting\":%llu,\"refused\":%llu,"
                        "\"unwatched\":%llu,\"updatesLate\":%u}\n",
                        why ? "false" : "true", why ? "\"" : "",
                        why ? why : "null", why ? "\"" : "",
                        (unsigned long long) counts.with_session,
                        (unsigned long long) counts.without_session,
                        (unsigned long long)
                        counts.states[BRIDGE_ACCOUNT_WAITING],
                        (unsigned long long) counts.refused,
                        (unsigned long long) counts.unwatched,
                        bridge_update_consumer_late());

    return why ? 503 : 200;
}
