
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns a publish request whose lines name their accounts, until its answer.
 * Called by publish and Redis.  Invariant: each line has one line of the
 * answer, in the same order, and a bad line costs only itself.
 *
 * The body is read in turns.  Redis has a bounded number of lines without an
 * answer, so one request takes no more of it, and of the worker, than others.
 */


#include "ngx_pimap_locations.h"
#include "ngx_pimap_publish.h"
#include "ngx_pimap_http.h"
#include "ngx_pimap_login.h"
#include "ngx_pimap_zone.h"

#include "pimap_envelope.h"


#define NGX_PIMAP_PUBLISH_BATCH_TURN    256         /* lines */


static ngx_pimap_publish_batch_t *ngx_pimap_publish_batch_create(
    ngx_http_request_t *r, ngx_uint_t lines);
static ngx_uint_t ngx_pimap_publish_batch_count(ngx_str_t *body);
static ngx_int_t ngx_pimap_publish_batch_run(ngx_pimap_publish_batch_t *b);
static ngx_int_t ngx_pimap_publish_batch_lines(ngx_pimap_publish_batch_t *b);
static ngx_int_t ngx_pimap_publish_batch_line(ngx_pimap_publish_batch_t *b,
    ngx_str_t *text);
static ngx_int_t ngx_pimap_publish_batch_event(ngx_pimap_publish_batch_t *b,
    pimap_envelope_t *e, ngx_str_t *answer);
static ngx_int_t ngx_pimap_publish_batch_send(ngx_pimap_publish_batch_t *b,
    pimap_envelope_t *e, ngx_str_t *event, ngx_str_t *answer);
static ngx_int_t ngx_pimap_publish_batch_account(
    ngx_pimap_publish_batch_t *b, pimap_envelope_t *e, ngx_str_t *account,
    const char **problem);
static void ngx_pimap_publish_batch_key(ngx_pimap_publish_batch_t *b,
    pimap_envelope_t *e, ngx_str_t *key, u_char *buf, size_t size);
static ngx_int_t ngx_pimap_publish_batch_invalid(
    ngx_pimap_publish_batch_t *b, ngx_str_t *answer, ngx_uint_t status,
    const char *reason);
static void ngx_pimap_publish_batch_answered(void *data, redisReply *reply);
static void ngx_pimap_publish_batch_turn_handler(ngx_event_t *ev);
static void ngx_pimap_publish_batch_cleanup(void *data);


ngx_int_t
ngx_pimap_publish_batch(ngx_pimap_publish_request_t *pr, ngx_str_t *body)
{
    ngx_uint_t                  lines;
    ngx_http_request_t         *r;
    ngx_pimap_publish_batch_t  *b;

    r = pr->request;
    lines = ngx_pimap_publish_batch_count(body);

    if (lines > NGX_PIMAP_PUBLISH_BATCH_LINES) {
        return ngx_pimap_problem(r, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                 "the body has more than 10000 lines");
    }

    b = ngx_pimap_publish_batch_create(r, lines);
    if (b == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    b->key = pr->key;
    b->body = *body;
    b->whole = pr->mapping != NULL;

    r->read_event_handler = ngx_http_test_reading;
    r->connection->log->action = "publishing lines";

    return ngx_pimap_publish_batch_run(b);
}


/* NULL: memory is out. */

static ngx_pimap_publish_batch_t *
ngx_pimap_publish_batch_create(ngx_http_request_t *r, ngx_uint_t lines)
{
    ngx_pool_cleanup_t         *cln;
    ngx_pimap_publish_batch_t  *b;

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_pimap_publish_batch_t));
    if (cln == NULL) {
        return NULL;
    }

    b = cln->data;
    ngx_memzero(b, sizeof(ngx_pimap_publish_batch_t));

    b->request = r;

    b->turn.handler = ngx_pimap_publish_batch_turn_handler;
    b->turn.data = r->connection;
    b->turn.log = r->connection->log;

    cln->handler = ngx_pimap_publish_batch_cleanup;

    b->flights = ngx_palloc(r->pool, NGX_PIMAP_PUBLISH_BATCH_FLIGHT
                                     * sizeof(ngx_pimap_publish_flight_t));

    if (b->flights == NULL
        || ngx_array_init(&b->answers, r->pool, ngx_max(lines, 1),
                          sizeof(ngx_str_t))
           != NGX_OK)
    {
        return NULL;
    }

    return b;
}


/* Empty lines are among them, so there may be less to publish. */

