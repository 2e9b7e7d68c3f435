
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Who waits is subscribed, and asks Redis after that, by sending the updates
 * once more: that adds nothing, and answers with what is known.
 */


#include "ngx_pimap_update_request.h"
#include "ngx_pimap_login.h"
#include "ngx_pimap_problem.h"
#include "ngx_pimap_revoke.h"
#include "ngx_pimap_zone.h"


#define ngx_pimap_update_request_of(w)                                              \
    ngx_queue_data(w, ngx_pimap_update_request_t, waiter)


static ngx_int_t ngx_pimap_update_request_begin(ngx_pimap_update_request_t *o,
    const char **why);
static void ngx_pimap_update_request_revocation(void *data, redisReply *reply);
static ngx_int_t ngx_pimap_update_request_revoked(ngx_http_request_t *r);
static ngx_int_t ngx_pimap_update_request_failed(ngx_pimap_update_request_t *o,
    const char *why);
static ngx_int_t ngx_pimap_update_request_send(ngx_pimap_update_request_t *o,
    const char **why);
static void ngx_pimap_update_request_answered(void *data, redisReply *reply);
static ngx_int_t ngx_pimap_update_request_first(ngx_pimap_update_request_t *o,
    redisReply *reply);
static void ngx_pimap_update_request_take(ngx_pimap_update_request_t *o,
    redisReply *reply);
static void ngx_pimap_update_request_set(ngx_pimap_update_request_t *o,
    ngx_uint_t i, const char *data, size_t len);
static void ngx_pimap_update_request_result(ngx_pimap_waiter_t *w,
    pimap_event_t *ev);
static void ngx_pimap_update_request_subscribed(ngx_pimap_waiter_t *w);
static void ngx_pimap_update_request_over(ngx_pimap_waiter_t *w);
static void ngx_pimap_update_request_end(ngx_pimap_update_request_t *o,
    ngx_int_t rc);
static ngx_int_t ngx_pimap_update_request_answer(ngx_pimap_update_request_t *o);
static ngx_int_t ngx_pimap_update_request_applied(ngx_pimap_update_request_t *o);
static ngx_str_t *ngx_pimap_update_request_body(ngx_pimap_update_request_t *o);
static void ngx_pimap_update_request_cleanup(void *data);
static void ngx_pimap_update_request_stop(ngx_pimap_update_request_t *o);


ngx_pimap_update_request_t *
ngx_pimap_update_request_create(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t          *cln;
    ngx_pimap_update_request_t  *o;

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_pimap_update_request_t));
    if (cln == NULL) {
        return NULL;
    }

    o = cln->data;
    ngx_memzero(o, sizeof(ngx_pimap_update_request_t));

    o->request = r;
    cln->handler = ngx_pimap_update_request_cleanup;

    if (ngx_array_init(&o->updates, r->pool, 1, sizeof(ngx_pimap_queued_t))
        != NGX_OK)
    {
        return NULL;
    }

    return o;
}


