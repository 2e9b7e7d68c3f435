
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns a publish request until its answer.  Called by publish and Redis.
 * Invariant: the answer waits for Redis, never for devices.
 */


#include "ngx_pimap_locations.h"
#include "ngx_pimap_publish.h"
#include "ngx_pimap_command.h"
#include "ngx_pimap_http.h"
#include "ngx_pimap_zone.h"


static ngx_pimap_command_t *ngx_pimap_publish_request_one(
    ngx_pimap_publish_request_t *pr, ngx_uint_t i);
static void ngx_pimap_publish_request_answered(void *data, redisReply *reply);
static void ngx_pimap_publish_request_reply(ngx_pimap_publish_request_t *pr,
    redisReply *reply);
static ngx_int_t ngx_pimap_publish_request_answer(
    ngx_pimap_publish_request_t *pr);
static void ngx_pimap_publish_request_cleanup(void *data);


ngx_pimap_publish_request_t *
ngx_pimap_publish_request_create(ngx_http_request_t *r)
{
    ngx_pimap_publish_request_t  *pr;
    ngx_pool_cleanup_t           *cln;

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_pimap_publish_request_t));
    if (cln == NULL) {
        return NULL;
    }

    pr = cln->data;
    ngx_memzero(pr, sizeof(ngx_pimap_publish_request_t));

    pr->request = r;
    cln->handler = ngx_pimap_publish_request_cleanup;

    if (ngx_array_init(&pr->events, r->pool, 1, sizeof(ngx_str_t))
        != NGX_OK
        || ngx_array_init(&pr->commands, r->pool, 1,
                          sizeof(ngx_pimap_command_t *))
           != NGX_OK)
    {
        return NULL;
    }

    return pr;
}


ngx_int_t
ngx_pimap_publish_request_send(ngx_pimap_publish_request_t *pr)
{
    ngx_uint_t             i;
    ngx_pimap_command_t  **command;

    command = ngx_array_push_n(&pr->commands, pr->events.nelts);
    if (command == NULL) {
        pr->commands.nelts = 0;
        return NGX_ERROR;
    }

    ngx_memzero(command, pr->events.nelts * sizeof(ngx_pimap_command_t *));

    for (i = 0; i < pr->events.nelts; i++) {

        command[i] = ngx_pimap_publish_request_one(pr, i);

        if (command[i] == NULL) {
            ngx_pimap_count(publish_failed);
            return NGX_DECLINED;
        }
    }

    pr->waiting = 1;
    pr->request->connection->log->action = "publishing";

    return NGX_DONE;
}


static ngx_pimap_command_t *
ngx_pimap_publish_request_one(ngx_pimap_publish_request_t *pr, ngx_uint_t i)
{
    u_char     buf[256 + NGX_INT_T_LEN];
    ngx_str_t  key;

    /* each event of a request has its own key */

    key = pr->key;

    if (key.len && pr->events.nelts > 1) {
        key.data = buf;
        key.len = ngx_snprintf(buf, sizeof(buf), "%V:%ui", &pr->key, i)
                  - buf;
    }

    return ngx_pimap_publish_command(&pr->account,
                                     (ngx_str_t *) pr->events.elts + i, &key,
                                     ngx_pimap_publish_request_answered, pr);
}


static void
ngx_pimap_publish_request_answered(void *data, redisReply *reply)
{
    ngx_connection_t              *c;
    ngx_pimap_publish_request_t   *pr;
    ngx_http_request_t            *r;
    ngx_pimap_command_t          **command;

    pr = data;
    r = pr->request;
    c = r->connection;

    command = pr->commands.elts;
    command[pr->answered++] = NULL;

    ngx_pimap_publish_request_reply(pr, reply);

    if (!pr->waiting || pr->answered < pr->commands.nelts) {
        return;
    }

    ngx_http_set_log_request(c->log, r);

    ngx_http_finalize_request(r, ngx_pimap_publish_request_answer(pr));

    ngx_http_run_posted_requests(c);
}


static void
ngx_pimap_publish_request_reply(ngx_pimap_publish_request_t *pr,
    redisReply *reply)
{
    ngx_str_t    id;
    const char  *why;

    if (ngx_pimap_publish_command_reply(reply, &id, &pr->receivers)
        == NGX_OK)
    {
        pr->id.data = pr->id_text;
        pr->id.len = id.len;

        if (id.len) {
            ngx_memcpy(pr->id_text, id.data, id.len);
        }

        return;
    }

    pr->failed++;

    why = ngx_pimap_publish_command_refusal(&pr->account, reply,
                                            pr->request->connection->log);
    if (why) {
        (void) ngx_cpystrn(pr->refusal, (u_char *) why, sizeof(pr->refusal));
    }
}


static ngx_int_t
ngx_pimap_publish_request_answer(ngx_pimap_publish_request_t *pr)
{
    u_char              *p;
    ngx_str_t            body;
    ngx_http_request_t  *r;

    r = pr->request;

    if (pr->refusal[0]) {
        return ngx_pimap_problem(r, NGX_HTTP_BAD_REQUEST,
                                 (char *) pr->refusal);
    }

    if (pr->failed) {
        return ngx_pimap_problem(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                 "Redis refused some of the events");
    }

    if (pr->receivers == 0) {
        ngx_pimap_spelling_published(&pr->account);
    }

    body.data = ngx_pnalloc(r->pool, sizeof("{\"id\":\"\",\"receivers\":}\n")
                                     + pr->id.len + NGX_INT_T_LEN);
    if (body.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    p = ngx_cpymem(body.data, "{", 1);

    if (pr->id.len) {
        p = ngx_sprintf(p, "\"id\":\"%V\",", &pr->id);
    }

    p = ngx_sprintf(p, "\"receivers\":%ui}\n", pr->receivers);

    body.len = p - body.data;

    return ngx_pimap_answer(r, NGX_HTTP_OK, "application/json", &body);
}


/* The client may leave before Redis has answered. */

static void
ngx_pimap_publish_request_cleanup(void *data)
{
    ngx_uint_t                     i;
    ngx_pimap_publish_request_t   *pr = data;
    ngx_pimap_command_t          **command;

    command = pr->commands.elts;

    for (i = 0; i < pr->commands.nelts; i++) {
        if (command[i]) {
            ngx_pimap_command_forget(command[i]);
        }
    }
}
