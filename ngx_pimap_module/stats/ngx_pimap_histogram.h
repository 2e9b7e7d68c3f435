
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the histograms of times.  Called by delivery, which counts, and by the
 * metrics.  Invariant: counting is a comparison for each bucket that is too
 * small, and two additions in the worker's own slot.
 */


#ifndef _NGX_PIMAP_HISTOGRAM_H_INCLUDED_
#define _NGX_PIMAP_HISTOGRAM_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_zone.h"


typedef struct {
    uint64_t      usec;                 /* up to this, and this too */
    const char   *text;                 /* the same in seconds */
} ngx_pimap_histogram_bucket_t;

typedef struct {
    const char                          *key;       /* in JSON */
    const char                          *name;      /* of Prometheus */
    const char                          *help;
    const ngx_pimap_histogram_bucket_t  *buckets;
    ngx_uint_t                           n;         /* of these */
    size_t                               counts;    /* in the counters */
    size_t                               sum;
} ngx_pimap_histogram_t;


typedef enum {
    NGX_PIMAP_HISTOGRAM_DELAY = 0,      /* from the worker to its devices */
    NGX_PIMAP_HISTOGRAM_LATENCY,        /* from the publish in Redis on */
    NGX_PIMAP_NHISTOGRAMS
} ngx_pimap_histogram_kind_t;

extern const ngx_pimap_histogram_t  ngx_pimap_histograms[];


void ngx_pimap_histogram_count(ngx_pimap_histogram_kind_t kind, uint64_t usec);

/* All of them.  Write into p, not beyond last; return the text's end. */
u_char *ngx_pimap_histogram_json(ngx_pimap_counters_t *counters, u_char *p,
    u_char *last);
u_char *ngx_pimap_histogram_prometheus(ngx_pimap_counters_t *counters,
    u_char *p, u_char *last);


#endif /* _NGX_PIMAP_HISTOGRAM_H_INCLUDED_ */