ngx_int_t
ngx_pimap_update_request_ask(ngx_pimap_update_request_t *o, ngx_msec_t wait)
{
    const char          *why;
    ngx_http_request_t  *r;

    r = o->request;

    o->missing = o->updates.nelts;
    o->results = ngx_pcalloc(r->pool, o->missing * sizeof(ngx_str_t));

    if (o->results == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    o->waiter.device = &o->device;
    o->waiter.result = ngx_pimap_update_request_result;
    o->waiter.subscribed = ngx_pimap_update_request_subscribed;
    o->waiter.over = ngx_pimap_update_request_over;

    if (wait && ngx_pimap_update_waiter(&o->waiter, &o->account, wait,
                               r->connection->log)
                == NGX_OK)
    {
        o->waited = wait / 1000;
    }

    if (ngx_pimap_update_request_begin(o, &why) != NGX_OK) {
        ngx_pimap_update_waiter_forget(&o->waiter);

        return ngx_pimap_update_request_failed(o, why);
    }

    r->connection->log->action = "waiting for the outcome of updates";
    r->read_event_handler = ngx_http_test_reading;

    return NGX_DONE;
}


/* A token may have been revoked. */

static ngx_int_t
ngx_pimap_update_request_begin(ngx_pimap_update_request_t *o, const char **why)
{
    ngx_pimap_login_t  *login;

    login = ngx_pimap_login_find(o->request);

    if (login == NULL || !login->token) {
        return ngx_pimap_update_request_send(o, why);
    }

    *why = "Redis is away";

    o->command = ngx_pimap_revoke_read(&o->account,
                                       ngx_pimap_update_request_revocation, o);

    return o->command ? NGX_OK : NGX_DECLINED;
}


static void
ngx_pimap_update_request_revocation(void *data, redisReply *reply)
{
    time_t                       issued;
    const char                  *why;
    ngx_pimap_update_request_t  *o = data;

    o->command = NULL;
    why = "Redis has not answered";

    if (reply == NULL) {
        ngx_pimap_update_request_end(o,
                                     ngx_pimap_update_request_failed(o, why));
        return;
    }

    issued = ngx_pimap_login_find(o->request)->issued;

    if (issued <= ngx_pimap_revoke_time(reply, &o->device)) {
        ngx_pimap_update_request_end(o,
                                     ngx_pimap_update_request_revoked(o->request));

    } else if (ngx_pimap_update_request_send(o, &why) != NGX_OK) {
        ngx_pimap_update_request_end(o,
                                     ngx_pimap_update_request_failed(o, why));
    }
}


static ngx_int_t
ngx_pimap_update_request_revoked(ngx_http_request_t *r)
{
    ngx_int_t    rc;
    const char  *problem;

    rc = ngx_pimap_login_refuse(r, "revoked", &problem);

    return rc == NGX_ERROR ? NGX_HTTP_INTERNAL_SERVER_ERROR
                           : ngx_pimap_problem(r, rc, problem);
}


/* Nothing has been sent. */

static ngx_int_t
ngx_pimap_update_request_failed(ngx_pimap_update_request_t *o, const char *why)
{
    ngx_pimap_count(updates_failed);

    return ngx_pimap_problem(o->request, NGX_HTTP_SERVICE_UNAVAILABLE, why);
}


static ngx_int_t
ngx_pimap_update_request_send(ngx_pimap_update_request_t *o, const char **why)
{
    o->again = 0;
    o->command = ngx_pimap_update_stream_add(&o->account, &o->device,
                                     o->updates.elts, o->updates.nelts,
                                     ngx_pimap_update_request_answered, o, why);

    return o->command ? NGX_OK : NGX_DECLINED;
}


static void
ngx_pimap_update_request_answered(void *data, redisReply *reply)
{
    const char                  *why;
    ngx_pimap_update_request_t  *o = data;

    o->command = NULL;

    if (!o->known && ngx_pimap_update_request_first(o, reply) != NGX_OK) {
        return;
    }

    ngx_pimap_update_request_take(o, reply);

    if (o->missing == 0 || o->waiter.account == NULL) {
        ngx_pimap_update_request_end(o, ngx_pimap_update_request_answer(o));

    } else if (o->again) {
        (void) ngx_pimap_update_request_send(o, &why);
    }
}


/* NGX_ABORT: Redis has not taken them, and the request is answered. */

static ngx_int_t
ngx_pimap_update_request_first(ngx_pimap_update_request_t *o,
    redisReply *reply)
{
    ngx_uint_t           at, status;
    const char          *why;
    ngx_pimap_queued_t  *update;

    at = 0;
    status = ngx_pimap_update_stream_answer(reply, o->updates.nelts,
                                    o->request->connection->log, &at, &why);

    if (status == NGX_HTTP_ACCEPTED) {
        o->known = 1;
        ngx_pimap_count_n(updates, o->updates.nelts);

        return NGX_OK;
    }

    if (status == NGX_HTTP_CONFLICT) {
        update = o->updates.elts;
        update += ngx_min(at, o->updates.nelts - 1);

        ngx_pimap_update_request_end(o,
                                     ngx_pimap_update_request_problem(o,
                                                                      status,
                                                       update->line, why));
        return NGX_ABORT;
    }

    ngx_pimap_update_request_end(o,
                                 ngx_pimap_problem(o->request, status, why));

    return NGX_ABORT;
}


/* Later answers may fail: somebody else may tell the results, or nobody. */

static void
ngx_pimap_update_request_take(ngx_pimap_update_request_t *o, redisReply *reply)
{
    size_t        i;
    redisReply  **e;

    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY
        || reply->elements != o->updates.nelts)
    {
        return;
    }

    e = reply->element;

    for (i = 0; i < reply->elements; i++) {
        if (e[i]->type == REDIS_REPLY_STRING && e[i]->len) {
            ngx_pimap_update_request_set(o, i, e[i]->str, e[i]->len);
        }
    }
}


/* Without memory it stays unknown: the client asks again. */

static void
ngx_pimap_update_request_set(ngx_pimap_update_request_t *o, ngx_uint_t i,
    const char *data, size_t len)
{
    ngx_str_t  *result;

    result = &o->results[i];

    if (result->len) {
        return;
    }

    result->data = ngx_pnalloc(o->request->pool, len);

    if (result->data) {
        ngx_memcpy(result->data, data, len);
        result->len = len;
        o->missing--;
    }
}


static void
ngx_pimap_update_request_result(ngx_pimap_waiter_t *w, pimap_event_t *ev)
{
    ngx_uint_t                   i;
    pimap_str_t                  id;
    ngx_pimap_queued_t          *update;
    ngx_pimap_update_request_t  *o;

    o = ngx_pimap_update_request_of(w);

    if (pimap_json_string(json_object_get(ev->root, "update"), &id) != 0) {
        return;
    }

    update = o->updates.elts;

    for (i = 0; i < o->updates.nelts; i++) {
        if (update[i].id.len == id.len
            && ngx_memcmp(update[i].id.data, id.data, id.len) == 0)
        {
            ngx_pimap_update_request_set(o, i, ev->json.data, ev->json.len);
        }
    }

    if (o->missing == 0) {
        ngx_pimap_update_waiter_done(w);
    }
}


