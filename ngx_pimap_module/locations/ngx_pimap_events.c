
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the "pimap_events" location.  Called by nginx as its content handler.
 * Invariant: a request goes in this order: login, query, preflight, limits,
 * head, transport.
 */


#include "ngx_pimap_locations.h"
#include "ngx_pimap_http.h"
#include "ngx_pimap_conf.h"
#include "ngx_pimap_device_room.h"
#include "ngx_pimap_encode.h"
#include "ngx_pimap_heap.h"
#include "ngx_pimap_park_request.h"
#include "ngx_pimap_login.h"
#include "ngx_pimap_transport.h"
#include "ngx_pimap_zone.h"


/* Lives in the request's pool, ends with it. */
typedef struct {
    ngx_http_request_t        *request;
    ngx_pimap_park_request_t   parking;
    ngx_pimap_query_t          query;
    ngx_pimap_preflight_t      preflight;
} ngx_pimap_events_t;


static ngx_int_t ngx_pimap_events_method(ngx_http_request_t *r);
static ngx_int_t ngx_pimap_events_request(ngx_http_request_t *r,
    ngx_pimap_park_request_t *parking, ngx_pimap_query_t *query,
    const char **problem);
static void ngx_pimap_events_resume(void *data);
static ngx_int_t ngx_pimap_events_go_on(ngx_pimap_events_t *e);
static ngx_int_t ngx_pimap_events_login(ngx_http_request_t *r,
    ngx_pimap_park_request_t *parking, const char **problem);
static ngx_int_t ngx_pimap_events_upgrade(ngx_http_request_t *r,
    ngx_pimap_park_request_t *parking, const char **problem);
static ngx_uint_t ngx_pimap_events_ping(ngx_pimap_loc_conf_t *plcf,
    ngx_int_t wanted);
static ngx_int_t ngx_pimap_events_admit(ngx_http_request_t *r,
    ngx_pimap_park_request_t *parking);
static ngx_int_t ngx_pimap_events_park(ngx_http_request_t *r,
    ngx_pimap_park_request_t *parking);


ngx_int_t
ngx_pimap_events_handler(ngx_http_request_t *r)
{
    ngx_int_t            rc;
    const char          *problem;
    ngx_pool_cleanup_t  *cln;
    ngx_pimap_events_t  *e;

    /* its response is a part of another one, or none */

    if (r != r->main) {
        ngx_pimap_count(refused);
        return ngx_pimap_problem(r, NGX_HTTP_FORBIDDEN,
                                 "a subrequest can't park");
    }

    rc = ngx_pimap_events_method(r);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_pimap_events_t));
    if (cln == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    e = cln->data;
    ngx_memzero(e, sizeof(ngx_pimap_events_t));

    e->request = r;
    cln->handler = ngx_pimap_preflight_forget;
    cln->data = &e->preflight;

    rc = ngx_pimap_events_request(r, &e->parking, &e->query, &problem);

    if (rc != NGX_OK) {
        ngx_pimap_count(refused);
        return ngx_pimap_problem(r, rc, problem);
    }

    e->preflight.request = r;
    e->preflight.parking = &e->parking;
    e->preflight.handler = ngx_pimap_events_resume;
    e->preflight.data = e;

    rc = ngx_pimap_preflight(&e->preflight);

    if (rc != NGX_AGAIN) {
        return rc == NGX_OK ? ngx_pimap_events_go_on(e) : rc;
    }

    r->read_event_handler = ngx_http_test_reading;
    r->main->count++;

    return NGX_DONE;
}


/* NGX_DECLINED: go on.  Else what a content handler returns. */

static ngx_int_t
ngx_pimap_events_method(ngx_http_request_t *r)
{
    ngx_int_t  rc;

    if (r->method == NGX_HTTP_POST) {
        return NGX_DECLINED;
    }

    if (r->method != NGX_HTTP_GET && r->method != NGX_HTTP_HEAD) {
        return ngx_pimap_problem_method(r, "GET, HEAD, POST");
    }

    /* nginx would read the rest of it, and not see the device leave */

    if (r->headers_in.content_length_n > 0 || r->headers_in.chunked) {
        ngx_pimap_count(refused);
        return ngx_pimap_problem(r, NGX_HTTP_BAD_REQUEST,
                                 "only a POST to park may have a body");
    }

    rc = ngx_http_discard_request_body(r);

    return rc == NGX_OK ? NGX_DECLINED : rc;
}


