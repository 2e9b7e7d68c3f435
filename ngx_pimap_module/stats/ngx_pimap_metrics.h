
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The counters of the zone as JSON and in Prometheus' format.
 */


#ifndef _NGX_PIMAP_METRICS_H_INCLUDED_
#define _NGX_PIMAP_METRICS_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_zone.h"


typedef struct {
    ngx_pimap_counters_t    total;
    ngx_pimap_slot_t       *slots;      /* of the running workers */
    ngx_uint_t              nslots;
} ngx_pimap_metrics_t;


/* An upper bound of both texts. */
size_t ngx_pimap_metrics_size(ngx_pimap_metrics_t *metrics);

/* Write into p, not beyond last; return the text's end. */
u_char *ngx_pimap_metrics_json(ngx_pimap_metrics_t *metrics, u_char *p,
    u_char *last);
u_char *ngx_pimap_metrics_prometheus(ngx_pimap_metrics_t *metrics, u_char *p,
    u_char *last);


#endif /* _NGX_PIMAP_METRICS_H_INCLUDED_ */
