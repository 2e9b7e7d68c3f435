
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the "pimap_publish" location.  Called by nginx as its content handler.
 * Invariant: all events of a body for one account are checked before the first
 * is published.
 */


#include "ngx_pimap_locations.h"
#include "ngx_pimap_publish.h"
#include "ngx_pimap_login.h"
#include "ngx_pimap_http.h"
#include "ngx_pimap_conf.h"
#include "ngx_pimap_zone.h"

#include "pimap_event.h"
#include "pimap_ox.h"


#define NGX_PIMAP_PUBLISH_MAX_KEY  128     /* bytes of Idempotency-Key */


static ngx_int_t ngx_pimap_publish_check(ngx_pimap_publish_request_t *pr,
    const char **problem);
static void ngx_pimap_publish_body_handler(ngx_http_request_t *r);
static ngx_int_t ngx_pimap_publish_body(ngx_http_request_t *r,
    ngx_str_t *body);
static ngx_uint_t ngx_pimap_publish_is_batch(ngx_pimap_publish_request_t *pr);
static ngx_int_t ngx_pimap_publish_events(ngx_pimap_publish_request_t *pr,
    ngx_str_t *body);
static ngx_int_t ngx_pimap_publish_line(ngx_pimap_publish_request_t *pr,
    u_char *data, size_t len, ngx_uint_t line);
static ngx_int_t ngx_pimap_publish_add(ngx_pimap_publish_request_t *pr,
    pimap_event_t *ev);
static ngx_int_t ngx_pimap_publish_ox(ngx_pimap_publish_request_t *pr,
    pimap_event_t *ev);
static ngx_int_t ngx_pimap_publish_invalid(ngx_pimap_publish_request_t *pr,
    ngx_uint_t line, const char *reason);
static ngx_int_t ngx_pimap_publish_refuse(ngx_pimap_publish_request_t *pr,
    ngx_uint_t status, const char *detail);
static ngx_int_t ngx_pimap_publish_send(ngx_pimap_publish_request_t *pr);


