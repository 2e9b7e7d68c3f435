
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the warnings about settings of nginx outside of "http", which are known
 * when the whole file has been read.  Called once for each configuration.
 */


#include "ngx_pimap_conf.h"


static void ngx_pimap_conf_check_drain(ngx_cycle_t *cycle,
    ngx_pimap_main_conf_t *pmcf);
static void ngx_pimap_conf_check_room(ngx_cycle_t *cycle,
    ngx_pimap_main_conf_t *pmcf);


void
ngx_pimap_conf_check_cycle(ngx_cycle_t *cycle, ngx_pimap_main_conf_t *pmcf)
{
    ngx_pimap_conf_check_drain(cycle, pmcf);
    ngx_pimap_conf_check_room(cycle, pmcf);
}


static void
ngx_pimap_conf_check_drain(ngx_cycle_t *cycle, ngx_pimap_main_conf_t *pmcf)
{
    ngx_core_conf_t  *ccf;

    ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx, ngx_core_module);

    if (ccf->shutdown_timeout == 0 || ccf->shutdown_timeout >= pmcf->drain) {
        return;
    }

    ngx_log_error(NGX_LOG_WARN, cycle->log, 0,
                  "\"worker_shutdown_timeout\" is %Mms, shorter than "
                  "\"pimap_drain\" with %Mms: a reload closes connections "
                  "that are to be told to come back, make it longer",
                  ccf->shutdown_timeout, pmcf->drain);
}


/* A worker needs connections for other things, too, but no number is right. */

static void
ngx_pimap_conf_check_room(ngx_cycle_t *cycle, ngx_pimap_main_conf_t *pmcf)
{
    uint64_t           room;
    ngx_uint_t         workers;
    ngx_core_conf_t   *ccf;
    ngx_event_conf_t  *ecf;

    ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx, ngx_core_module);
    ecf = ngx_event_get_conf(cycle->conf_ctx, ngx_event_core_module);

    workers = ccf->master ? (ngx_uint_t) ccf->worker_processes : 1;
    room = (uint64_t) workers * ecf->connections;

    if (pmcf->max_devices < room) {
        return;
    }

    ngx_log_error(NGX_LOG_WARN, cycle->log, 0,
                  "\"pimap_max_devices\" is %ui, but %ui workers with %ui "
                  "\"worker_connections\" have %uL connections in all: "
                  "devices beyond them are told to come back, raise it",
                  pmcf->max_devices, workers, (ngx_uint_t) ecf->connections,
                  room);
}