static ngx_uint_t
ngx_pimap_publish_batch_count(ngx_str_t *body)
{
    u_char      *p, *last;
    ngx_uint_t   n;

    last = body->data + body->len;

    for (n = 0, p = body->data; p && p < last; n++) {
        p = memchr(p, LF, last - p);
        p = p ? p + 1 : NULL;
    }

    return n;
}


/* NGX_DONE: the request waits.  It takes no answers of Redis after an end. */

static ngx_int_t
ngx_pimap_publish_batch_run(ngx_pimap_publish_batch_t *b)
{
    ngx_int_t  rc;

    rc = ngx_pimap_publish_batch_lines(b);

    if (rc != NGX_DONE) {
        ngx_pimap_publish_batch_cleanup(b);
    }

    return rc;
}


static ngx_int_t
ngx_pimap_publish_batch_lines(ngx_pimap_publish_batch_t *b)
{
    ngx_int_t   rc;
    ngx_str_t   body, text;
    ngx_uint_t  n, line;

    for (n = 0; n < NGX_PIMAP_PUBLISH_BATCH_TURN; n++) {

        if (b->sent - b->answered == NGX_PIMAP_PUBLISH_BATCH_FLIGHT) {
            return NGX_DONE;
        }

        body = b->body;
        line = b->line;

        if (!ngx_pimap_body_line(&b->body, &text, &b->line)) {
            return b->sent == b->answered ? ngx_pimap_publish_answer_send(b)
                                          : NGX_DONE;
        }

        rc = ngx_pimap_publish_batch_line(b, &text);

        if (rc == NGX_AGAIN) {
            b->body = body;
            b->line = line;
            return NGX_DONE;
        }

        if (rc != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    ngx_post_event(&b->turn, &ngx_posted_next_events);

    return NGX_DONE;
}


/*
 * The functions below: NGX_OK: the line is answered, or Redis has it.
 * NGX_AGAIN: it is to be read again after an answer of Redis.  NGX_ERROR:
 * memory is out.
 */

static ngx_int_t
ngx_pimap_publish_batch_line(ngx_pimap_publish_batch_t *b, ngx_str_t *text)
{
    char               reason[128];
    ngx_int_t          rc;
    ngx_str_t         *answer;
    pimap_envelope_t   e;

    answer = ngx_array_push(&b->answers);
    if (answer == NULL) {
        return NGX_ERROR;
    }

    switch (pimap_envelope_parse(&e, (char *) text->data, text->len, reason,
                                 sizeof(reason)))
    {
    case PIMAP_JSON_OK:
        rc = ngx_pimap_publish_batch_event(b, &e, answer);
        break;

    case PIMAP_JSON_NO_MEMORY:
        return NGX_ERROR;

    default:
        return ngx_pimap_publish_batch_invalid(b, answer,
                                               NGX_HTTP_BAD_REQUEST, reason);
    }

    if (rc == NGX_AGAIN) {
        b->answers.nelts--;
    }

    return rc;
}


static ngx_int_t
ngx_pimap_publish_batch_event(ngx_pimap_publish_batch_t *b,
    pimap_envelope_t *e, ngx_str_t *answer)
{
    char                    reason[128];
    ngx_int_t               rc;
    ngx_str_t               event;
    pimap_event_t           ev;
    pimap_event_status_t    status;
    ngx_pimap_main_conf_t  *pmcf;

    pmcf = ngx_http_get_module_main_conf(b->request, ngx_pimap_module);

    status = pimap_event_parse_json(&ev, (char *) e->event.data, e->event.len,
                                    pmcf->max_event, reason, sizeof(reason));

    switch (status) {

    case PIMAP_EVENT_OK:
        event.data = (u_char *) ev.json.data;
        event.len = ev.json.len;

        rc = ngx_pimap_publish_batch_send(b, e, &event, answer);

        pimap_event_free(&ev);
        return rc;

    case PIMAP_EVENT_NO_MEMORY:
        return NGX_ERROR;

    case PIMAP_EVENT_TOO_LARGE:
        return ngx_pimap_publish_batch_invalid(b, answer,
                                          NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                          "it is larger than "
                                          "\"pimap_max_event\"");
    default:
        return ngx_pimap_publish_batch_invalid(b, answer,
                                               NGX_HTTP_BAD_REQUEST, reason);
    }
}


/* Without room for a command, room comes with the answer of one of ours. */

static ngx_int_t
ngx_pimap_publish_batch_send(ngx_pimap_publish_batch_t *b,
    pimap_envelope_t *e, ngx_str_t *event, ngx_str_t *answer)
{
    u_char                       buf[PIMAP_ENVELOPE_MAX_KEY + NGX_INT_T_LEN];
    ngx_int_t                    rc;
    ngx_str_t                    key, account;
    const char                  *problem;
    ngx_pimap_publish_flight_t  *flight;

    rc = ngx_pimap_publish_batch_account(b, e, &account, &problem);

    if (rc != NGX_OK) {
        return rc == NGX_ERROR ? NGX_ERROR
               : ngx_pimap_publish_batch_invalid(b, answer, rc, problem);
    }

    ngx_pimap_publish_batch_key(b, e, &key, buf, sizeof(buf));

    flight = b->flights + b->sent % NGX_PIMAP_PUBLISH_BATCH_FLIGHT;

    flight->command = ngx_pimap_publish_command(&account, event, &key,
                                           ngx_pimap_publish_batch_answered,
                                           b);
    if (flight->command == NULL) {

        if (b->sent != b->answered) {
            return NGX_AGAIN;
        }

        ngx_pimap_count(publish_failed);

        return ngx_pimap_publish_answer_problem(b, b->line, answer,
                                       NGX_HTTP_SERVICE_UNAVAILABLE,
                                       ngx_pimap_function_library_trouble(
                                           ngx_pimap_node_slot(&account)));
    }

    flight->account = account;
    flight->line = b->line;
    flight->answer = answer;
    b->sent++;

    return NGX_OK;
}


/* It stands in the body, or in the envelope, which goes earlier. */

static ngx_int_t
ngx_pimap_publish_batch_account(ngx_pimap_publish_batch_t *b,
    pimap_envelope_t *e, ngx_str_t *account, const char **problem)
{
    account->data = (u_char *) e->account.data;
    account->len = e->account.len;

    if (e->account.data == e->account_text
        && ngx_pimap_copy(b->request->pool, account, account->data,
                          account->len)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_pimap_account_name_check(b->request, account, problem);
}


/* A line's own key, or that of the request with the number of the line. */

static void
ngx_pimap_publish_batch_key(ngx_pimap_publish_batch_t *b, pimap_envelope_t *e,
    ngx_str_t *key, u_char *buf, size_t size)
{
    key->data = (u_char *) e->key.data;
    key->len = e->key.len;

    if (key->len == 0 && b->key.len) {
        key->data = buf;
        key->len = ngx_snprintf(buf, size, "%V:%ui", &b->key, b->line) - buf;
    }
}


static ngx_int_t
ngx_pimap_publish_batch_invalid(ngx_pimap_publish_batch_t *b,
    ngx_str_t *answer, ngx_uint_t status, const char *reason)
{
    ngx_pimap_count(publish_invalid);

    return ngx_pimap_publish_answer_problem(b, b->line, answer, status,
                                           reason);
}


static void
ngx_pimap_publish_batch_answered(void *data, redisReply *reply)
{
    ngx_int_t                    rc;
    ngx_pimap_publish_batch_t   *b;
    ngx_pimap_publish_flight_t  *flight;

    b = data;

    flight = b->flights + b->answered % NGX_PIMAP_PUBLISH_BATCH_FLIGHT;
    b->answered++;

    rc = ngx_pimap_publish_answer_reply(b, flight, reply);

    /* without memory for its answer the line is left without one */

    if (rc != NGX_OK) {
        ngx_str_null(flight->answer);
    }

    ngx_post_event(&b->turn, &ngx_posted_events);
}


static void
ngx_pimap_publish_batch_turn_handler(ngx_event_t *ev)
{
    ngx_int_t                   rc;
    ngx_connection_t           *c;
    ngx_http_request_t         *r;
    ngx_pimap_publish_batch_t  *b;

    b = ngx_queue_data(ev, ngx_pimap_publish_batch_t, turn);
    r = b->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    rc = ngx_pimap_publish_batch_run(b);

    if (rc != NGX_DONE) {
        ngx_http_finalize_request(r, rc);
    }

    ngx_http_run_posted_requests(c);
}


/* Lines that Redis does not have yet are not published. */

static void
ngx_pimap_publish_batch_cleanup(void *data)
{
    ngx_pimap_publish_flight_t  *flight;
    ngx_pimap_publish_batch_t   *b = data;

    if (b->turn.posted) {
        ngx_delete_posted_event(&b->turn);
    }

    for ( /* void */ ; b->answered != b->sent; b->answered++) {
        flight = b->flights + b->answered % NGX_PIMAP_PUBLISH_BATCH_FLIGHT;
        ngx_pimap_command_forget(flight->command);
    }
}
