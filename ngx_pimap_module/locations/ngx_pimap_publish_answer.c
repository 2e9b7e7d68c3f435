
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the answer to a request whose lines name their accounts.  Called by
 * publish_batch.  Invariant: each line has one line of the answer.
 */


#include "ngx_pimap_locations.h"
#include "ngx_pimap_publish.h"
#include "ngx_pimap_http.h"


#define NGX_PIMAP_PUBLISH_ANSWER_MULTI  207         /* RFC 4918, 11.1 */


static ngx_int_t ngx_pimap_publish_answer_refused(
    ngx_pimap_publish_batch_t *b, ngx_pimap_publish_flight_t *flight,
    redisReply *reply);


ngx_int_t
ngx_pimap_publish_answer_reply(ngx_pimap_publish_batch_t *b,
    ngx_pimap_publish_flight_t *flight, redisReply *reply)
{
    u_char      *p;
    ngx_str_t    id, *answer;
    ngx_uint_t   receivers;

    if (ngx_pimap_publish_command_reply(reply, &id, &receivers) != NGX_OK) {
        return ngx_pimap_publish_answer_refused(b, flight, reply);
    }

    if (receivers == 0) {
        ngx_pimap_spelling_published(&flight->account);
    }

    answer = flight->answer;

    answer->data = ngx_pnalloc(b->request->pool,
                               sizeof("{\"line\":,\"id\":\"\","
                                      "\"receivers\":}\n")
                               + 2 * NGX_INT_T_LEN + id.len);
    if (answer->data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_sprintf(answer->data, "{\"line\":%ui,", flight->line);

    if (id.len) {
        p = ngx_sprintf(p, "\"id\":\"%V\",", &id);
    }

    p = ngx_sprintf(p, "\"receivers\":%ui}\n", receivers);

    answer->len = p - answer->data;

    return NGX_OK;
}


static ngx_int_t
ngx_pimap_publish_answer_refused(ngx_pimap_publish_batch_t *b,
    ngx_pimap_publish_flight_t *flight, redisReply *reply)
{
    ngx_uint_t   status;
    const char  *why;

    why = ngx_pimap_publish_command_refusal(&flight->account, reply,
                                            b->request->connection->log);

    if (why) {
        status = NGX_HTTP_BAD_REQUEST;

    } else if (reply) {
        status = NGX_HTTP_SERVICE_UNAVAILABLE;
        why = "Redis refused the event";

    } else {
        status = NGX_HTTP_GATEWAY_TIME_OUT;
        why = "no answer of Redis: the event may be published or not";
    }

    return ngx_pimap_publish_answer_problem(b, flight->line, flight->answer,
                                           status, why);
}


ngx_int_t
ngx_pimap_publish_answer_problem(ngx_pimap_publish_batch_t *b, ngx_uint_t line,
    ngx_str_t *answer, ngx_uint_t status, const char *detail)
{
    size_t   size;
    u_char  *p;

    b->failed++;
    b->unknown += status >= NGX_HTTP_INTERNAL_SERVER_ERROR;

    size = ngx_strlen(detail);
    size += ngx_escape_json(NULL, (u_char *) detail, size);

    answer->data = ngx_pnalloc(b->request->pool,
                               sizeof("{\"line\":,\"status\":000,"
                                      "\"detail\":\"\"}\n")
                               + NGX_INT_T_LEN + size);
    if (answer->data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_sprintf(answer->data, "{\"line\":%ui,\"status\":%ui,\"detail\":\"",
                    line, status);
    p = (u_char *) ngx_escape_json(p, (u_char *) detail, ngx_strlen(detail));
    p = ngx_cpymem(p, "\"}\n", 3);

    answer->len = p - answer->data;

    return NGX_OK;
}


/* One answer for all lines.  An empty line has none. */

ngx_int_t
ngx_pimap_publish_answer_send(ngx_pimap_publish_batch_t *b)
{
    u_char              *p;
    ngx_str_t            body, *answer;
    ngx_uint_t           i, status;
    ngx_http_request_t  *r;

    r = b->request;

    if (b->answers.nelts == 0) {
        return ngx_pimap_problem(r, NGX_HTTP_BAD_REQUEST,
                                 "the body has no line");
    }

    /* a mail server looks at the status only, and repeats all of it */

    if (b->whole && b->unknown) {
        return ngx_pimap_problem(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                 "Redis has not taken some of the events");
    }

    answer = b->answers.elts;
    body.len = 0;

    for (i = 0; i < b->answers.nelts; i++) {

        if (answer[i].len == 0) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        body.len += answer[i].len;
    }

    body.data = ngx_pnalloc(r->pool, body.len);
    if (body.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    for (p = body.data, i = 0; i < b->answers.nelts; i++) {
        p = ngx_cpymem(p, answer[i].data, answer[i].len);
    }

    status = NGX_HTTP_OK;

    if (b->failed) {
        status = NGX_PIMAP_PUBLISH_ANSWER_MULTI;
        ngx_str_set(&r->headers_out.status_line, "207 Multi-Status");
    }

    return ngx_pimap_answer(r, status, "application/x-ndjson", &body);
}
