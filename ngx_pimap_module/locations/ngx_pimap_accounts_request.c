
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns a request of an operator until its answer.  Called by accounts, and by
 * Redis.  Each worker with the account gets the question by the account's
 * channel, and answers by this worker's own channel.  Redis says how many have
 * got it.
 *
 * Invariant: the answer waits for a second at most.  It says how many workers
 * have not answered.
 */


#include "ngx_pimap_accounts.h"
#include "ngx_pimap_command.h"
#include "ngx_pimap_conf.h"
#include "ngx_pimap_device_room.h"
#include "ngx_pimap_http.h"


#define NGX_PIMAP_ACCOUNTS_REQUEST_TIME   1000      /* msec */


static ngx_int_t ngx_pimap_accounts_request_ask(
    ngx_pimap_accounts_request_t *ar);
static void ngx_pimap_accounts_request_asked(void *data, redisReply *reply);
static ngx_pimap_accounts_request_t *ngx_pimap_accounts_request_find(
    u_char *token, size_t len);
static void ngx_pimap_accounts_request_tail(void *data);
static void ngx_pimap_accounts_request_timer_handler(ngx_event_t *ev);
static void ngx_pimap_accounts_request_check(
    ngx_pimap_accounts_request_t *ar);
static void ngx_pimap_accounts_request_end(ngx_pimap_accounts_request_t *ar,
    const char *problem);
static void ngx_pimap_accounts_request_stop(ngx_pimap_accounts_request_t *ar);
static void ngx_pimap_accounts_request_cleanup(void *data);


static ngx_queue_t  ngx_pimap_accounts_requests;


void
ngx_pimap_accounts_request_init_process(void)
{
    ngx_queue_init(&ngx_pimap_accounts_requests);
}


ngx_pimap_accounts_request_t *
ngx_pimap_accounts_request_create(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t            *cln;
    ngx_pimap_accounts_request_t  *ar;

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_pimap_accounts_request_t));
    if (cln == NULL) {
        return NULL;
    }

    ar = cln->data;
    ngx_memzero(ar, sizeof(ngx_pimap_accounts_request_t));

    ar->request = r;
    cln->handler = ngx_pimap_accounts_request_cleanup;

    ar->token.data = ngx_pnalloc(r->pool, NGX_PIMAP_HEX_LEN);
    if (ar->token.data == NULL) {
        return NULL;
    }

    ar->token.len = ngx_sprintf(ar->token.data, "%016xL",
                                ngx_pimap_supersede_token())
                    - ar->token.data;

    return ar;
}


