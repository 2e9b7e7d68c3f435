
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Checks the request, takes a place under the limits, sends the head, and
 * gives the request to a transport.
 */


#include "ngx_pimap_events.h"
#include "ngx_pimap_conf.h"
#include "ngx_pimap_encode.h"
#include "ngx_pimap_filter.h"
#include "ngx_pimap_held.h"
#include "ngx_pimap_identity.h"
#include "ngx_pimap_limit.h"
#include "ngx_pimap_problem.h"
#include "ngx_pimap_query.h"
#include "ngx_pimap_zone.h"


static ngx_int_t ngx_pimap_events_request(ngx_http_request_t *r,
    ngx_pimap_parking_t *parking, ngx_pimap_query_t *query,
    const char **problem);
static ngx_uint_t ngx_pimap_events_ping(ngx_pimap_loc_conf_t *plcf,
    ngx_int_t asked);
static ngx_int_t ngx_pimap_events_admit(ngx_http_request_t *r,
    ngx_pimap_parking_t *parking);
static ngx_int_t ngx_pimap_events_park(ngx_http_request_t *r,
    ngx_pimap_parking_t *parking);
static ngx_int_t ngx_pimap_events_head(ngx_http_request_t *r);
static ngx_int_t ngx_pimap_events_full(ngx_http_request_t *r,
    ngx_pimap_parking_t *parking);
static ngx_int_t ngx_pimap_events_later(ngx_http_request_t *r,
    ngx_msec_t retry);
static ngx_int_t ngx_pimap_events_last(ngx_http_request_t *r,
    ngx_pimap_text_t *text);


