
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the state of a request with updates.  Called by update, by Redis and by
 * the waiter.  Invariant: the request is answered exactly once, and not before
 * Redis has decided on its updates.
 */


#include "ngx_pimap_locations.h"
#include "ngx_pimap_login.h"
#include "ngx_pimap_http.h"
#include "ngx_pimap_command.h"
#include "ngx_pimap_zone.h"


#define ngx_pimap_update_request(w)                                          \
    ngx_queue_data(w, ngx_pimap_update_request_t, waiter)


static ngx_int_t ngx_pimap_update_request_begin(
    ngx_pimap_update_request_t *ur, const char **reason);
static void ngx_pimap_update_request_checked(void *data, redisReply *reply);
static ngx_int_t ngx_pimap_update_request_failed(
    ngx_pimap_update_request_t *ur, const char *reason);
static ngx_int_t ngx_pimap_update_request_send(
    ngx_pimap_update_request_t *ur, const char **reason);
static void ngx_pimap_update_request_replied(void *data, redisReply *reply);
static ngx_int_t ngx_pimap_update_request_decided(
    ngx_pimap_update_request_t *ur, redisReply *reply);
static void ngx_pimap_update_request_results(ngx_pimap_update_request_t *ur,
    redisReply *reply);
static void ngx_pimap_update_request_set(ngx_pimap_update_request_t *ur,
    ngx_uint_t i, const char *data, size_t len);
static void ngx_pimap_update_request_result(ngx_pimap_waiter_t *w,
    pimap_event_t *ev);
static void ngx_pimap_update_request_subscribed(ngx_pimap_waiter_t *w);
static void ngx_pimap_update_request_over(ngx_pimap_waiter_t *w);
static void ngx_pimap_update_request_end(ngx_pimap_update_request_t *ur,
    ngx_int_t rc);
static ngx_int_t ngx_pimap_update_request_answer(
    ngx_pimap_update_request_t *ur);
static ngx_int_t ngx_pimap_update_request_applied(
    ngx_pimap_update_request_t *ur);
static ngx_int_t ngx_pimap_update_request_body(
    ngx_pimap_update_request_t *ur, ngx_str_t *body);
static void ngx_pimap_update_request_cleanup(void *data);


ngx_pimap_update_request_t *
ngx_pimap_update_request_create(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t          *cln;
    ngx_pimap_update_request_t  *ur;

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_pimap_update_request_t));
    if (cln == NULL) {
        return NULL;
    }

    ur = cln->data;
    ngx_memzero(ur, sizeof(ngx_pimap_update_request_t));

    ur->request = r;
    cln->handler = ngx_pimap_update_request_cleanup;

    if (ngx_array_init(&ur->updates, r->pool, 1,
                       sizeof(ngx_pimap_update_item_t))
        != NGX_OK)
    {
        return NULL;
    }

    return ur;
}