ngx_int_t
ngx_pimap_accounts_request_start(ngx_pimap_accounts_request_t *ar)
{
    ngx_int_t            rc;
    ngx_http_request_t  *r;

    r = ar->request;

    ar->tail.pool = r->pool;
    ar->tail.account = &ar->account;
    ar->tail.done = ngx_pimap_accounts_request_tail;
    ar->tail.data = ar;

    rc = ngx_pimap_accounts_request_ask(ar);

    if (rc == NGX_OK && ar->tail.count) {
        rc = ngx_pimap_log_tail_read(&ar->tail);
    }

    if (rc == NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (rc == NGX_DECLINED) {
        return ngx_pimap_problem(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                 ngx_pimap_command_trouble(
                                         ngx_pimap_node_slot(&ar->account)));
    }

    ngx_queue_insert_tail(&ngx_pimap_accounts_requests, &ar->link);
    ar->waiting = 1;

    ar->timer.handler = ngx_pimap_accounts_request_timer_handler;
    ar->timer.data = r->connection;
    ar->timer.log = r->connection->log;

    ngx_add_timer(&ar->timer, NGX_PIMAP_ACCOUNTS_REQUEST_TIME);

    r->connection->log->action = "asking workers about an account";
    r->read_event_handler = ngx_http_test_reading;
    r->main->count++;

    return NGX_DONE;
}


static ngx_int_t
ngx_pimap_accounts_request_ask(ngx_pimap_accounts_request_t *ar)
{
    u_char      buf[128 + NGX_PIMAP_DEVICE_MAX];
    ngx_str_t   payload, *id;

    static ngx_str_t  first = ngx_string("0000000000000000-0000000000000000");

    id = ngx_pimap_own_channel_id();

    payload.data = buf;
    payload.len = (ar->device.len
                   ? ngx_snprintf(buf, sizeof(buf), "!end %V %V %V", id,
                                  &ar->token, &ar->device)
                   : ngx_snprintf(buf, sizeof(buf), "!devices %V %V %03ui %V",
                                  id, &ar->token, ar->limit,
                                  ar->after.data ? &ar->after : &first))
                  - buf;

    ar->command = ngx_pimap_command_publish(&ar->account, &payload,
                                            ngx_pimap_accounts_request_asked,
                                            ar);

    return ar->command ? NGX_OK : NGX_DECLINED;
}


/* PUBLISH returns the number of subscribers: workers with the account. */

static void
ngx_pimap_accounts_request_asked(void *data, redisReply *reply)
{
    ngx_pimap_accounts_request_t  *ar = data;

    ar->command = NULL;

    if (reply && reply->type == REDIS_REPLY_INTEGER) {
        ar->asked = reply->integer;
        ngx_pimap_accounts_request_check(ar);
        return;
    }

    if (reply == NULL) {
        ngx_pimap_accounts_request_end(ar, "Redis is away");
        return;
    }

    ngx_log_error(NGX_LOG_ERR, ar->request->connection->log, 0,
                  "pimap can't ask the workers about account \"%V\": Redis "
                  "answers PUBLISH with \"%s\"", &ar->account,
                  reply->type == REDIS_REPLY_ERROR ? reply->str
                                                   : "unexpected reply");

    ngx_pimap_accounts_request_end(ar, "Redis refuses to ask the workers");
}


void
ngx_pimap_accounts_request_answered(u_char *data, size_t len)
{
    size_t                         n;
    ngx_int_t                      rc;
    ngx_pimap_accounts_request_t  *ar;

    n = NGX_PIMAP_HEX_LEN + 1;

    ar = ngx_pimap_accounts_request_find(data, len);

    if (ar == NULL || len <= n) {
        return;
    }

    rc = ngx_pimap_accounts_answer_add(ar, data + n, len - n);

    if (rc == NGX_DECLINED) {
        ngx_log_error(NGX_LOG_ERR, ar->request->connection->log, 0,
                      "pimap ignores an invalid answer of a worker about "
                      "account \"%V\"", &ar->account);
        return;
    }

    if (rc != NGX_OK) {
        ar->failed = 1;
    }

    ar->answered++;

    ngx_pimap_accounts_request_check(ar);
}


/* NULL: the answer comes too late. */

static ngx_pimap_accounts_request_t *
ngx_pimap_accounts_request_find(u_char *token, size_t len)
{
    ngx_queue_t                   *q;
    ngx_pimap_accounts_request_t  *ar;

    if (len < NGX_PIMAP_HEX_LEN) {
        return NULL;
    }

    for (q = ngx_queue_head(&ngx_pimap_accounts_requests);
         q != ngx_queue_sentinel(&ngx_pimap_accounts_requests);
         q = ngx_queue_next(q))
    {
        ar = ngx_queue_data(q, ngx_pimap_accounts_request_t, link);

        if (ngx_memcmp(ar->token.data, token,
                       NGX_PIMAP_HEX_LEN)
            == 0)
        {
            return ar;
        }
    }

    return NULL;
}


static void
ngx_pimap_accounts_request_tail(void *data)
{
    ngx_pimap_accounts_request_check(data);
}


static void
ngx_pimap_accounts_request_timer_handler(ngx_event_t *ev)
{
    ngx_pimap_accounts_request_t  *ar;

    ar = ngx_queue_data(ev, ngx_pimap_accounts_request_t, timer);

    if (ar->tail.command) {
        ngx_str_set(&ar->tail.error, "Redis has not answered in time");
    }

    ngx_pimap_accounts_request_end(ar, ar->command
                                       ? "Redis has not answered in time"
                                       : NULL);
}


static void
ngx_pimap_accounts_request_check(ngx_pimap_accounts_request_t *ar)
{
    if (ar->command == NULL && ar->tail.command == NULL
        && ar->answered >= ar->asked)
    {
        ngx_pimap_accounts_request_end(ar, NULL);
    }
}


static void
ngx_pimap_accounts_request_end(ngx_pimap_accounts_request_t *ar,
    const char *problem)
{
    ngx_int_t            rc;
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = ar->request;
    c = r->connection;

    ngx_pimap_accounts_request_stop(ar);

    ngx_http_set_log_request(c->log, r);

    rc = problem ? ngx_pimap_problem(r, NGX_HTTP_SERVICE_UNAVAILABLE, problem)
         : ar->failed ? NGX_HTTP_INTERNAL_SERVER_ERROR
                      : ngx_pimap_accounts_answer(ar);

    ngx_http_finalize_request(r, rc);

    ngx_http_run_posted_requests(c);
}


/* The answer may be sent later: nothing of Redis may come until then. */

static void
ngx_pimap_accounts_request_stop(ngx_pimap_accounts_request_t *ar)
{
    ngx_pimap_log_tail_forget(&ar->tail);

    if (ar->command) {
        ngx_pimap_command_forget(ar->command);
        ar->command = NULL;
    }

    if (ar->timer.timer_set) {
        ngx_del_timer(&ar->timer);
    }

    if (ar->waiting) {
        ar->waiting = 0;
        ngx_queue_remove(&ar->link);
    }
}


static void
ngx_pimap_accounts_request_cleanup(void *data)
{
    ngx_pimap_accounts_request_t  *ar = data;

    ngx_pimap_accounts_request_stop(ar);

    json_decref(ar->list);
}