ngx_int_t
ngx_pimap_events_handler(ngx_http_request_t *r)
{
    ngx_int_t             rc;
    const char           *problem;
    ngx_pimap_query_t     query;
    ngx_pimap_parking_t   parking;

    if (r->method != NGX_HTTP_GET && r->method != NGX_HTTP_HEAD) {
        return ngx_pimap_problem_method(r, "GET, HEAD");
    }

    /* nginx would read the rest of it instead of looking after the device */

    if (r->headers_in.content_length_n > 0 || r->headers_in.chunked) {
        ngx_pimap_count(refused);
        return ngx_pimap_problem(r, NGX_HTTP_BAD_REQUEST,
                                 "a request to park has no body");
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    ngx_memzero(&parking, sizeof(ngx_pimap_parking_t));

    rc = ngx_pimap_events_request(r, &parking, &query, &problem);

    if (rc == NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (rc != NGX_OK) {
        ngx_pimap_count(refused);
        return ngx_pimap_problem(r, rc, problem);
    }

    if (r->method == NGX_HTTP_HEAD) {
        return ngx_pimap_events_head(r);
    }

    rc = ngx_pimap_filter_create(&parking.filter, query.types,
                                 query.mailboxes, query.events,
                                 r->connection->log);

    if (rc == NGX_DECLINED) {
        ngx_pimap_count(refused);
        return ngx_pimap_problem(r, NGX_HTTP_BAD_REQUEST,
                                 "the names in the filter are too long");
    }

    if (rc != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_pimap_events_admit(r, &parking);

    if (rc != NGX_DONE && parking.filter) {
        ngx_free(parking.filter);
    }

    return rc;
}


static ngx_int_t
ngx_pimap_events_request(ngx_http_request_t *r, ngx_pimap_parking_t *parking,
    ngx_pimap_query_t *query, const char **problem)
{
    ngx_int_t              rc;
    ngx_pimap_loc_conf_t  *plcf;

    plcf = ngx_http_get_module_loc_conf(r, ngx_pimap_module);

    rc = ngx_pimap_identity_account(r, &parking->account, problem);

    if (rc != NGX_OK) {
        return rc;
    }

    if (parking->account.len == 0) {
        *problem = "no account: the request is not logged in";
        return NGX_HTTP_UNAUTHORIZED;
    }

    rc = ngx_pimap_identity_device(r, &parking->device, problem);

    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_pimap_query_parse(r->pool, &r->args, query, problem);

    if (rc != NGX_OK) {
        return rc == NGX_DECLINED ? NGX_HTTP_BAD_REQUEST : rc;
    }

    parking->conf = plcf;
    parking->ping = ngx_pimap_events_ping(plcf, query->ping);
    parking->closeafter = query->closeafter;

    ngx_pimap_held_kind(r, parking);
    ngx_pimap_limit_address(r->connection->sockaddr, parking->address);

    return NGX_OK;
}


static ngx_uint_t
ngx_pimap_events_ping(ngx_pimap_loc_conf_t *plcf, ngx_int_t asked)
{
    if (asked == NGX_CONF_UNSET) {
        return plcf->ping;
    }

    if (asked == 0) {
        return 0;
    }

    asked = ngx_max(asked, plcf->ping_min);

    return ngx_min(asked, plcf->ping_max);
}


static ngx_int_t
ngx_pimap_events_admit(ngx_http_request_t *r, ngx_pimap_parking_t *parking)
{
    ngx_int_t    rc;
    const char  *problem;

    /* what is parked now would miss the drain */

    if (ngx_exiting) {
        ngx_pimap_count(refused);
        return ngx_pimap_events_later(r, parking->conf->retry);
    }

    rc = ngx_pimap_limit_admit(parking, &problem);

    if (rc == NGX_BUSY) {
        ngx_pimap_count(refused);
        return ngx_pimap_events_full(r, parking);
    }

    if (rc == NGX_DECLINED) {
        ngx_pimap_count(refused);
        return ngx_pimap_problem(r, NGX_HTTP_TOO_MANY_REQUESTS, problem);
    }

    rc = ngx_pimap_events_park(r, parking);

    if (rc != NGX_DONE) {
        ngx_pimap_limit_release(&parking->account, &parking->device,
                                parking->address);
    }

    return rc;
}


static ngx_int_t
ngx_pimap_events_park(ngx_http_request_t *r, ngx_pimap_parking_t *parking)
{
    ngx_int_t          rc;
    ngx_pimap_text_t  *hello;

    rc = ngx_pimap_events_head(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    hello = ngx_pimap_encode_hello(parking->conf->retry, r->connection->log);
    if (hello == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_pimap_held_park(r, parking, hello);

    ngx_pimap_text_unref(hello);

    return rc;
}


static ngx_int_t
ngx_pimap_events_head(ngx_http_request_t *r)
{
    r->headers_out.status = NGX_HTTP_OK;
    ngx_str_set(&r->headers_out.content_type, "text/event-stream");
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    ngx_http_clear_content_length(r);
    ngx_http_clear_accept_ranges(r);

    if (ngx_pimap_add_header(r, "Cache-Control", "no-store, no-transform")
        != NGX_OK
        || ngx_pimap_add_header(r, "X-Accel-Buffering", "no") != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_send_header(r);
}


static ngx_int_t
ngx_pimap_events_full(ngx_http_request_t *r, ngx_pimap_parking_t *parking)
{
    ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                  "pimap has too many devices parked, "
                  "\"pimap_max_devices\" is reached");

    return ngx_pimap_events_later(r, ngx_max(parking->conf->retry, 60000));
}


/*
 * A browser never comes back after a 503 (WHATWG HTML, 9.2.3), so it gets a
 * response that says when to come back, and ends.
 */

static ngx_int_t
ngx_pimap_events_later(ngx_http_request_t *r, ngx_msec_t retry)
{
    ngx_int_t          rc;
    ngx_pimap_text_t  *text;

    rc = ngx_pimap_events_head(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    text = ngx_pimap_encode_retry(retry, r->connection->log);
    if (text == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_pimap_events_last(r, text);

    ngx_pimap_text_unref(text);

    return rc;
}


static ngx_int_t
ngx_pimap_events_last(ngx_http_request_t *r, ngx_pimap_text_t *text)
{
    ngx_buf_t    *b;
    ngx_chain_t   out;

    b = ngx_create_temp_buf(r->pool, text->len);
    if (b == NULL) {
        return NGX_ERROR;
    }

    b->last = ngx_cpymem(b->pos, text->data, text->len);
    b->last_buf = 1;
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}
