
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the "pimap_status" location.  Called by nginx as its content handler.
 * Invariant: the format is JSON, or Prometheus' by "Accept: text/plain" or
 * "?format=prometheus".  "?ready" is for load balancers: 200 or 503.
 */


#include "ngx_pimap_locations.h"
#include "ngx_pimap_http.h"
#include "ngx_pimap_metrics.h"


static ngx_int_t ngx_pimap_status_ready(ngx_http_request_t *r,
    ngx_pimap_metrics_t *metrics);
static ngx_int_t ngx_pimap_status_format(ngx_http_request_t *r,
    ngx_uint_t *prometheus);
static ngx_uint_t ngx_pimap_status_accepts_text(ngx_http_request_t *r);


ngx_int_t
ngx_pimap_status_handler(ngx_http_request_t *r)
{
    size_t               size;
    ngx_int_t            rc;
    ngx_str_t            body, arg;
    ngx_uint_t           prometheus;
    ngx_pimap_metrics_t  metrics;

    if (r->method != NGX_HTTP_GET && r->method != NGX_HTTP_HEAD) {
        return ngx_pimap_problem_method(r, "GET, HEAD");
    }

    metrics.slots = ngx_palloc(r->pool, NGX_PIMAP_ZONE_SLOTS
                                        * sizeof(ngx_pimap_slot_t));
    if (metrics.slots == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_pimap_zone_read(&metrics.total, metrics.slots, &metrics.nslots);

    if (ngx_pimap_query_arg(r->pool, &r->args, "ready", &arg) == NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (arg.data) {
        return ngx_pimap_status_ready(r, &metrics);
    }

    rc = ngx_pimap_status_format(r, &prometheus);

    if (rc == NGX_DECLINED) {
        return ngx_pimap_problem(r, NGX_HTTP_BAD_REQUEST,
                                 "\"format\" must be \"json\" "
                                 "or \"prometheus\"");
    }

    if (rc != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    size = ngx_pimap_metrics_size(&metrics);

    body.data = ngx_pnalloc(r->pool, size);
    if (body.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    body.len = (prometheus ? ngx_pimap_metrics_prometheus
                           : ngx_pimap_metrics_json)
               (&metrics, body.data, body.data + size) - body.data;

    return ngx_pimap_answer(r, NGX_HTTP_OK,
                            prometheus ? "text/plain; version=0.0.4"
                                       : "application/json",
                            &body);
}


static ngx_int_t
ngx_pimap_status_ready(ngx_http_request_t *r, ngx_pimap_metrics_t *metrics)
{
    ngx_uint_t  i;
    static ngx_str_t  body = ngx_string("{\"ready\":true}\n");

    for (i = 0; i < metrics->nslots; i++) {
        if (!metrics->slots[i].counters.ready) {
            return ngx_pimap_problem(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                     "a worker can't deliver: Redis is away "
                                     "or a probe was lost");
        }
    }

    return ngx_pimap_answer(r, NGX_HTTP_OK, "application/json", &body);
}


/* NGX_DECLINED: unknown format. */

static ngx_int_t
ngx_pimap_status_format(ngx_http_request_t *r, ngx_uint_t *prometheus)
{
    ngx_int_t  rc;
    ngx_str_t  format;

    *prometheus = 0;

    rc = ngx_pimap_query_arg(r->pool, &r->args, "format", &format);

    if (rc != NGX_OK) {
        return rc;
    }

    if (format.data == NULL) {
        *prometheus = ngx_pimap_status_accepts_text(r);
        return NGX_OK;
    }

    *prometheus = ngx_pimap_is(&format, "prometheus");

    return *prometheus || ngx_pimap_is(&format, "json") ? NGX_OK
                                                        : NGX_DECLINED;
}


/* JSON if the client accepts both alike, as some clients always do. */

static ngx_uint_t
ngx_pimap_status_accepts_text(ngx_http_request_t *r)
{
    ngx_str_t  accept;

    return ngx_pimap_header(r, "Accept", &accept)
           && ngx_pimap_accept(&accept, "text/plain")
              > ngx_pimap_accept(&accept, "application/json");
}
