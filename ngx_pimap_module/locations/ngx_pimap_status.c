
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
    size_t                  size;
    ngx_int_t               rc;
    ngx_str_t               body, arg;
    ngx_uint_t              prometheus;
    ngx_pimap_metrics_t     metrics;
    ngx_pimap_main_conf_t  *pmcf;

    if (r->method != NGX_HTTP_GET && r->method != NGX_HTTP_HEAD) {
        return ngx_pimap_problem_method(r, "GET, HEAD");
    }

    metrics.slots = ngx_palloc(r->pool, NGX_PIMAP_ZONE_SLOTS
                                        * sizeof(ngx_pimap_slot_t));
    if (metrics.slots == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    pmcf = ngx_http_get_module_main_conf(r, ngx_pimap_module);

    ngx_pimap_zone_read(&metrics.total, metrics.slots, &metrics.nslots,
                        pmcf->redis.timeout);

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
    u_char             detail[192 + NGX_PIMAP_ZONE_REASON], *p, *last;
    ngx_uint_t         i;
    ngx_pimap_slot_t  *slot;

    static ngx_str_t  body = ngx_string("{\"ready\":true}\n");

    for (i = 0; i < metrics->nslots; i++) {
        slot = &metrics->slots[i];

        if (slot->counters.ready) {
            continue;
        }

        last = detail + sizeof(detail) - 1;

        p = ngx_slprintf(detail, last, "worker %i (pid %P) can't deliver",
                         slot->worker, slot->pid);

        if (slot->counters.proved) {
            p = ngx_slprintf(p, last, " for %uL s",
                             slot->counters.stale_usec / 1000000);
        }

        *ngx_slprintf(p, last, ": %s%s",
                      slot->reason[0] ? "Redis is away: "
                      : slot->counters.redis_up
                      ? "it hangs, or Redis does not answer it"
                      : "it has not reached Redis yet", slot->reason) = '\0';

        return ngx_pimap_problem(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                 (char *) detail);
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