static void
ngx_pimap_update_request_subscribed(ngx_pimap_waiter_t *w)
{
    const char                  *why;
    ngx_pimap_update_request_t  *o;

    o = ngx_pimap_update_request_of(w);

    if (o->command) {
        o->again = 1;

    } else if (o->known) {
        (void) ngx_pimap_update_request_send(o, &why);
    }
}


/* The first answer of Redis is waited for in any case. */

static void
ngx_pimap_update_request_over(ngx_pimap_waiter_t *w)
{
    ngx_pimap_update_request_t  *o;

    o = ngx_pimap_update_request_of(w);

    if (o->known) {
        ngx_pimap_update_request_end(o, ngx_pimap_update_request_answer(o));
    }
}


/* What is sent of the answer later finds nobody who waits any more. */

static void
ngx_pimap_update_request_end(ngx_pimap_update_request_t *o, ngx_int_t rc)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = o->request;
    c = r->connection;

    ngx_pimap_update_request_stop(o);

    ngx_http_set_log_request(c->log, r);

    ngx_http_finalize_request(r, rc);

    ngx_http_run_posted_requests(c);
}


static ngx_int_t
ngx_pimap_update_request_answer(ngx_pimap_update_request_t *o)
{
    ngx_str_t  *body;

    static ngx_str_t  type = ngx_string("application/json");

    body = ngx_pimap_update_request_body(o);

    if (body == NULL || ngx_pimap_update_request_applied(o) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_pimap_answer(o->request,
                            o->missing ? NGX_HTTP_ACCEPTED : NGX_HTTP_OK,
                            &type, body);
}


/* RFC 7240, section 3 */

static ngx_int_t
ngx_pimap_update_request_applied(ngx_pimap_update_request_t *o)
{
    u_char  *value;

    if (o->waited == 0) {
        return NGX_OK;
    }

    value = ngx_pnalloc(o->request->pool, sizeof("wait=") + NGX_INT_T_LEN);
    if (value == NULL) {
        return NGX_ERROR;
    }

    *ngx_sprintf(value, "wait=%ui", o->waited) = '\0';

    return ngx_pimap_add_header(o->request, "Preference-Applied",
                                (char *) value);
}


/* The events of the results; ids need no escapes. */

static ngx_str_t *
ngx_pimap_update_request_body(ngx_pimap_update_request_t *o)
{
    u_char              *p;
    size_t               size;
    ngx_str_t           *body;
    ngx_uint_t           i;
    ngx_pimap_queued_t  *update;

    static const char  accepted[] =
        "{\"update\":\"%V\",\"status\":\"accepted\"}";

    update = o->updates.elts;
    size = sizeof("{\"updates\":[]}\n");

    for (i = 0; i < o->updates.nelts; i++) {
        size += sizeof(accepted) + 1 + update[i].id.len + o->results[i].len;
    }

    body = ngx_palloc(o->request->pool, sizeof(ngx_str_t) + size);
    if (body == NULL) {
        return NULL;
    }

    body->data = (u_char *) body + sizeof(ngx_str_t);

    p = ngx_sprintf(body->data, "{\"updates\":[");

    for (i = 0; i < o->updates.nelts; i++) {

        if (i) {
            *p++ = ',';
        }

        if (o->results[i].len) {
            p = ngx_cpymem(p, o->results[i].data, o->results[i].len);

        } else {
            p = ngx_sprintf(p, accepted, &update[i].id);
        }
    }

    p = ngx_cpymem(p, "]}\n", 3);

    body->len = p - body->data;

    return body;
}


ngx_int_t
ngx_pimap_update_request_problem(ngx_pimap_update_request_t *o,
    ngx_uint_t status, ngx_uint_t line, const char *why)
{
    u_char  detail[192];

    if (line) {
        *ngx_snprintf(detail, sizeof(detail) - 1,
                      "invalid update in line %ui: %s", line, why) = '\0';

    } else {
        *ngx_snprintf(detail, sizeof(detail) - 1,
                      "invalid update: %s", why) = '\0';
    }

    return ngx_pimap_problem(o->request, status, (char *) detail);
}


/* The client may be gone before Redis or a backend has answered. */

static void
ngx_pimap_update_request_cleanup(void *data)
{
    ngx_pimap_update_request_stop(data);
}


static void
ngx_pimap_update_request_stop(ngx_pimap_update_request_t *o)
{
    if (o->command) {
        ngx_pimap_command_forget(o->command);
        o->command = NULL;
    }

    ngx_pimap_update_waiter_forget(&o->waiter);
}
