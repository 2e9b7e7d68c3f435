
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Asks Redis two questions before the head of a response: the end of the log,
 * and whether the login is revoked.  Called by events.  Invariant: without an
 * answer in time the device is parked, and gets both later.
 */


#include "ngx_pimap_locations.h"
#include "ngx_pimap_delivery.h"
#include "ngx_pimap_command.h"
#include "ngx_pimap_http.h"


#define NGX_PIMAP_PREFLIGHT_TIME  250   /* msec */


static ngx_int_t ngx_pimap_preflight_start(ngx_pimap_preflight_t *preflight);
static ngx_int_t ngx_pimap_preflight_last_id(
    ngx_pimap_preflight_t *preflight, ngx_str_t *id);
static void ngx_pimap_preflight_superseded(ngx_pimap_preflight_t *preflight,
    ngx_str_t *id);
static void ngx_pimap_preflight_started(void *data, redisReply *reply);
static void ngx_pimap_preflight_revocation(void *data, redisReply *reply);
static void ngx_pimap_preflight_timer_handler(ngx_event_t *ev);
static void ngx_pimap_preflight_done(ngx_pimap_preflight_t *preflight);


ngx_int_t
ngx_pimap_preflight(ngx_pimap_preflight_t *preflight)
{
    if (ngx_pimap_preflight_start(preflight) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (preflight->parking->revocable && !ngx_pimap_revocation_off()) {
        preflight->parking->unproven = 1;
        preflight->revocation = ngx_pimap_revocation_read(
                                               &preflight->parking->account,
                                               ngx_pimap_preflight_revocation,
                                               preflight);
    }

    if (preflight->command == NULL && preflight->revocation == NULL) {
        return NGX_OK;
    }

    preflight->timer.handler = ngx_pimap_preflight_timer_handler;
    preflight->timer.data = preflight->request->connection;
    preflight->timer.log = preflight->request->connection->log;

    /* the time that this turn has taken so far is not the time of Redis */

    ngx_time_update();
    ngx_add_timer(&preflight->timer, NGX_PIMAP_PREFLIGHT_TIME);

    return NGX_AGAIN;
}


/* The device starts after the id of its request, or at the end of the log. */

static ngx_int_t
ngx_pimap_preflight_start(ngx_pimap_preflight_t *preflight)
{
    ngx_int_t             rc;
    ngx_str_t             id;
    pimap_event_start_t  *start;

    start = &preflight->parking->start;

    rc = ngx_pimap_preflight_last_id(preflight, &id);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc == NGX_OK) {
        start->known = 1;

        if (pimap_event_id_parse(&start->id, id.data, id.len)
            != NGX_OK)
        {
            /* maybe an id of another server: no log continues it */

            start->id.epoch = 1;
            start->id.n = 1;
        }

        start->earliest = ngx_pimap_is(&id, "earliest");
        return NGX_OK;
    }

    if (ngx_pimap_cursor_account(&preflight->parking->account, &start->id)
        == NGX_OK)
    {
        start->known = 1;
        return NGX_OK;
    }

    if (ngx_pimap_function_library_state(
                           ngx_pimap_node_slot(&preflight->parking->account))
        == NGX_PIMAP_FUNCTION_LIBRARY_READY)
    {
        preflight->command = ngx_pimap_event_log_last(
                                               &preflight->parking->account,
                                               ngx_pimap_preflight_started,
                                               preflight);
    }

    return NGX_OK;
}


/*
 * A browser can't send the header with its first request, so the query may.
 * The package event-source-polyfill has a name of its own for the parameter,
 * and adds it to a query when it comes back, so that this id is the newer one.
 * NGX_DECLINED: there is no id.  NGX_ERROR: no memory.
 */

static ngx_int_t
ngx_pimap_preflight_last_id(ngx_pimap_preflight_t *preflight, ngx_str_t *id)
{
    ngx_int_t            rc;
    ngx_http_request_t  *r;

    r = preflight->request;

    if (ngx_pimap_header(r, "Last-Event-ID", id) && id->len) {
        ngx_pimap_preflight_superseded(preflight, id);
        return NGX_OK;
    }

    rc = ngx_pimap_query_arg(r->pool, &r->args, "lastEventId", id);

    if (rc == NGX_OK && id->len) {
        ngx_pimap_preflight_superseded(preflight, id);

    } else if (rc == NGX_OK) {
        rc = ngx_pimap_query_arg(r->pool, &r->args, "last-event-id", id);

        if (rc == NGX_OK) {
            (void) ngx_pimap_superseded_id_strip(id);
        }
    }

    /* no log continues it, as any other text that is no id */

    if (rc == NGX_DECLINED) {
        ngx_str_set(id, "invalid percent-encoding");
        return NGX_OK;
    }

    return rc == NGX_OK && id->len == 0 ? NGX_DECLINED : rc;
}


/* Such an id is sent by an EventSource that comes back by itself. */

static void
ngx_pimap_preflight_superseded(ngx_pimap_preflight_t *preflight,
    ngx_str_t *id)
{
    ngx_uint_t  recent;

    recent = ngx_pimap_superseded_id_strip(id);

    preflight->parking->superseded =
        (recent && preflight->parking->format == NGX_PIMAP_FORMAT_SSE);
}


static void
ngx_pimap_preflight_started(void *data, redisReply *reply)
{
    pimap_event_start_t    *start;
    ngx_pimap_preflight_t  *preflight;

    preflight = data;
    preflight->command = NULL;

    start = &preflight->parking->start;

    if (reply
        && ngx_pimap_event_log_id(reply, &start->id) == NGX_OK) {
        start->known = 1;

        if (start->id.epoch == 0) {
            ngx_pimap_spelling_parked(&preflight->parking->account);
        }
    }

    if (preflight->revocation == NULL) {
        ngx_pimap_preflight_done(preflight);
    }
}


static void
ngx_pimap_preflight_revocation(void *data, redisReply *reply)
{
    time_t                     time;
    ngx_pimap_preflight_t     *preflight;
    ngx_pimap_park_request_t  *parking;

    preflight = data;
    preflight->revocation = NULL;

    parking = preflight->parking;

    if (ngx_pimap_revocation_time(reply, &parking->device, &time) == NGX_OK) {
        parking->unproven = 0;
    }

    preflight->revoked = ((time_t) parking->issued <= time);

    if (preflight->command == NULL) {
        ngx_pimap_preflight_done(preflight);
    }
}


static void
ngx_pimap_preflight_timer_handler(ngx_event_t *ev)
{
    ngx_pimap_preflight_done(ngx_queue_data(ev, ngx_pimap_preflight_t,
                                            timer));
}


static void
ngx_pimap_preflight_done(ngx_pimap_preflight_t *preflight)
{
    ngx_pimap_preflight_forget(preflight);

    preflight->handler(preflight->data);
}


void
ngx_pimap_preflight_forget(void *data)
{
    ngx_pimap_preflight_t  *preflight = data;

    if (preflight->command) {
        ngx_pimap_command_forget(preflight->command);
        preflight->command = NULL;
    }

    if (preflight->revocation) {
        ngx_pimap_command_forget(preflight->revocation);
        preflight->revocation = NULL;
    }

    if (preflight->timer.timer_set) {
        ngx_del_timer(&preflight->timer);
    }
}
