
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The device is parked in any case: it may learn its place later, and the end
 * of its login.
 */


#include "ngx_pimap_preflight.h"
#include "ngx_pimap_function_library.h"
#include "ngx_pimap_event_log.h"
#include "ngx_pimap_header.h"
#include "ngx_pimap_query.h"
#include "ngx_pimap_cursor.h"
#include "ngx_pimap_revocation.h"


#define NGX_PIMAP_PREFLIGHT_TIME   250        /* msec, for Redis before the head */


static void ngx_pimap_preflight_place(ngx_pimap_preflight_t *ask);
static ngx_uint_t ngx_pimap_preflight_last_id(ngx_http_request_t *r,
    ngx_str_t *id);
static void ngx_pimap_preflight_started(void *data, redisReply *reply);
static void ngx_pimap_preflight_revocation(void *data, redisReply *reply);
static void ngx_pimap_preflight_timer_handler(ngx_event_t *ev);
static void ngx_pimap_preflight_done(ngx_pimap_preflight_t *ask);


ngx_int_t
ngx_pimap_preflight(ngx_pimap_preflight_t *ask)
{
    ngx_pimap_preflight_place(ask);

    if (ask->parking->revocable) {
        ask->revocation = ngx_pimap_revocation_read(&ask->parking->account,
                                                ngx_pimap_preflight_revocation,
                                                ask);
    }

    if (ask->command == NULL && ask->revocation == NULL) {
        return NGX_OK;
    }

    ask->timer.handler = ngx_pimap_preflight_timer_handler;
    ask->timer.data = ask->request->connection;
    ask->timer.log = ask->request->connection->log;

    ngx_http_set_ctx(ask->request, ask, ngx_pimap_module);

    /* what this turn of the worker has taken up to now is not Redis' time */

    ngx_time_update();
    ngx_add_timer(&ask->timer, NGX_PIMAP_PREFLIGHT_TIME);

    return NGX_AGAIN;
}


/* It goes on after the id that it brings, or at the log's end. */

static void
ngx_pimap_preflight_place(ngx_pimap_preflight_t *ask)
{
    ngx_str_t           id;
    pimap_event_start_t  *start;

    start = &ask->parking->start;

    if (ngx_pimap_preflight_last_id(ask->request, &id)) {
        start->known = 1;

        if (pimap_event_id_parse(&start->id, id.data, id.len)
            != NGX_OK)
        {
            /* of another server, maybe: no log goes on from there */

            start->id.epoch = 1;
            start->id.n = 1;
        }

        start->earliest = (id.len == 8
                           && ngx_strncmp(id.data, "earliest", 8) == 0);
        return;
    }

    if (ngx_pimap_cursor_account(&ask->parking->account, &start->id)
        == NGX_OK)
    {
        start->known = 1;
        return;
    }

    if (ngx_pimap_function_library_state() == NGX_PIMAP_FUNCTION_LIBRARY_READY) {
        ask->command = ngx_pimap_event_log_last(&ask->parking->account,
                                        ngx_pimap_preflight_started, ask);
    }
}


/* A browser can't send the header with its first request: the query may. */

static ngx_uint_t
ngx_pimap_preflight_last_id(ngx_http_request_t *r, ngx_str_t *id)
{
    if (ngx_pimap_header(r, "Last-Event-ID", id) && id->len) {
        return 1;
    }

    return ngx_pimap_query_arg(r->pool, &r->args, "last-event-id", id)
           == NGX_OK
           && id->len;
}


static void
ngx_pimap_preflight_started(void *data, redisReply *reply)
{
    pimap_event_start_t      *start;
    ngx_pimap_preflight_t  *ask;

    ask = data;
    ask->command = NULL;

    start = &ask->parking->start;

    if (reply
        && ngx_pimap_event_log_id(reply, &start->id) == NGX_OK) {
        start->known = 1;
    }

    if (ask->revocation == NULL) {
        ngx_pimap_preflight_done(ask);
    }
}


static void
ngx_pimap_preflight_revocation(void *data, redisReply *reply)
{
    ngx_pimap_preflight_t  *ask;

    ask = data;
    ask->revocation = NULL;

    if (reply) {
        ask->revoked = ((time_t) ask->parking->issued
                      <= ngx_pimap_revocation_time(reply, &ask->parking->device));
    }

    if (ask->command == NULL) {
        ngx_pimap_preflight_done(ask);
    }
}


static void
ngx_pimap_preflight_timer_handler(ngx_event_t *ev)
{
    ngx_connection_t       *c;
    ngx_pimap_preflight_t  *ask;

    c = ev->data;
    ask = ngx_http_get_module_ctx((ngx_http_request_t *) c->data,
                                ngx_pimap_module);

    ngx_pimap_preflight_forget(ask);
    ngx_pimap_preflight_done(ask);
}


static void
ngx_pimap_preflight_done(ngx_pimap_preflight_t *ask)
{
    ngx_pimap_preflight_forget(ask);

    ask->handler(ask->data);
}


void
ngx_pimap_preflight_forget(ngx_pimap_preflight_t *ask)
{
    if (ask->command) {
        ngx_pimap_command_forget(ask->command);
        ask->command = NULL;
    }

    if (ask->revocation) {
        ngx_pimap_command_forget(ask->revocation);
        ask->revocation = NULL;
    }

    if (ask->timer.timer_set) {
        ngx_del_timer(&ask->timer);
    }
}