static void
ngx_pimap_events_resume(void *data)
{
    ngx_pimap_events_t  *e = data;

    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = e->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    ngx_http_finalize_request(r, ngx_pimap_events_go_on(e));

    ngx_http_run_posted_requests(c);
}


static ngx_int_t
ngx_pimap_events_go_on(ngx_pimap_events_t *e)
{
    ngx_int_t                  rc;
    ngx_http_request_t        *r;
    ngx_pimap_park_request_t  *parking;

    r = e->request;
    parking = &e->parking;

    if (e->preflight.revoked) {
        ngx_pimap_count(refused);
        return ngx_pimap_login_revoked(r);
    }

    if (parking->superseded) {
        ngx_pimap_count(refused);
        return ngx_pimap_response_head_away(r);
    }

    if (r->method == NGX_HTTP_HEAD) {
        return ngx_pimap_response_head(r, parking);
    }

    rc = ngx_pimap_filter_create(&parking->filter, e->query.types,
                                 e->query.mailboxes, e->query.collections,
                                 e->query.events, r->connection->log);

    if (rc == NGX_DECLINED) {
        ngx_pimap_count(refused);
        return ngx_pimap_problem(r, NGX_HTTP_BAD_REQUEST,
                                 "the filter is too long, use fewer names");
    }

    if (rc != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_pimap_events_admit(r, parking);

    if (rc != NGX_DONE && parking->filter) {
        ngx_pimap_heap_record_free(parking->filter);
    }

    return rc;
}


static ngx_int_t
ngx_pimap_events_request(ngx_http_request_t *r,
    ngx_pimap_park_request_t *parking, ngx_pimap_query_t *query,
    const char **problem)
{
    ngx_int_t              rc;
    ngx_pimap_loc_conf_t  *plcf;

    plcf = ngx_http_get_module_loc_conf(r, ngx_pimap_module);

    rc = ngx_pimap_events_login(r, parking, problem);

    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_pimap_identity_device(r, &parking->device, problem);

    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_pimap_query_parse(r->pool, &r->args, query, problem);

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_HTTP_BAD_REQUEST : rc;
    }

    query->types &= ngx_pimap_login_find(r)->types;

    if (query->types == 0) {
        *problem = "the token allows none of these types";
        return NGX_HTTP_FORBIDDEN;
    }

    parking->conf = plcf;
    parking->since = ngx_pimap_supersede_time();
    parking->ping = ngx_pimap_events_ping(plcf, query->ping);
    parking->closeafter = query->closeafter;
    parking->format = query->format == NGX_CONF_UNSET
                      ? ngx_pimap_accept_format(r)
                      : (ngx_pimap_format_t) query->format;
    parking->wait = ngx_pimap_poll_wait(plcf, query->wait);

    if (ngx_pimap_accept_coding(r, &parking->coding) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_pimap_request_kind(r, parking);
    ngx_pimap_limit_address(r->connection->sockaddr, parking->address);

    if (r->method == NGX_HTTP_POST) {
        rc = ngx_pimap_origin(r, problem);

        return rc == NGX_OK ? ngx_pimap_request_body_check(r, parking, problem)
                            : rc;
    }

    return ngx_pimap_events_upgrade(r, parking, problem);
}


static ngx_int_t
ngx_pimap_events_upgrade(ngx_http_request_t *r,
    ngx_pimap_park_request_t *parking, const char **problem)
{
    ngx_int_t    rc;
    const char  *extensions;

    if (!ngx_pimap_websocket_handshake_wanted(r)) {
        return NGX_OK;
    }

    rc = ngx_pimap_websocket_handshake_check(r, problem);

    if (rc != NGX_OK) {
        return rc;
    }

    parking->format = NGX_PIMAP_FORMAT_WEBSOCKET;

    extensions = ngx_pimap_websocket_handshake_deflate(r);

    if (extensions) {

        rc = ngx_pimap_accept_compression(r);

        if (rc == NGX_ERROR) {
            return rc;
        }

        if (rc == NGX_OK) {
            parking->format = NGX_PIMAP_FORMAT_WEBSOCKET_DEFLATE;
            parking->extensions = extensions;
        }
    }

    parking->input = NGX_PIMAP_INPUT_WEBSOCKET;
    parking->coding = NGX_PIMAP_IDENTITY;

    /* the connection leaves HTTP */

    r->keepalive = 0;
    r->lingering_close = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_pimap_events_login(ngx_http_request_t *r,
    ngx_pimap_park_request_t *parking, const char **problem)
{
    ngx_int_t              rc;
    ngx_pimap_login_t     *login;
    ngx_pimap_loc_conf_t  *plcf;

    plcf = ngx_http_get_module_loc_conf(r, ngx_pimap_module);

    rc = ngx_pimap_identity_login(r, &login, problem);

    if (rc != NGX_OK) {
        return rc;
    }

    parking->account = login->account;
    parking->issued = login->issued;
    parking->revocable = login->token;
    parking->updates = login->updates;
    parking->expires = ngx_pimap_login_end(login, plcf->token_leeway);

    return NGX_OK;
}


static ngx_uint_t
ngx_pimap_events_ping(ngx_pimap_loc_conf_t *plcf, ngx_int_t wanted)
{
    if (wanted == NGX_CONF_UNSET) {
        return plcf->ping;
    }

    if (wanted == 0) {
        return 0;
    }

    wanted = ngx_max(wanted, plcf->ping_min);

    return ngx_min(wanted, plcf->ping_max);
}


static ngx_int_t
ngx_pimap_events_admit(ngx_http_request_t *r,
    ngx_pimap_park_request_t *parking)
{
    ngx_int_t    rc;
    const char  *problem;

    /* a device that is parked now would miss the drain */

    if (ngx_exiting) {
        ngx_pimap_count(refused);
        return ngx_pimap_response_head_later(r, parking, parking->conf->retry);
    }

    rc = ngx_pimap_limit_admit(parking, r->connection->log, &problem);

    if (rc == NGX_BUSY) {
        ngx_pimap_count(refused);

        return ngx_pimap_response_head_later(r, parking,
                                        ngx_max(parking->conf->retry, 60000));
    }

    if (rc == NGX_DECLINED) {
        ngx_pimap_count(refused);
        return ngx_pimap_problem(r, NGX_HTTP_TOO_MANY_REQUESTS, problem);
    }

    rc = ngx_pimap_events_park(r, parking);

    if (rc != NGX_DONE) {
        ngx_pimap_limit_release(&parking->account, &parking->device,
                                parking->address, parking->counted);
    }

    return rc;
}


static ngx_int_t
ngx_pimap_events_park(ngx_http_request_t *r, ngx_pimap_park_request_t *parking)
{
    ngx_int_t             rc;
    ngx_pimap_message_t  *hello;

    if (parking->conf->tls_padding) {
        ngx_pimap_tls_padding_start(r->connection, parking->conf->tls_padding);
    }

    if (parking->format == NGX_PIMAP_FORMAT_JSON) {
        return ngx_pimap_poll_park(r, parking);
    }

    if (r->method == NGX_HTTP_POST) {
        rc = ngx_pimap_request_body_begin(r, parking);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    rc = ngx_pimap_response_head(r, parking);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    /* a device that leaves before the first event can come back, too */

    hello = ngx_pimap_encode(parking->format, NGX_PIMAP_CONTROL_PARKED,
                             parking->conf->retry,
                             parking->start.known ? &parking->start.id
                                                  : NULL,
                             r->connection->log);
    if (hello == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_pimap_request_park(r, parking, hello);

    ngx_pimap_message_unref(hello);

    return rc;
}
