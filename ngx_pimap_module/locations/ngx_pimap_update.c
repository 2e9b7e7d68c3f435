
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the "pimap_update" location.  Called by nginx as its content handler.
 * Invariant: all updates of a body are checked before the first is sent, and
 * Redis takes all or none.
 */


#include "ngx_pimap_locations.h"
#include "ngx_pimap_http.h"
#include "ngx_pimap_conf.h"
#include "ngx_pimap_login.h"
#include "ngx_pimap_command.h"
#include "ngx_pimap_zone.h"

#include "pimap_update.h"


static ngx_int_t ngx_pimap_update_check(ngx_pimap_update_request_t *ur,
    const char **problem);
static ngx_int_t ngx_pimap_update_turn(ngx_pimap_update_request_t *ur);
static void ngx_pimap_update_turn_handler(ngx_event_t *ev);
static void ngx_pimap_update_body_handler(ngx_http_request_t *r);
static ngx_int_t ngx_pimap_update_body(ngx_http_request_t *r,
    ngx_str_t *body);
static ngx_int_t ngx_pimap_update_parse(ngx_pimap_update_request_t *ur,
    ngx_str_t *body);
static ngx_int_t ngx_pimap_update_line(ngx_pimap_update_request_t *ur,
    ngx_str_t *text, ngx_uint_t line);
static ngx_uint_t ngx_pimap_update_allowed(ngx_pimap_update_request_t *ur,
    pimap_update_t *u);
static ngx_int_t ngx_pimap_update_add(ngx_pimap_update_request_t *ur,
    pimap_update_t *u, ngx_uint_t line);
static ngx_int_t ngx_pimap_update_problem(ngx_pimap_update_request_t *ur,
    ngx_uint_t status, ngx_uint_t line, const char *reason);
static ngx_msec_t ngx_pimap_update_wait(ngx_http_request_t *r);