ngx_int_t
ngx_pimap_publish_handler(ngx_http_request_t *r)
{
    ngx_int_t                     rc;
    const char                   *problem;
    ngx_pimap_publish_request_t  *pr;

    if (r->method != NGX_HTTP_POST && r->method != NGX_HTTP_PUT) {
        return ngx_pimap_problem_method(r, "POST, PUT");
    }

    pr = ngx_pimap_publish_request_create(r);
    if (pr == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_pimap_publish_check(pr, &problem);

    if (rc != NGX_OK) {
        return ngx_pimap_problem(r, rc, problem);
    }

    ngx_http_set_ctx(r, pr, ngx_pimap_module);

    return ngx_pimap_body_read(r, ngx_pimap_publish_body_handler);
}


/* Before the body is read: NGX_OK, or a status and the problem. */

static ngx_int_t
ngx_pimap_publish_check(ngx_pimap_publish_request_t *pr, const char **problem)
{
    ngx_int_t            rc;
    ngx_http_request_t  *r;

    r = pr->request;

    rc = ngx_pimap_origin(r, problem);

    if (rc == NGX_OK) {
        rc = ngx_pimap_account_name(r, &pr->account, problem);
    }

    if (rc == NGX_OK) {
        rc = ngx_pimap_body_type(r, problem);
    }

    if (rc == NGX_OK) {
        rc = ngx_pimap_publish_format_check(pr, problem);
    }

    if (rc == NGX_OK && ngx_pimap_header(r, "Idempotency-Key", &pr->key)
        && pr->key.len > NGX_PIMAP_PUBLISH_MAX_KEY)
    {
        *problem = "the Idempotency-Key is longer than 128 bytes";
        return NGX_HTTP_BAD_REQUEST;
    }

    return rc;
}


static void
ngx_pimap_publish_body_handler(ngx_http_request_t *r)
{
    ngx_pimap_body_handle(r, ngx_pimap_publish_body);
}


/* NGX_DONE: the request is answered later. */

static ngx_int_t
ngx_pimap_publish_body(ngx_http_request_t *r, ngx_str_t *body)
{
    ngx_int_t                     rc;
    const char                   *problem;
    ngx_pimap_publish_request_t  *pr;

    pr = ngx_http_get_module_ctx(r, ngx_pimap_module);

    rc = ngx_pimap_publish_signature(r, body, &problem);

    if (rc != NGX_OK) {
        return ngx_pimap_problem(r, rc, problem);
    }

    if (pr->mapping) {
        return ngx_pimap_publish_format(pr, body);
    }

    if (ngx_pimap_publish_is_batch(pr)) {
        return ngx_pimap_publish_batch(pr, body);
    }

    rc = ngx_pimap_publish_events(pr, body);

    if (rc == NGX_OK) {
        rc = ngx_pimap_publish_send(pr);
    }

    return rc == NGX_ABORT ? pr->refused : rc;
}


/* The location lets lines name their accounts, and the request names none. */

static ngx_uint_t
ngx_pimap_publish_is_batch(ngx_pimap_publish_request_t *pr)
{
    ngx_pimap_loc_conf_t  *plcf;

    plcf = ngx_http_get_module_loc_conf(pr->request, ngx_pimap_module);

    return plcf->batch && pr->account.len == 0
           && ngx_pimap_body_is(pr->request, "application/x-ndjson");
}


/* All functions below: NGX_ABORT if the request was refused. */

static ngx_int_t
ngx_pimap_publish_events(ngx_pimap_publish_request_t *pr, ngx_str_t *body)
{
    ngx_int_t   rc;
    ngx_str_t   text;
    ngx_uint_t  n;

    if (!ngx_pimap_body_is(pr->request, "application/x-ndjson")) {
        return ngx_pimap_publish_line(pr, body->data, body->len, 0);
    }

    n = 0;

    while (ngx_pimap_body_line(body, &text, &n)) {

        rc = ngx_pimap_publish_line(pr, text.data, text.len, n);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (pr->events.nelts == 0) {
        return ngx_pimap_publish_invalid(pr, 0, "the body has none");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_pimap_publish_line(ngx_pimap_publish_request_t *pr, u_char *data,
    size_t len, ngx_uint_t line)
{
    char                    reason[128];
    ngx_int_t               rc;
    pimap_event_t           ev;
    pimap_event_status_t    status;
    ngx_pimap_main_conf_t  *pmcf;

    pmcf = ngx_http_get_module_main_conf(pr->request, ngx_pimap_module);

    status = pimap_event_parse_json(&ev, (char *) data, len, pmcf->max_event,
                                    reason, sizeof(reason));

    if (status == PIMAP_EVENT_TOO_LARGE) {
        return ngx_pimap_publish_refuse(pr, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                        "an event is larger than "
                                        "\"pimap_max_event\"");
    }

    if (status == PIMAP_EVENT_NO_MEMORY) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (status != PIMAP_EVENT_OK) {
        return ngx_pimap_publish_invalid(pr, line, reason);
    }

    rc = ngx_pimap_publish_add(pr, &ev);

    pimap_event_free(&ev);

    if (rc == NGX_DECLINED) {
        return ngx_pimap_publish_invalid(pr, line,
                                         "the OX payload has invalid members");
    }

    if (rc == NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return rc;
}


/* NGX_DECLINED: an invalid OX payload. */

static ngx_int_t
ngx_pimap_publish_add(ngx_pimap_publish_request_t *pr, pimap_event_t *ev)
{
    ngx_str_t  *s;

    if (pimap_ox_detect(ev)) {
        return ngx_pimap_publish_ox(pr, ev);
    }

    s = ngx_array_push(&pr->events);
    if (s == NULL) {
        return NGX_ERROR;
    }

    s->data = (u_char *) ev->json.data;
    s->len = ev->json.len;

    return NGX_OK;
}


static ngx_int_t
ngx_pimap_publish_ox(ngx_pimap_publish_request_t *pr, pimap_event_t *ev)
{
    char         *text, buf[NGX_PIMAP_ACCOUNT_MAX];
    size_t        len;
    ngx_int_t     rc;
    ngx_str_t    *s, user;
    pimap_str_t   name;
    const char   *problem;

    name = pimap_ox_user(ev, buf, sizeof(buf));

    if (name.data == NULL) {
        return NGX_DECLINED;
    }

    user.data = (u_char *) name.data;
    user.len = name.len;

    /* Dovecot has one URL for all users, so the body names the account */

    if (pr->account.len == 0 || pr->from_body) {
        rc = ngx_pimap_account_name_check(pr->request, &user, &problem);

        if (rc != NGX_OK) {
            return ngx_pimap_publish_refuse(pr, rc, problem);
        }
    }

    if (pr->account.len == 0) {
        if (ngx_pimap_copy(pr->request->pool, &pr->account, user.data,
                           user.len)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        pr->from_body = 1;

    } else if (pr->from_body && !ngx_pimap_equal(&pr->account, &user)) {
        ngx_pimap_count(publish_invalid);
        return ngx_pimap_publish_refuse(pr, NGX_HTTP_BAD_REQUEST,
                                        "the lines are not all "
                                        "for the same user");
    }

    text = pimap_ox_to_event(ev, &len);
    if (text == NULL) {
        return ngx_errno == NGX_ENOMEM ? NGX_ERROR : NGX_DECLINED;
    }

    s = ngx_array_push(&pr->events);
    rc = s ? ngx_pimap_copy(pr->request->pool, s, text, len) : NGX_ERROR;

    free(text);

    return rc;
}


static ngx_int_t
ngx_pimap_publish_invalid(ngx_pimap_publish_request_t *pr, ngx_uint_t line,
    const char *reason)
{
    ngx_pimap_count(publish_invalid);

    pr->refused = ngx_pimap_problem_line(pr->request, NGX_HTTP_BAD_REQUEST,
                                         "event", line, reason);

    return NGX_ABORT;
}


/* ngx_pimap_problem() returns NGX_OK after it has sent the problem. */

static ngx_int_t
ngx_pimap_publish_refuse(ngx_pimap_publish_request_t *pr, ngx_uint_t status,
    const char *detail)
{
    pr->refused = ngx_pimap_problem(pr->request, status, detail);

    return NGX_ABORT;
}


static ngx_int_t
ngx_pimap_publish_send(ngx_pimap_publish_request_t *pr)
{
    ngx_int_t  rc;

    if (pr->account.len == 0) {
        return ngx_pimap_publish_refuse(pr, NGX_HTTP_BAD_REQUEST,
                                        "no account, see \"pimap_account\"");
    }

    rc = ngx_pimap_publish_request_send(pr);

    if (rc == NGX_DECLINED) {
        return ngx_pimap_publish_refuse(pr, NGX_HTTP_SERVICE_UNAVAILABLE,
                                  ngx_pimap_function_library_trouble(
                                      ngx_pimap_node_slot(&pr->account)));
    }

    return rc == NGX_ERROR ? NGX_HTTP_INTERNAL_SERVER_ERROR : rc;
}
