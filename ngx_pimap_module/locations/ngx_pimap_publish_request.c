
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Through the log where there is one, else by PUBLISH.  The answer waits for
 * Redis, never for devices.
 */


#include "ngx_pimap_publish_request.h"
#include "ngx_pimap_command.h"
#include "ngx_pimap_function_library.h"
#include "ngx_pimap_event_log.h"
#include "ngx_pimap_problem.h"
#include "ngx_pimap_zone.h"


static ngx_pimap_command_t *ngx_pimap_publish_request_one(ngx_pimap_publish_request_t *post, ngx_uint_t i);
static void ngx_pimap_publish_request_answered(void *data, redisReply *reply);
static ngx_int_t ngx_pimap_publish_request_reply(ngx_pimap_publish_request_t *post, redisReply *reply);
static void ngx_pimap_publish_request_failed(ngx_pimap_publish_request_t *post,
    redisReply *reply);
static ngx_int_t ngx_pimap_publish_request_answer(ngx_pimap_publish_request_t *post);
static void ngx_pimap_publish_request_cleanup(void *data);


ngx_pimap_publish_request_t *
ngx_pimap_publish_request_create(ngx_http_request_t *r)
{
    ngx_pimap_publish_request_t  *post;
    ngx_pool_cleanup_t           *cln;

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_pimap_publish_request_t));
    if (cln == NULL) {
        return NULL;
    }

    post = cln->data;
    ngx_memzero(post, sizeof(ngx_pimap_publish_request_t));

    post->request = r;
    cln->handler = ngx_pimap_publish_request_cleanup;

    if (ngx_array_init(&post->events, r->pool, 1, sizeof(ngx_str_t))
        != NGX_OK
        || ngx_array_init(&post->commands, r->pool, 1,
                          sizeof(ngx_pimap_command_t *))
           != NGX_OK)
    {
        return NULL;
    }

    return post;
}


ngx_int_t
ngx_pimap_publish_request_send(ngx_pimap_publish_request_t *post)
{
    ngx_uint_t             i;
    ngx_pimap_command_t  **command;

    command = ngx_array_push_n(&post->commands, post->events.nelts);
    if (command == NULL) {
        post->commands.nelts = 0;
        return NGX_ERROR;
    }

    ngx_memzero(command, post->events.nelts * sizeof(ngx_pimap_command_t *));

    for (i = 0; i < post->events.nelts; i++) {

        command[i] = ngx_pimap_publish_request_one(post, i);

        if (command[i] == NULL) {
            ngx_pimap_count(publish_failed);
            return NGX_DECLINED;
        }
    }

    post->waiting = 1;
    post->request->connection->log->action = "publishing";

    return NGX_DONE;
}


static ngx_pimap_command_t *
ngx_pimap_publish_request_one(ngx_pimap_publish_request_t *post, ngx_uint_t i)
{
    u_char      buf[256 + NGX_INT_T_LEN];
    ngx_str_t  *event, key;

    event = (ngx_str_t *) post->events.elts + i;

    switch (ngx_pimap_function_library_state()) {

    case NGX_PIMAP_FUNCTION_LIBRARY_MISSING:
        return ngx_pimap_command_publish(&post->account, event,
                                                   ngx_pimap_publish_request_answered,
                                                   post);
    case NGX_PIMAP_FUNCTION_LIBRARY_READY:
        break;

    default:
        return NULL;
    }

    /* each event of a request has a key of its own */

    key = post->key;

    if (key.len && post->events.nelts > 1) {
        key.data = buf;
        key.len = ngx_snprintf(buf, sizeof(buf), "%V:%ui", &post->key, i)
                  - buf;
    }

    return ngx_pimap_event_log_post(&post->account, event, &key,
                              ngx_pimap_publish_request_answered, post);
}