ngx_int_t
ngx_pimap_update_request_start(ngx_pimap_update_request_t *ur,
    ngx_msec_t wait)
{
    const char          *reason;
    ngx_http_request_t  *r;

    r = ur->request;

    ur->missing = ur->updates.nelts;
    ur->results = ngx_pcalloc(r->pool, ur->missing * sizeof(ngx_str_t));

    if (ur->results == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ur->waiter.device = &ur->device;
    ur->waiter.result = ngx_pimap_update_request_result;
    ur->waiter.subscribed = ngx_pimap_update_request_subscribed;
    ur->waiter.over = ngx_pimap_update_request_over;

    if (wait && ngx_pimap_update_waiter(&ur->waiter, &ur->account, wait,
                                        r->connection->log)
                == NGX_OK)
    {
        ur->wait = wait / 1000;
    }

    if (ngx_pimap_update_request_begin(ur, &reason) != NGX_OK) {
        ngx_pimap_update_waiter_forget(&ur->waiter);

        return ngx_pimap_update_request_failed(ur, reason);
    }

    r->connection->log->action = "waiting for the results of updates";
    r->read_event_handler = ngx_http_test_reading;

    return NGX_DONE;
}


/* Only a token or a ticket can be revoked. */

static ngx_int_t
ngx_pimap_update_request_begin(ngx_pimap_update_request_t *ur,
    const char **reason)
{
    if (!ngx_pimap_login_find(ur->request)->token) {
        return ngx_pimap_update_request_send(ur, reason);
    }

    ur->command = ngx_pimap_revocation_read(&ur->account,
                                        ngx_pimap_update_request_checked, ur);

    if (ur->command == NULL) {
        *reason = ngx_pimap_command_trouble(
                                          ngx_pimap_node_slot(&ur->account));
        return NGX_DECLINED;
    }

    return NGX_OK;
}


static void
ngx_pimap_update_request_checked(void *data, redisReply *reply)
{
    time_t                       issued, time;
    ngx_int_t                    rc;
    const char                  *reason;
    ngx_pimap_update_request_t  *ur = data;

    ur->command = NULL;
    reason = "Redis has not said whether the login is revoked";

    issued = ngx_pimap_login_find(ur->request)->issued;

    rc = ngx_pimap_revocation_time(reply, &ur->device, &time);

    if (issued <= time) {
        ngx_pimap_update_request_end(ur, ngx_pimap_login_revoked(ur->request));
        return;
    }

    if (rc != NGX_OK) {
        ngx_pimap_update_request_end(ur, ngx_pimap_update_request_failed(ur,
                                                                     reason));
        return;
    }

    if (ngx_pimap_update_request_send(ur, &reason) != NGX_OK) {
        ngx_pimap_update_request_end(ur, ngx_pimap_update_request_failed(ur,
                                                                     reason));
    }
}


/* Nothing has been sent. */

static ngx_int_t
ngx_pimap_update_request_failed(ngx_pimap_update_request_t *ur,
    const char *reason)
{
    ngx_pimap_count(updates_failed);

    return ngx_pimap_problem(ur->request, NGX_HTTP_SERVICE_UNAVAILABLE,
                             reason);
}


static ngx_int_t
ngx_pimap_update_request_send(ngx_pimap_update_request_t *ur,
    const char **reason)
{
    ngx_pimap_update_addition_t  *addition;

    addition = ngx_pimap_update_stream_add(&ur->account, &ur->device,
                                           ur->updates.elts,
                                           ur->updates.nelts,
                                           ngx_pimap_update_request_replied,
                                           ur, reason);
    if (addition == NULL) {
        return NGX_DECLINED;
    }

    ur->addition = addition;

    if (ur->state == NGX_PIMAP_UPDATE_CHECKING) {
        ur->state = NGX_PIMAP_UPDATE_SENDING;
    }

    return NGX_OK;
}


static void
ngx_pimap_update_request_replied(void *data, redisReply *reply)
{
    const char                  *reason;
    ngx_pimap_update_request_t  *ur = data;

    ur->addition = NULL;

    if (ur->state == NGX_PIMAP_UPDATE_SENDING
        && ngx_pimap_update_request_decided(ur, reply) != NGX_OK)
    {
        return;
    }

    ngx_pimap_update_request_results(ur, reply);

    if (ur->missing == 0 || ur->waiter.account == NULL) {
        ngx_pimap_update_request_end(ur, ngx_pimap_update_request_answer(ur));
        return;
    }

    if (ur->again) {
        ur->again = 0;
        (void) ngx_pimap_update_request_send(ur, &reason);
    }
}


/* NGX_ABORT: Redis has refused the updates, and the request is answered. */

static ngx_int_t
ngx_pimap_update_request_decided(ngx_pimap_update_request_t *ur,
    redisReply *reply)
{
    ngx_int_t            rc;
    ngx_uint_t           at, status;
    const char          *reason;
    ngx_pimap_update_item_t  *update;

    at = 0;
    status = ngx_pimap_update_stream_answer(&ur->account, reply,
                                            ur->updates.nelts,
                                            ur->request->connection->log, &at,
                                            &reason);

    if (status == NGX_HTTP_ACCEPTED) {
        ur->state = NGX_PIMAP_UPDATE_WAITING;
        ngx_pimap_count_n(updates, ur->updates.nelts);

        return NGX_OK;
    }

    if (status == NGX_HTTP_CONFLICT) {
        update = ur->updates.elts;
        update += ngx_min(at, ur->updates.nelts - 1);

        rc = ngx_pimap_problem_line(ur->request, status, "update",
                                    update->line, reason);
    } else {
        rc = ngx_pimap_problem(ur->request, status, reason);
    }

    ngx_pimap_update_request_end(ur, rc);

    return NGX_ABORT;
}


/* A later reply may be an error: results may still come as events. */

static void
ngx_pimap_update_request_results(ngx_pimap_update_request_t *ur,
    redisReply *reply)
{
    size_t        i;
    redisReply  **e;

    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY
        || reply->elements != ur->updates.nelts)
    {
        return;
    }

    e = reply->element;

    for (i = 0; i < reply->elements; i++) {
        if (e[i]->type == REDIS_REPLY_STRING && e[i]->len) {
            ngx_pimap_update_request_set(ur, i, e[i]->str, e[i]->len);
        }
    }
}


/* Without memory the result stays missing: the client sends again. */

static void
ngx_pimap_update_request_set(ngx_pimap_update_request_t *ur, ngx_uint_t i,
    const char *data, size_t len)
{
    ngx_str_t  *result;

    result = &ur->results[i];

    if (result->len) {
        return;
    }

    if (ngx_pimap_copy(ur->request->pool, result, data, len) == NGX_OK) {
        ur->missing--;

    } else {
        result->len = 0;
    }
}


