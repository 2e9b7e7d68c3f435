
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * One table for both forms: JSON, and Prometheus' text format 0.0.4.
 */


#include "ngx_pimap_metrics.h"


typedef enum {
    NGX_PIMAP_COUNTER = 0,
    NGX_PIMAP_GAUGE,
    NGX_PIMAP_USEC                      /* a gauge, shown in seconds */
} ngx_pimap_metric_kind_t;


typedef struct {
    const char                *group;   /* JSON: the object; NULL: none */
    const char                *key;
    const char                *name;    /* Prometheus, without "pimap_" */
    const char                *labels;  /* NULL: none */
    const char                *help;
    ngx_pimap_metric_kind_t    kind;
    size_t                     offset;
} ngx_pimap_metric_t;


#define ngx_pimap_metric(group, key, name, labels, help, kind, member)       \
    { group, key, name, labels, help, NGX_PIMAP_ ## kind,                    \
      offsetof(ngx_pimap_counters_t, member) }

#define ngx_pimap_metric_end(reason, member)                                 \
    ngx_pimap_metric("ends", reason, "ends_total",                           \
                     "reason=\"" reason "\"", "Parked responses that ended", \
                     COUNTER, ends[NGX_PIMAP_END_ ## member])


#define ngx_pimap_metric_devices(key, transport, http, tls, kind)            \
    ngx_pimap_metric("devices", key, "devices",                              \
                     "transport=\"" transport "\",http=\"" http            \
                     "\",tls=\"" tls "\"",                                   \
                     "Devices that are parked now", GAUGE,                   \
                     devices[NGX_PIMAP_ ## kind])


/* Rows of one name stand together, rows of one group too. */

static const ngx_pimap_metric_t  ngx_pimap_metrics_total[] = {

    ngx_pimap_metric_devices("heldH1", "held", "1", "off", HELD_H1),
    ngx_pimap_metric_devices("heldH1Tls", "held", "1", "on", HELD_H1_TLS),
    ngx_pimap_metric_devices("heldH2", "held", "2", "off", HELD_H2),
    ngx_pimap_metric_devices("heldH2Tls", "held", "2", "on", HELD_H2_TLS),
    ngx_pimap_metric_devices("detached", "detached", "1", "off", DETACHED),
    ngx_pimap_metric_devices("detachedTls", "detached", "1", "on",
                             DETACHED_TLS),
    ngx_pimap_metric_devices("hibernated", "hibernated", "1", "on",
                             HIBERNATED),
    ngx_pimap_metric_devices("pollH1", "poll", "1", "off", POLL_H1),
    ngx_pimap_metric_devices("pollH1Tls", "poll", "1", "on", POLL_H1_TLS),
    ngx_pimap_metric_devices("pollH2", "poll", "2", "off", POLL_H2),
    ngx_pimap_metric_devices("pollH2Tls", "poll", "2", "on", POLL_H2_TLS),

    ngx_pimap_metric(NULL, "accounts", "accounts", NULL,
        "Accounts with parked devices, summed over workers", GAUGE, accounts),
    ngx_pimap_metric(NULL, "connects", "connects_total", NULL,
        "Requests that were parked", COUNTER, connects),
    ngx_pimap_metric(NULL, "refused", "refused_total", NULL,
        "Requests to park that were refused", COUNTER, refused),
    ngx_pimap_metric(NULL, "notHibernated", "not_hibernated_total", NULL,
        "TLS connections that should hibernate and could not",
        COUNTER, not_hibernated),
    ngx_pimap_metric(NULL, "zoneFull", "zone_full_total", NULL,
        "Devices that did not fit into the zone and escape the limits",
        COUNTER, zone_full),

    ngx_pimap_metric_end("client", CLIENT),
    ngx_pimap_metric_end("closeafter", CLOSEAFTER),
    ngx_pimap_metric_end("answered", ANSWERED),
    ngx_pimap_metric_end("superseded", SUPERSEDED),
    ngx_pimap_metric_end("slow", SLOW),
    ngx_pimap_metric_end("timeout", TIMEOUT),
    ngx_pimap_metric_end("drain", DRAIN),
    ngx_pimap_metric_end("expired", EXPIRED),
    ngx_pimap_metric_end("error", ERROR),

    ngx_pimap_metric("events", "received", "events_received_total", NULL,
        "Messages of Redis", COUNTER, received),
    ngx_pimap_metric("events", "receivedBytes", "events_received_bytes_total",
        NULL, "Bytes of the messages of Redis", COUNTER, received_bytes),
    ngx_pimap_metric("events", "invalid", "events_invalid_total", NULL,
        "Messages that were no valid event", COUNTER, invalid),
    ngx_pimap_metric("events", "withoutDevice", "events_without_device_total",
        NULL,
        "Messages for accounts whose last device had just left",
        COUNTER, without_device),
    ngx_pimap_metric("events", "coalesced", "events_coalesced_total", NULL,
        "Events that a later event of their kind replaced",
        COUNTER, coalesced),
    ngx_pimap_metric("events", "filtered", "events_filtered_total", NULL,
        "Events that a device's filter kept back", COUNTER, filtered),
    ngx_pimap_metric("events", "delivered", "events_delivered_total", NULL,
        "Events handed to a device's connection", COUNTER, delivered),
    ngx_pimap_metric("events", "dropped", "events_dropped_total", NULL,
        "Events that could not be handed to a device, which was closed",
        COUNTER, dropped),

    ngx_pimap_metric("handover", "sent", "handover_sent_total", NULL,
        "Devices that workers handed over when they left",
        COUNTER, handover_sent),
    ngx_pimap_metric("handover", "received", "handover_received_total", NULL,
        "Devices that workers received in a hand-over",
        COUNTER, handover_received),

    ngx_pimap_metric("log", "replayed", "log_replayed_total", NULL,
        "Events read from the log for a device that came back",
        COUNTER, replayed),
    ngx_pimap_metric("log", "filled", "log_filled_total", NULL,
        "Events read from the log that had been missing in an account",
        COUNTER, filled),
    ngx_pimap_metric("log", "duplicates", "log_duplicates_total", NULL,
        "Events that had come already and were dropped",
        COUNTER, duplicates),
    ngx_pimap_metric("log", "gaps", "log_gaps_total", NULL,
        "Events whose id showed that earlier ones were missing",
        COUNTER, gaps),
    ngx_pimap_metric("log", "resyncs", "log_resyncs_total", NULL,
        "Devices told that events are missing", COUNTER, resyncs),
    ngx_pimap_metric("log", "gapChecks", "log_gap_checks_total", NULL,
        "Comparisons of an account's last id with the log",
        COUNTER, gap_checks),

    ngx_pimap_metric(NULL, "sentBytes", "sent_bytes_total", NULL,
        "Bytes of bodies sent to devices, before TLS and HTTP framing",
        COUNTER, sent_bytes),
    ngx_pimap_metric(NULL, "pings", "pings_total", NULL,
        "Heartbeats sent", COUNTER, pings),

    ngx_pimap_metric("compression", "messages", "compressed_total", NULL,
        "Events and other messages that were compressed", COUNTER, compressed),
    ngx_pimap_metric("compression", "shared", "compressed_shared_total",
        NULL, "Messages that had already been compressed for another device",
        COUNTER, compressed_shared),
    ngx_pimap_metric("compression", "evicted", "compressed_evicted_total",
        NULL, "Messages to devices whose dictionary was evicted",
        COUNTER, compressed_evicted),
    ngx_pimap_metric("compression", "plainBytes",
        "compressed_plain_bytes_total", NULL,
        "Bytes sent to devices with compression, before it",
        COUNTER, compressed_plain_bytes),
    ngx_pimap_metric("compression", "bytes", "compressed_bytes_total", NULL,
        "Bytes sent to devices with compression, after it",
        COUNTER, compressed_bytes),

    ngx_pimap_metric("publish", "published", "published_total", NULL,
        "Events published for HTTP requests", COUNTER, published),
    ngx_pimap_metric("publish", "invalid", "publish_invalid_total", NULL,
        "Publish requests with an invalid event", COUNTER, publish_invalid),
    ngx_pimap_metric("publish", "failed", "publish_failed_total", NULL,
        "Events that Redis did not take", COUNTER, publish_failed),

    ngx_pimap_metric("updates", "accepted", "updates_total", NULL,
        "Updates of devices that Redis has", COUNTER, updates),
    ngx_pimap_metric("updates", "invalid", "updates_invalid_total", NULL,
        "Updates, and requests with one, that were invalid",
        COUNTER, updates_invalid),
    ngx_pimap_metric("updates", "failed", "updates_failed_total", NULL,
        "Updates, and requests with some, that were not taken",
        COUNTER, updates_failed)
};


static const ngx_pimap_metric_t  ngx_pimap_metrics_worker[] = {

    ngx_pimap_metric(NULL, "ready", "worker_ready", NULL,
        "Whether the worker's last probe came back", GAUGE, ready),
    ngx_pimap_metric("redis", "up", "redis_up", NULL,
        "Whether the worker can send commands to Redis", GAUGE, redis_up),
    ngx_pimap_metric("redis", "subscribed", "redis_subscriptions", NULL,
        "Accounts that the worker is subscribed to",
        GAUGE, redis_subscribed),
    ngx_pimap_metric("redis", "connects", "redis_connects_total", NULL,
        "Connections to Redis that came up", COUNTER, redis_connects),
    ngx_pimap_metric("redis", "failures", "redis_failures_total", NULL,
        "Connections to Redis that failed or were lost",
        COUNTER, redis_failures),
    ngx_pimap_metric("redis", "probes", "probes_total", NULL,
        "Probes sent through Redis to the worker itself", COUNTER, probes),
    ngx_pimap_metric("redis", "probesLost", "probes_lost_total", NULL,
        "Probes that did not come back in time", COUNTER, probes_lost),
    ngx_pimap_metric("redis", "probeSeconds", "probe_seconds", NULL,
        "How long the last probe took", USEC, probe_usec)
};


#define NGX_PIMAP_METRICS_TOTAL                                              \
    (sizeof(ngx_pimap_metrics_total) / sizeof(ngx_pimap_metric_t))
#define NGX_PIMAP_METRICS_WORKER                                             \
    (sizeof(ngx_pimap_metrics_worker) / sizeof(ngx_pimap_metric_t))


static u_char *ngx_pimap_metrics_object(const ngx_pimap_metric_t *m,
    ngx_uint_t n, ngx_pimap_counters_t *counters, u_char *p, u_char *last);
static u_char *ngx_pimap_metrics_value(const ngx_pimap_metric_t *m,
    ngx_pimap_counters_t *counters, u_char *p, u_char *last);
static u_char *ngx_pimap_metrics_head(const ngx_pimap_metric_t *m, u_char *p,
    u_char *last);
static u_char *ngx_pimap_metrics_histogram(ngx_pimap_counters_t *counters,
    u_char *p, u_char *last);
static u_char *ngx_pimap_metrics_delays(ngx_pimap_counters_t *counters,
    u_char *p, u_char *last);


static const char  *ngx_pimap_metrics_limits[NGX_PIMAP_NDELAYS] = {
    "0.001", "0.005", "0.025", "0.1", "0.5", "2", "+Inf"
};


size_t
ngx_pimap_metrics_size(ngx_pimap_metrics_t *metrics)
{
    return (NGX_PIMAP_METRICS_TOTAL + NGX_PIMAP_METRICS_WORKER
            + NGX_PIMAP_NDELAYS) * 512
           + metrics->nslots * (NGX_PIMAP_METRICS_WORKER * 128 + 256);
}


u_char *
ngx_pimap_metrics_json(ngx_pimap_metrics_t *metrics, u_char *p, u_char *last)
{
    ngx_uint_t             i;
    ngx_pimap_slot_t      *slot;
    ngx_pimap_counters_t  *c;

    c = &metrics->total;

    p = ngx_slprintf(p, last, "{\"parked\":%ui,", ngx_pimap_zone_parked(c));
    p = ngx_pimap_metrics_object(ngx_pimap_metrics_total,
                                 NGX_PIMAP_METRICS_TOTAL, c, p, last);
    p = ngx_pimap_metrics_delays(c, p, last);
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
        p = ngx_slprintf(p, last, "}");
    }

    return ngx_slprintf(p, last, "]}\n");
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

    if (m->kind == NGX_PIMAP_USEC) {
        return ngx_slprintf(p, last, "%uL.%06uL", value / 1000000,
                            value % 1000000);
    }

    return ngx_slprintf(p, last, "%uL", value);
}


static u_char *
ngx_pimap_metrics_delays(ngx_pimap_counters_t *counters, u_char *p,
    u_char *last)
{
    ngx_uint_t  i;

    p = ngx_slprintf(p, last, ",\"deliveryDelay\":{");

    for (i = 0; i < NGX_PIMAP_NDELAYS; i++) {
        p = ngx_slprintf(p, last, "%s\"%s\":%uL", i ? "," : "",
                         ngx_pimap_metrics_limits[i], counters->delays[i]);
    }

    return ngx_slprintf(p, last, ",\"seconds\":%uL.%06uL}",
                        counters->delay_usec / 1000000,
                        counters->delay_usec % 1000000);
}


u_char *
ngx_pimap_metrics_prometheus(ngx_pimap_metrics_t *metrics, u_char *p,
    u_char *last)
{
    ngx_uint_t                 i, k;
    ngx_pimap_slot_t          *slot;
    const ngx_pimap_metric_t  *m;

    m = ngx_pimap_metrics_total;

    for (i = 0; i < NGX_PIMAP_METRICS_TOTAL; i++) {

        if (i == 0 || ngx_strcmp(m[i].name, m[i - 1].name) != 0) {
            p = ngx_pimap_metrics_head(&m[i], p, last);
        }

        p = ngx_slprintf(p, last, "pimap_%s", m[i].name);

        if (m[i].labels) {
            p = ngx_slprintf(p, last, "{%s}", m[i].labels);
        }

        p = ngx_slprintf(p, last, " ");
        p = ngx_pimap_metrics_value(&m[i], &metrics->total, p, last);
        p = ngx_slprintf(p, last, "\n");
    }

    p = ngx_pimap_metrics_histogram(&metrics->total, p, last);

    m = ngx_pimap_metrics_worker;

    for (i = 0; i < NGX_PIMAP_METRICS_WORKER; i++) {

        p = ngx_pimap_metrics_head(&m[i], p, last);

        for (k = 0; k < metrics->nslots; k++) {
            slot = &metrics->slots[k];

            p = ngx_slprintf(p, last, "pimap_%s{worker=\"%i\",pid=\"%P\"} ",
                             m[i].name, slot->worker, slot->pid);
            p = ngx_pimap_metrics_value(&m[i], &slot->counters, p, last);
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
                        m->kind == NGX_PIMAP_COUNTER ? "counter" : "gauge");
}


static u_char *
ngx_pimap_metrics_histogram(ngx_pimap_counters_t *counters, u_char *p,
    u_char *last)
{
    uint64_t    sum;
    ngx_uint_t  i;

    static const char  name[] = "pimap_delivery_delay_seconds";

    p = ngx_slprintf(p, last, "# HELP %s From an event's arrival in the "
                     "worker until all its devices have it.\n"
                     "# TYPE %s histogram\n", name, name);

    sum = 0;

    for (i = 0; i < NGX_PIMAP_NDELAYS; i++) {
        sum += counters->delays[i];
        p = ngx_slprintf(p, last, "%s_bucket{le=\"%s\"} %uL\n", name,
                         ngx_pimap_metrics_limits[i], sum);
    }

    return ngx_slprintf(p, last, "%s_sum %uL.%06uL\n%s_count %uL\n", name,
                        counters->delay_usec / 1000000,
                        counters->delay_usec % 1000000, name, sum);
}