ngx_int_t
ngx_pimap_update_handler(ngx_http_request_t *r)
{
    ngx_int_t                    rc;
    const char                  *problem;
    ngx_pimap_update_request_t  *ur;

    if (r->method != NGX_HTTP_POST) {
        return ngx_pimap_problem_method(r, "POST");
    }

    ur = ngx_pimap_update_request_create(r);
    if (ur == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_pimap_update_check(ur, &problem);

    if (rc != NGX_OK) {
        return ngx_pimap_problem(r, rc, problem);
    }

    ngx_http_set_ctx(r, ur, ngx_pimap_module);

    return ngx_pimap_update_turn(ur);
}


/*
 * An account that sends too much waits before a body is read.  A body of an
 * unknown length may be as long as any.
 */

static ngx_int_t
ngx_pimap_update_turn(ngx_pimap_update_request_t *ur)
{
    off_t                  len;
    ngx_msec_t             wait;
    ngx_http_request_t    *r;
    ngx_pimap_loc_conf_t  *plcf;

    r = ur->request;
    plcf = ngx_http_get_module_loc_conf(r, ngx_pimap_module);

    len = r->headers_in.chunked ? (off_t) plcf->max_body
                                : ngx_max(r->headers_in.content_length_n, 0);

    wait = ngx_pimap_pace_request(&ur->account, (size_t) len,
                                  plcf->update_rate);
    if (wait == 0) {
        return ngx_pimap_body_read(r, ngx_pimap_update_body_handler);
    }

    ur->turn.handler = ngx_pimap_update_turn_handler;
    ur->turn.data = r->connection;
    ur->turn.log = r->connection->log;

    r->read_event_handler = ngx_http_test_reading;
    r->main->count++;

    ngx_add_timer(&ur->turn, wait);

    return NGX_DONE;
}


static void
ngx_pimap_update_turn_handler(ngx_event_t *ev)
{
    ngx_connection_t            *c;
    ngx_http_request_t          *r;
    ngx_pimap_update_request_t  *ur;

    ur = ngx_queue_data(ev, ngx_pimap_update_request_t, turn);
    r = ur->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    ngx_http_finalize_request(r, ngx_pimap_update_turn(ur));
    ngx_http_run_posted_requests(c);
}


/* Before the body is read: NGX_OK, or what a login returns. */

static ngx_int_t
ngx_pimap_update_check(ngx_pimap_update_request_t *ur, const char **problem)
{
    ngx_int_t            rc;
    ngx_pimap_login_t   *login;
    ngx_http_request_t  *r;

    r = ur->request;

    rc = ngx_pimap_origin(r, problem);

    if (rc == NGX_OK) {
        rc = ngx_pimap_identity_login(r, &login, problem);
    }

    if (rc == NGX_OK) {
        ur->account = login->account;
        rc = ngx_pimap_identity_device(r, &ur->device, problem);
    }

    return rc == NGX_OK ? ngx_pimap_body_type(r, problem) : rc;
}


static void
ngx_pimap_update_body_handler(ngx_http_request_t *r)
{
    ngx_pimap_body_handle(r, ngx_pimap_update_body);
}


/* NGX_DONE: the request is answered later. */

static ngx_int_t
ngx_pimap_update_body(ngx_http_request_t *r, ngx_str_t *body)
{
    ngx_int_t                    rc;
    ngx_pimap_update_request_t  *ur;

    ur = ngx_http_get_module_ctx(r, ngx_pimap_module);

    rc = ngx_pimap_update_parse(ur, body);

    if (rc == NGX_OK) {
        return ngx_pimap_update_request_start(ur, ngx_pimap_update_wait(r));
    }

    return rc == NGX_ABORT ? ur->refused : NGX_HTTP_INTERNAL_SERVER_ERROR;
}


/* All functions below: NGX_ABORT if the request was refused. */

static ngx_int_t
ngx_pimap_update_parse(ngx_pimap_update_request_t *ur, ngx_str_t *body)
{
    ngx_int_t   rc;
    ngx_str_t   text;
    ngx_uint_t  n;

    if (!ngx_pimap_body_is(ur->request, "application/x-ndjson")) {
        return ngx_pimap_update_line(ur, body, 0);
    }

    n = 0;

    while (ngx_pimap_body_line(body, &text, &n)) {

        rc = ngx_pimap_update_line(ur, &text, n);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (ur->updates.nelts == 0) {
        return ngx_pimap_update_problem(ur, NGX_HTTP_BAD_REQUEST, 0,
                                        "the body has none");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_pimap_update_line(ngx_pimap_update_request_t *ur, ngx_str_t *text,
    ngx_uint_t line)
{
    char                   reason[128];
    pimap_update_t         u;
    ngx_pimap_loc_conf_t  *plcf;

    plcf = ngx_http_get_module_loc_conf(ur->request, ngx_pimap_module);

    if (ur->updates.nelts == plcf->max_updates) {
        return ngx_pimap_update_problem(ur, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                        line, "more than "
                                        "\"pimap_max_updates\" in a body");
    }

    switch (pimap_update_parse(&u, (char *) text->data, text->len,
                               plcf->max_update, reason, sizeof(reason)))
    {
    case PIMAP_UPDATE_OK:

        if (!ngx_pimap_update_allowed(ur, &u)) {
            return ngx_pimap_update_problem(ur, NGX_HTTP_FORBIDDEN, line,
                                            "the login does not allow it");
        }

        return ngx_pimap_update_add(ur, &u, line);

    case PIMAP_UPDATE_TOO_LARGE:
        return ngx_pimap_update_problem(ur, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                        line, "larger than "
                                        "\"pimap_max_update\"");
    case PIMAP_UPDATE_NO_MEMORY:
        return NGX_ERROR;

    default:
        return ngx_pimap_update_problem(ur, NGX_HTTP_BAD_REQUEST, line,
                                        reason);
    }
}


static ngx_uint_t
ngx_pimap_update_allowed(ngx_pimap_update_request_t *ur, pimap_update_t *u)
{
    ngx_pimap_login_t  *login;

    login = ngx_pimap_login_find(ur->request);

    return pimap_update_allowed(u, (char *) login->updates.data,
                                login->updates.len);
}


/* The same update twice is sent twice: Redis adds it once. */

static ngx_int_t
ngx_pimap_update_add(ngx_pimap_update_request_t *ur, pimap_update_t *u,
    ngx_uint_t line)
{
    ngx_uint_t           i;
    ngx_pimap_update_item_t  *other, *update;

    other = ur->updates.elts;

    for (i = 0; i < ur->updates.nelts; i++) {
        if (ngx_pimap_equal(&other[i].id, &u->id)
            && !ngx_pimap_equal(&other[i].json, &u->json))
        {
            return ngx_pimap_update_problem(ur, NGX_HTTP_BAD_REQUEST, line,
                                            "another line has this id");
        }
    }

    update = ngx_array_push(&ur->updates);
    if (update == NULL) {
        return NGX_ERROR;
    }

    update->line = line;
    update->json.data = (u_char *) u->json.data;
    update->json.len = u->json.len;

    return ngx_pimap_copy(ur->request->pool, &update->id, u->id.data,
                          u->id.len);
}


static ngx_int_t
ngx_pimap_update_problem(ngx_pimap_update_request_t *ur, ngx_uint_t status,
    ngx_uint_t line, const char *reason)
{
    ngx_pimap_count(updates_invalid);

    ur->refused = ngx_pimap_problem_line(ur->request, status, "update", line,
                                         reason);

    return NGX_ABORT;
}


/* Milliseconds; 0: the request does not wait. */

static ngx_msec_t
ngx_pimap_update_wait(ngx_http_request_t *r)
{
    ngx_int_t              wait;
    ngx_pimap_loc_conf_t  *plcf;

    plcf = ngx_http_get_module_loc_conf(r, ngx_pimap_module);

    wait = ngx_pimap_header_prefer_wait(r);

    return wait > 0 ? (ngx_msec_t) ngx_min(wait, plcf->update_wait) * 1000 : 0;
}
