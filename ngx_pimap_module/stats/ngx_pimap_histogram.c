
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * One table makes both forms, JSON and Prometheus' text format 0.0.4.
 */


#include "ngx_pimap_histogram.h"


#define ngx_pimap_histogram_at(counters, offset)                              \
    ((uint64_t *) ((u_char *) (counters) + (offset)))

#define ngx_pimap_histogram_of(buckets, counts, sum)                          \
    buckets, sizeof(buckets) / sizeof(buckets[0]),                            \
    offsetof(ngx_pimap_counters_t, counts),                                   \
    offsetof(ngx_pimap_counters_t, sum)


static const ngx_pimap_histogram_bucket_t  ngx_pimap_histogram_delays[] = {
    { 1000, "0.001" }, { 5000, "0.005" }, { 25000, "0.025" },
    { 100000, "0.1" }, { 500000, "0.5" }, { 2000000, "2" },
    { UINT64_MAX, "+Inf" }
};

/* Redis' time has milliseconds. */

static const ngx_pimap_histogram_bucket_t  ngx_pimap_histogram_latencies[] = {
    { 2000, "0.002" }, { 5000, "0.005" }, { 10000, "0.01" },
    { 25000, "0.025" }, { 50000, "0.05" }, { 100000, "0.1" },
    { 250000, "0.25" }, { 500000, "0.5" }, { 1000000, "1" },
    { 2500000, "2.5" }, { 10000000, "10" }, { UINT64_MAX, "+Inf" }
};


const ngx_pimap_histogram_t  ngx_pimap_histograms[] = {

    { "deliveryDelay", "pimap_delivery_delay_seconds",
      "From an event's arrival in the worker until all its devices have it",
      ngx_pimap_histogram_of(ngx_pimap_histogram_delays, delays,
                             delay_usec) },

    { "eventLatency", "pimap_event_latency_seconds",
      "From an event's publish in Redis until all devices of the worker have "
      "it",
      ngx_pimap_histogram_of(ngx_pimap_histogram_latencies, latencies,
                             latency_usec) }
};


void
ngx_pimap_histogram_count(ngx_pimap_histogram_kind_t kind, uint64_t usec)
{
    ngx_uint_t                    i;
    const ngx_pimap_histogram_t  *h;

    h = &ngx_pimap_histograms[kind];

    for (i = 0; usec > h->buckets[i].usec; i++) { /* void */ }

    ngx_pimap_histogram_at(ngx_pimap_counters, h->counts)[i]++;
    *ngx_pimap_histogram_at(ngx_pimap_counters, h->sum) += usec;
}


u_char *
ngx_pimap_histogram_json(ngx_pimap_counters_t *counters, u_char *p,
    u_char *last)
{
    uint64_t                     *counts, sum;
    ngx_uint_t                    i, k;
    const ngx_pimap_histogram_t  *h;

    for (k = 0; k < NGX_PIMAP_NHISTOGRAMS; k++) {
        h = &ngx_pimap_histograms[k];
        counts = ngx_pimap_histogram_at(counters, h->counts);
        sum = *ngx_pimap_histogram_at(counters, h->sum);

        p = ngx_slprintf(p, last, ",\"%s\":{", h->key);

        for (i = 0; i < h->n; i++) {
            p = ngx_slprintf(p, last, "\"%s\":%uL,", h->buckets[i].text,
                             counts[i]);
        }

        p = ngx_slprintf(p, last, "\"seconds\":%uL.%06uL}", sum / 1000000,
                         sum % 1000000);
    }

    return p;
}


/* A bucket has those of the smaller ones, too. */

u_char *
ngx_pimap_histogram_prometheus(ngx_pimap_counters_t *counters, u_char *p,
    u_char *last)
{
    uint64_t                     *counts, sum, n;
    ngx_uint_t                    i, k;
    const ngx_pimap_histogram_t  *h;

    for (k = 0; k < NGX_PIMAP_NHISTOGRAMS; k++) {
        h = &ngx_pimap_histograms[k];
        counts = ngx_pimap_histogram_at(counters, h->counts);
        sum = *ngx_pimap_histogram_at(counters, h->sum);

        p = ngx_slprintf(p, last, "# HELP %s %s.\n# TYPE %s histogram\n",
                         h->name, h->help, h->name);

        n = 0;

        for (i = 0; i < h->n; i++) {
            n += counts[i];
            p = ngx_slprintf(p, last, "%s_bucket{le=\"%s\"} %uL\n", h->name,
                             h->buckets[i].text, n);
        }

        p = ngx_slprintf(p, last, "%s_sum %uL.%06uL\n%s_count %uL\n", h->name,
                         sum / 1000000, sum % 1000000, h->name, n);
    }

    return p;
}