static void
ngx_pimap_update_request_result(ngx_pimap_waiter_t *w, pimap_event_t *ev)
{
    ngx_uint_t                   i;
    ngx_pimap_update_item_t          *update;
    ngx_pimap_update_request_t  *ur;

    ur = ngx_pimap_update_request(w);

    update = ur->updates.elts;

    for (i = 0; i < ur->updates.nelts; i++) {
        if (ngx_pimap_equal(&update[i].id, &ev->update)) {
            ngx_pimap_update_request_set(ur, i, ev->json.data, ev->json.len);
        }
    }

    if (ur->missing == 0) {
        ngx_pimap_update_waiter_done(w);
    }
}


/* However often it is called, one addition is on its way. */

static void
ngx_pimap_update_request_subscribed(ngx_pimap_waiter_t *w)
{
    const char                  *reason;
    ngx_pimap_update_request_t  *ur;

    ur = ngx_pimap_update_request(w);

    if (ur->state == NGX_PIMAP_UPDATE_CHECKING) {
        return;
    }

    if (ur->addition) {
        ur->again = 1;

    } else {
        (void) ngx_pimap_update_request_send(ur, &reason);
    }
}


static void
ngx_pimap_update_request_over(ngx_pimap_waiter_t *w)
{
    ngx_pimap_update_request_t  *ur;

    ur = ngx_pimap_update_request(w);

    if (ur->state == NGX_PIMAP_UPDATE_WAITING) {
        ngx_pimap_update_request_end(ur, ngx_pimap_update_request_answer(ur));
    }
}


/* The answer may be sent later: nothing of Redis may come until then. */

static void
ngx_pimap_update_request_end(ngx_pimap_update_request_t *ur, ngx_int_t rc)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = ur->request;
    c = r->connection;

    ngx_pimap_update_request_cleanup(ur);

    ngx_http_set_log_request(c->log, r);

    ngx_http_finalize_request(r, rc);

    ngx_http_run_posted_requests(c);
}


static ngx_int_t
ngx_pimap_update_request_answer(ngx_pimap_update_request_t *ur)
{
    ngx_str_t  body;

    if (ngx_pimap_update_request_body(ur, &body) != NGX_OK
        || ngx_pimap_update_request_applied(ur) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_pimap_answer(ur->request,
                            ur->missing ? NGX_HTTP_ACCEPTED : NGX_HTTP_OK,
                            "application/json", &body);
}


/* RFC 7240, section 3 */

static ngx_int_t
ngx_pimap_update_request_applied(ngx_pimap_update_request_t *ur)
{
    u_char  *value;

    if (ur->wait == 0) {
        return NGX_OK;
    }

    value = ngx_pnalloc(ur->request->pool, sizeof("wait=") + NGX_INT_T_LEN);
    if (value == NULL) {
        return NGX_ERROR;
    }

    *ngx_sprintf(value, "wait=%ui", ur->wait) = '\0';

    return ngx_pimap_add_header(ur->request, "Preference-Applied",
                                (char *) value);
}


/* The events of the results; ids need no escapes. */

static ngx_int_t
ngx_pimap_update_request_body(ngx_pimap_update_request_t *ur, ngx_str_t *body)
{
    u_char              *p;
    size_t               size;
    ngx_uint_t           i;
    ngx_pimap_update_item_t  *update;

    static const char  accepted[] =
        "{\"update\":\"%V\",\"status\":\"accepted\"}";

    update = ur->updates.elts;
    size = sizeof("{\"updates\":[]}\n");

    for (i = 0; i < ur->updates.nelts; i++) {
        size += sizeof(accepted) + 1 + update[i].id.len + ur->results[i].len;
    }

    p = ngx_pnalloc(ur->request->pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    body->data = p;
    p = ngx_sprintf(p, "{\"updates\":[");

    for (i = 0; i < ur->updates.nelts; i++) {

        if (i) {
            *p++ = ',';
        }

        p = ur->results[i].len ? ngx_cpymem(p, ur->results[i].data,
                                            ur->results[i].len)
                               : ngx_sprintf(p, accepted, &update[i].id);
    }

    p = ngx_cpymem(p, "]}\n", 3);

    body->len = p - body->data;

    return NGX_OK;
}


/* The client may leave before Redis or a backend has answered. */

static void
ngx_pimap_update_request_cleanup(void *data)
{
    ngx_pimap_update_request_t  *ur = data;

    if (ur->command) {
        ngx_pimap_command_forget(ur->command);
        ur->command = NULL;
    }

    if (ur->addition) {
        ngx_pimap_update_stream_forget(ur->addition);
        ur->addition = NULL;
    }

    if (ur->turn.timer_set) {
        ngx_del_timer(&ur->turn);
    }

    ngx_pimap_update_waiter_forget(&ur->waiter);
}