static void
ngx_pimap_publish_request_answered(void *data, redisReply *reply)
{
    ngx_connection_t              *c;
    ngx_pimap_publish_request_t   *post;
    ngx_http_request_t            *r;
    ngx_pimap_command_t          **command;

    post = data;
    r = post->request;
    c = r->connection;

    command = post->commands.elts;
    command[post->answered++] = NULL;

    if (ngx_pimap_publish_request_reply(post, reply) == NGX_OK) {
        ngx_pimap_count(published);

    } else {
        post->failed++;
        ngx_pimap_count(publish_failed);
        ngx_pimap_publish_request_failed(post, reply);
    }

    if (!post->waiting || post->answered < post->commands.nelts) {
        return;
    }

    ngx_http_set_log_request(c->log, r);

    ngx_http_finalize_request(r, ngx_pimap_publish_request_answer(post));

    ngx_http_run_posted_requests(c);
}


/* The number of PUBLISH; or of pimap_post, [id, receivers, duplicate] */

static ngx_int_t
ngx_pimap_publish_request_reply(ngx_pimap_publish_request_t *post,
    redisReply *reply)
{
    redisReply        *id;
    pimap_event_id_t   position;

    if (reply == NULL) {
        return NGX_ERROR;
    }

    if (reply->type == REDIS_REPLY_INTEGER) {
        post->receivers = reply->integer;
        return NGX_OK;
    }

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements < 2
        || reply->element[1]->type != REDIS_REPLY_INTEGER
        || ngx_pimap_event_log_id(reply->element[0],
                                        &position) != NGX_OK)
    {
        return NGX_ERROR;
    }

    id = reply->element[0];

    post->receivers = reply->element[1]->integer;
    post->id.data = post->id_text;
    post->id.len = ngx_min(id->len, sizeof(post->id_text));
    ngx_memcpy(post->id_text, id->str, post->id.len);

    return NGX_OK;
}


static void
ngx_pimap_publish_request_failed(ngx_pimap_publish_request_t *post,
    redisReply *reply)
{
    if (reply == NULL || reply->type != REDIS_REPLY_ERROR) {
        return;
    }

    if (ngx_strncmp(reply->str, "PIMAP ", 6) == 0) {
        (void) ngx_cpystrn(post->refusal, (u_char *) reply->str + 6,
                           sizeof(post->refusal));
        return;
    }

    ngx_pimap_function_library_refused("publish", reply,
                              post->request->connection->log);
}


static ngx_int_t
ngx_pimap_publish_request_answer(ngx_pimap_publish_request_t *post)
{
    u_char              *p;
    ngx_str_t            body;
    ngx_http_request_t  *r;

    static ngx_str_t  type = ngx_string("application/json");

    r = post->request;

    if (post->refusal[0]) {
        return ngx_pimap_problem(r, NGX_HTTP_BAD_REQUEST,
                                 (char *) post->refusal);
    }

    if (post->failed) {
        return ngx_pimap_problem(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                 "Redis did not take every event");
    }

    body.data = ngx_pnalloc(r->pool, sizeof("{\"id\":\"\",\"receivers\":}\n")
                                     + post->id.len + NGX_INT_T_LEN);
    if (body.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    p = ngx_cpymem(body.data, "{", 1);

    if (post->id.len) {
        p = ngx_sprintf(p, "\"id\":\"%V\",", &post->id);
    }

    p = ngx_sprintf(p, "\"receivers\":%ui}\n", post->receivers);

    body.len = p - body.data;

    return ngx_pimap_answer(r, NGX_HTTP_OK, &type, &body);
}


/* The client may be gone before Redis has answered. */

static void
ngx_pimap_publish_request_cleanup(void *data)
{
    ngx_uint_t                     i;
    ngx_pimap_publish_request_t   *post = data;
    ngx_pimap_command_t          **command;

    command = post->commands.elts;

    for (i = 0; i < post->commands.nelts; i++) {
        if (command[i]) {
            ngx_pimap_command_forget(command[i]);
        }
    }
}
