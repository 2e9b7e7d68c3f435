
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the names of all metrics.  Called by the status location.  Invariant:
 * one table makes both forms, JSON and Prometheus' text format 0.0.4.
 */


#include "ngx_pimap_metrics.h"
#include "ngx_pimap_histogram.h"

#include "pimap_version.h"


typedef struct {
    const char   *group;            /* JSON: the object; NULL: none */
    const char   *key;
    const char   *name;             /* Prometheus, without "pimap_"; a counter
                                       if it ends in "_total"; the member has
                                       microseconds if in "_seconds" */
    const char   *labels;           /* NULL: none */
    const char   *help;
    size_t        offset;
} ngx_pimap_metric_t;


#define ngx_pimap_metric(group, key, name, labels, help, member)             \
    { group, key, name, labels, help, offsetof(ngx_pimap_counters_t, member) }

#define ngx_pimap_metric_end(reason, member)                                 \
    ngx_pimap_metric("ends", reason, "ends_total",                           \
                     "reason=\"" reason "\"", "Parked responses that ended", \
                     ends[NGX_PIMAP_END_ ## member])

#define ngx_pimap_metric_devices(key, transport, http, tls, kind)            \
    ngx_pimap_metric("devices", key, "devices",                              \
                     "transport=\"" transport "\",http=\"" http              \
                     "\",tls=\"" tls "\"",                                   \
                     "Devices that are parked now",                          \
                     devices[NGX_PIMAP_ ## kind])

/* The kinds of a transport that keeps a request. */
#define ngx_pimap_metric_requests(name, kind)                                \
    ngx_pimap_metric_devices(name "H1", name, "1", "off", kind),             \
    ngx_pimap_metric_devices(name "H1Tls", name, "1", "on",                  \
                             kind|NGX_PIMAP_KIND_TLS),                       \
    ngx_pimap_metric_devices(name "H2", name, "2", "off",                    \
                             kind|NGX_PIMAP_KIND_HTTP2),                     \
    ngx_pimap_metric_devices(name "H2Tls", name, "2", "on",                  \
                             kind|NGX_PIMAP_KIND_HTTP2|NGX_PIMAP_KIND_TLS),  \
    ngx_pimap_metric_devices(name "H3", name, "3", "on",                     \
                             kind|NGX_PIMAP_KIND_HTTP3)


/* Rows of one name stand together, rows of one group too. */

static const ngx_pimap_metric_t  ngx_pimap_metrics_total[] = {

    ngx_pimap_metric_requests("held", HELD),
    ngx_pimap_metric_devices("detached", "detached", "1", "off", DETACHED),
    ngx_pimap_metric_devices("detachedTls", "detached", "1", "on",
                             DETACHED|NGX_PIMAP_KIND_TLS),
    ngx_pimap_metric_devices("hibernated", "hibernated", "1", "on",
                             HIBERNATED),
    ngx_pimap_metric_requests("poll", POLL),

    ngx_pimap_metric(NULL, "accounts", "accounts", NULL,
        "Accounts with parked devices, summed over workers", accounts),
    ngx_pimap_metric(NULL, "accountsUnproven", "accounts_unproven", NULL,
        "Accounts whose logins may be revoked, because Redis has not said",
        accounts_unproven),
    ngx_pimap_metric(NULL, "lingering", "lingering", NULL,
        "Connections whose device has left and that are still open",
        lingering),
    ngx_pimap_metric(NULL, "connects", "connects_total", NULL,
        "Requests that were parked", connects),
    ngx_pimap_metric(NULL, "refused", "refused_total", NULL,
        "Requests to park that were refused", refused),
    ngx_pimap_metric(NULL, "notHibernated", "not_hibernated_total", NULL,
        "TLS connections that should hibernate and could not", not_hibernated),
    ngx_pimap_metric(NULL, "zoneFull", "zone_full_total", NULL,
        "Devices that did not fit into the zone and escape the limits",
        zone_full),

    ngx_pimap_metric_end("client", CLIENT),
    ngx_pimap_metric_end("closeafter", CLOSEAFTER),
    ngx_pimap_metric_end("answered", ANSWERED),
    ngx_pimap_metric_end("superseded", SUPERSEDED),
    ngx_pimap_metric_end("slow", SLOW),
    ngx_pimap_metric_end("timeout", TIMEOUT),
    ngx_pimap_metric_end("drain", DRAIN),
    ngx_pimap_metric_end("expired", EXPIRED),
    ngx_pimap_metric_end("operator", OPERATOR),
    ngx_pimap_metric_end("error", ERROR),

    ngx_pimap_metric("events", "received", "events_received_total", NULL,
        "Messages of Redis", received),
    ngx_pimap_metric("events", "receivedBytes",
        "events_received_bytes_total", NULL,
        "Bytes of the messages of Redis", received_bytes),
    ngx_pimap_metric("events", "invalid", "events_invalid_total", NULL,
        "Messages that were no valid event", invalid),
    ngx_pimap_metric("events", "withoutDevice",
        "events_without_device_total", NULL,
        "Messages for accounts whose last device had just left",
        without_device),
    ngx_pimap_metric("events", "coalesced", "events_coalesced_total", NULL,
        "Events that a later event of their kind replaced", coalesced),
    ngx_pimap_metric("events", "filtered", "events_filtered_total", NULL,
        "Events that a device's filter kept back", filtered),
    ngx_pimap_metric("events", "delivered", "events_delivered_total", NULL,
        "Events handed to a device's connection", delivered),
    ngx_pimap_metric("events", "dropped", "events_dropped_total", NULL,
        "Events that could not be handed to a device, which was closed",
        dropped),

    ngx_pimap_metric("handover", "sent", "handover_sent_total", NULL,
        "Devices that workers handed over when they left", handover_sent),
    ngx_pimap_metric("handover", "received", "handover_received_total", NULL,
        "Devices that workers received in a hand-over", handover_received),
    ngx_pimap_metric("handover", "noRoom", "handover_no_room_total", NULL,
        "Devices that no newer worker had a connection for",
        handover_no_room),

    ngx_pimap_metric("log", "replayed", "log_replayed_total", NULL,
        "Events read from the log for a device that came back", replayed),
    ngx_pimap_metric("log", "filled", "log_filled_total", NULL,
        "Events read from the log that had been missing in an account",
        filled),
    ngx_pimap_metric("log", "duplicates", "log_duplicates_total", NULL,
        "Events that had come already and were dropped", duplicates),
    ngx_pimap_metric("log", "gaps", "log_gaps_total", NULL,
        "Events whose id showed that earlier ones were missing", gaps),
    ngx_pimap_metric("log", "resyncs", "log_resyncs_total", NULL,
        "Devices told that events are missing", resyncs),
    ngx_pimap_metric("log", "gapChecks", "log_gap_checks_total", NULL,
        "Comparisons of an account's last id with the log", gap_checks),

    ngx_pimap_metric(NULL, "sentBytes", "sent_bytes_total", NULL,
        "Bytes of bodies sent to devices, before TLS and HTTP framing",
        sent_bytes),
    ngx_pimap_metric(NULL, "pings", "pings_total", NULL,
        "Heartbeats sent", pings),

    ngx_pimap_metric("compression", "messages", "compressed_total", NULL,
        "Events and other messages that were compressed", compressed),
    ngx_pimap_metric("compression", "shared", "compressed_shared_total", NULL,
        "Messages that had already been compressed for another device",
        compressed_shared),
    ngx_pimap_metric("compression", "evicted",
        "compressed_evicted_total", NULL,
        "Messages to devices whose dictionary was evicted",
        compressed_evicted),
    ngx_pimap_metric("compression", "plainBytes",
        "compressed_plain_bytes_total", NULL,
        "Bytes sent to devices with compression, before it",
        compressed_plain_bytes),
    ngx_pimap_metric("compression", "bytes", "compressed_bytes_total", NULL,
        "Bytes sent to devices with compression, after it", compressed_bytes),

    ngx_pimap_metric("publish", "published", "published_total", NULL,
        "Events published for HTTP requests", published),
    ngx_pimap_metric("publish", "invalid", "publish_invalid_total", NULL,
        "Publish requests with an invalid event", publish_invalid),
    ngx_pimap_metric("publish", "failed", "publish_failed_total", NULL,
        "Events that Redis did not take", publish_failed),

    ngx_pimap_metric("updates", "accepted", "updates_total", NULL,
        "Updates of devices that Redis has", updates),
    ngx_pimap_metric("updates", "invalid", "updates_invalid_total", NULL,
        "Updates, and requests with one, that were invalid or not allowed",
        updates_invalid),
    ngx_pimap_metric("updates", "failed", "updates_failed_total", NULL,
        "Updates, and requests with some, that were not taken",
        updates_failed),
    ngx_pimap_metric("updates", "accountFull", "updates_account_full_total",
        NULL, "The same, because the account had too many",
        updates_account_full),
    ngx_pimap_metric("updates", "pauses", "update_pauses_total", NULL,
        "Times that a device sent too much and was read a second later",
        pauses)
};


static const ngx_pimap_metric_t  ngx_pimap_metrics_worker[] = {

    ngx_pimap_metric(NULL, "ready", "worker_ready", NULL,
        "Whether the worker can deliver", ready),
    ngx_pimap_metric(NULL, "staleSeconds", "worker_stale_seconds", NULL,
        "For how long the worker has not been able to deliver", stale_usec),
    ngx_pimap_metric("redis", "up", "redis_up", NULL,
        "Whether the worker can send commands to Redis", redis_up),
    ngx_pimap_metric("redis", "subscribed", "redis_subscriptions", NULL,
        "Accounts that the worker is subscribed to", redis_subscribed),
    ngx_pimap_metric("redis", "nodes", "redis_nodes", NULL,
        "Redis servers that the worker needs for its accounts", redis_nodes),
    ngx_pimap_metric("redis", "nodesAway", "redis_nodes_away", NULL,
        "Of these, the servers whose events the worker can't deliver",
        redis_nodes_away),
    ngx_pimap_metric("redis", "connects", "redis_connects_total", NULL,
        "Connections to Redis that came up", redis_connects),
    ngx_pimap_metric("redis", "failures", "redis_failures_total", NULL,
        "Connections to Redis that failed or were lost", redis_failures),
    ngx_pimap_metric("redis", "probes", "probes_total", NULL,
        "Probes sent through Redis to the worker itself", probes),
    ngx_pimap_metric("redis", "probesLost", "probes_lost_total", NULL,
        "Probes that did not come back in time", probes_lost),
    ngx_pimap_metric("redis", "probeSeconds", "probe_seconds", NULL,
        "How long the last probe took", probe_usec)
};


#define NGX_PIMAP_METRICS_TOTAL                                              \
    (sizeof(ngx_pimap_metrics_total) / sizeof(ngx_pimap_metric_t))
#define NGX_PIMAP_METRICS_WORKER                                             \
    (sizeof(ngx_pimap_metrics_worker) / sizeof(ngx_pimap_metric_t))


static u_char *ngx_pimap_metrics_object(const ngx_pimap_metric_t *m,
    ngx_uint_t n, ngx_pimap_counters_t *counters, u_char *p, u_char *last);
static u_char *ngx_pimap_metrics_reason(u_char *reason, u_char *p,
    u_char *last);
static u_char *ngx_pimap_metrics_value(const ngx_pimap_metric_t *m,
    ngx_pimap_counters_t *counters, u_char *p, u_char *last);
static ngx_uint_t ngx_pimap_metrics_ends(const char *name, const char *end);
static u_char *ngx_pimap_metrics_head(const ngx_pimap_metric_t *m, u_char *p,
    u_char *last);


size_t
ngx_pimap_metrics_size(ngx_pimap_metrics_t *metrics)
{
    return (NGX_PIMAP_METRICS_TOTAL + NGX_PIMAP_METRICS_WORKER
            + NGX_PIMAP_NHISTOGRAMS * NGX_PIMAP_NBUCKETS) * 512
           + metrics->nslots * (NGX_PIMAP_METRICS_WORKER * 128 + 256
                                + 6 * NGX_PIMAP_ZONE_REASON);
}


u_char *
ngx_pimap_metrics_json(ngx_pimap_metrics_t *metrics, u_char *p, u_char *last)
{
    ngx_uint_t             i;
    ngx_pimap_slot_t      *slot;
    ngx_pimap_counters_t  *c;

    c = &metrics->total;

    p = ngx_slprintf(p, last, "{\"version\":\"" PIMAP_VERSION "\","
                     "\"nginx\":\"" NGINX_VERSION "\",\"parked\":%ui,",
                     ngx_pimap_zone_parked(c));
    p = ngx_pimap_metrics_object(ngx_pimap_metrics_total,
                                 NGX_PIMAP_METRICS_TOTAL, c, p, last);
    p = ngx_pimap_histogram_json(c, p, last);
    p = ngx_slprintf(p, last, ",\"workers\":[");

    for (i = 0; i < metrics->nslots; i++) {
        slot = &metrics->slots[i];
        c = &slot->counters;

        p = ngx_slprintf(p, last, "%s{\"worker\":%i,\"pid\":%P,"
                         "\"devices\":%uL,\"accounts\":%uL,",
                         i ? "," : "", slot->worker, slot->pid,
                         (uint64_t) ngx_pimap_zone_parked(c),
                         c->accounts);
        p = ngx_pimap_metrics_object(ngx_pimap_metrics_worker,
                                     NGX_PIMAP_METRICS_WORKER, c, p, last);
        p = ngx_pimap_metrics_reason(slot->reason, p, last);
        p = ngx_slprintf(p, last, "}");
    }

    return ngx_slprintf(p, last, "]}\n");
}


/* Why Redis is away, or null. */

static u_char *
ngx_pimap_metrics_reason(u_char *reason, u_char *p, u_char *last)
{
    size_t  len;

    len = ngx_strlen(reason);

    p = ngx_slprintf(p, last, ",\"reason\":%s", len ? "\"" : "null");

    if (len == 0 || (size_t) (last - p) < 6 * len + 1) {
        return p;
    }

    p = (u_char *) ngx_escape_json(p, reason, len);

    return ngx_slprintf(p, last, "\"");
}


/* The members of an object, those of one group as an object of their own. */

static u_char *
ngx_pimap_metrics_object(const ngx_pimap_metric_t *m, ngx_uint_t n,
    ngx_pimap_counters_t *counters, u_char *p, u_char *last)
{
    ngx_uint_t   i;
    const char  *group;

    group = NULL;

    for (i = 0; i < n; i++) {

        if (group && m[i].group != group) {
            p = ngx_slprintf(p, last, "}");
        }

        if (i) {
            p = ngx_slprintf(p, last, ",");
        }

        if (m[i].group && m[i].group != group) {
            p = ngx_slprintf(p, last, "\"%s\":{", m[i].group);
        }

        group = m[i].group;

        p = ngx_slprintf(p, last, "\"%s\":", m[i].key);
        p = ngx_pimap_metrics_value(&m[i], counters, p, last);
    }

    return group ? ngx_slprintf(p, last, "}") : p;
}


static u_char *
ngx_pimap_metrics_value(const ngx_pimap_metric_t *m,
    ngx_pimap_counters_t *counters, u_char *p, u_char *last)
{
    uint64_t  value;

    value = *(uint64_t *) ((u_char *) counters + m->offset);

    return ngx_pimap_metrics_ends(m->name, "_seconds")
           ? ngx_slprintf(p, last, "%uL.%06uL", value / 1000000,
                          value % 1000000)
           : ngx_slprintf(p, last, "%uL", value);
}


static ngx_uint_t
ngx_pimap_metrics_ends(const char *name, const char *end)
{
    size_t  len, end_len;

    len = ngx_strlen(name);
    end_len = ngx_strlen(end);

    return len > end_len && ngx_strcmp(name + len - end_len, end) == 0;
}


u_char *
ngx_pimap_metrics_prometheus(ngx_pimap_metrics_t *metrics, u_char *p,
    u_char *last)
{
    ngx_uint_t                 i, k;
    const ngx_pimap_metric_t  *m;

    p = ngx_slprintf(p, last, "# HELP pimap_build_info The module's version, "
                     "and that of the nginx that it was built for.\n"
                     "# TYPE pimap_build_info gauge\n"
                     "pimap_build_info{version=\"" PIMAP_VERSION "\","
                     "nginx=\"" NGINX_VERSION "\"} 1\n");

    m = ngx_pimap_metrics_total;

    for (i = 0; i < NGX_PIMAP_METRICS_TOTAL; i++) {

        if (i == 0 || ngx_strcmp(m[i].name, m[i - 1].name) != 0) {
            p = ngx_pimap_metrics_head(&m[i], p, last);
        }

        p = ngx_slprintf(p, last, m[i].labels ? "pimap_%s{%s} " : "pimap_%s ",
                         m[i].name, m[i].labels);
        p = ngx_pimap_metrics_value(&m[i], &metrics->total, p, last);
        p = ngx_slprintf(p, last, "\n");
    }

    p = ngx_pimap_histogram_prometheus(&metrics->total, p, last);

    m = ngx_pimap_metrics_worker;

    for (i = 0; i < NGX_PIMAP_METRICS_WORKER; i++) {

        p = ngx_pimap_metrics_head(&m[i], p, last);

        for (k = 0; k < metrics->nslots; k++) {
            p = ngx_slprintf(p, last, "pimap_%s{worker=\"%i\",pid=\"%P\"} ",
                             m[i].name, metrics->slots[k].worker,
                             metrics->slots[k].pid);
            p = ngx_pimap_metrics_value(&m[i], &metrics->slots[k].counters, p,
                                        last);
            p = ngx_slprintf(p, last, "\n");
        }
    }

    return p;
}


static u_char *
ngx_pimap_metrics_head(const ngx_pimap_metric_t *m, u_char *p, u_char *last)
{
    return ngx_slprintf(p, last, "# HELP pimap_%s %s.\n# TYPE pimap_%s %s\n",
                        m->name, m->help, m->name,
                        ngx_pimap_metrics_ends(m->name, "_total")
                        ? "counter" : "gauge");
}
