
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * What comes for the device is kept, as references to the texts, until the
 * log has nothing more for it, the first live event has had a little time for
 * its companions, the buffer is full, or the wait is over.  Then the answer
 * goes out, with the id to go on from: what it has no room for is read from
 * the log for the next poll.
 */


#include "ngx_pimap_transport_poll.h"
#include "ngx_pimap_accept.h"
#include "ngx_pimap_coalesce.h"
#include "ngx_pimap_conf.h"
#include "ngx_pimap_park.h"
#include "ngx_pimap_problem.h"
#include "ngx_pimap_cursor.h"


#define NGX_PIMAP_TRANSPORT_POLL_MIN   1          /* seconds that may be asked for */


/* Lives in the request's pool, ends with it. */
typedef struct {
    ngx_queue_t              link;      /* of those that wait */
    ngx_http_request_t      *request;
    ngx_pimap_device_t      *device;    /* NULL: it has left */
    ngx_array_t              texts;     /* of ngx_pimap_message_t * */
    size_t                   size;      /* of the answer's lines */
    size_t                   limit;
    ngx_msec_t               linger;
    ngx_pimap_coding_t       coding;
    pimap_event_start_t        start;     /* where the next poll goes on */
    ngx_event_t              timer;
    ngx_event_t              check;
    unsigned                 lingers:1;
    unsigned                 full:1;
} ngx_pimap_transport_poll_t;


static ngx_int_t ngx_pimap_transport_poll_send(ngx_pimap_device_t *d,
    ngx_pimap_message_t *text);
static void ngx_pimap_transport_poll_end(void *connection, ngx_uint_t clean);
static size_t ngx_pimap_transport_poll_unsent(void *connection);
static ngx_log_t *ngx_pimap_transport_poll_log(void *connection);
static ngx_int_t ngx_pimap_transport_poll_take(ngx_pimap_transport_poll_t *poll, ngx_pimap_message_t *text);
static void ngx_pimap_transport_poll_check_handler(ngx_event_t *ev);
static void ngx_pimap_transport_poll_timer_handler(ngx_event_t *ev);
static void ngx_pimap_transport_poll_over(ngx_pimap_transport_poll_t *poll);
static ngx_int_t ngx_pimap_transport_poll_answer(ngx_pimap_transport_poll_t *poll);
static ngx_int_t ngx_pimap_transport_poll_body(ngx_pimap_transport_poll_t *poll, ngx_str_t *body);
static ngx_int_t ngx_pimap_transport_poll_pack(ngx_pimap_transport_poll_t *poll, ngx_str_t *body);
static void ngx_pimap_transport_poll_cleanup(void *data);


static const ngx_pimap_transport_t  ngx_pimap_transport_poll_transport = {
    ngx_pimap_transport_poll_send,
    ngx_pimap_transport_poll_end,
    ngx_pimap_transport_poll_unsent,
    ngx_pimap_transport_poll_log
};

static ngx_queue_t  ngx_pimap_polls;


ngx_int_t
ngx_pimap_transport_poll_init_process(ngx_cycle_t *cycle)
{
    ngx_queue_init(&ngx_pimap_polls);

    return NGX_OK;
}


ngx_msec_t
ngx_pimap_transport_poll_wait(ngx_pimap_loc_conf_t *plcf, ngx_int_t asked)
{
    ngx_msec_t  wait;

    wait = plcf->poll_wait;

    if (asked != NGX_CONF_UNSET) {
        wait = (ngx_msec_t) ngx_max(asked,
                                    NGX_PIMAP_TRANSPORT_POLL_MIN) * 1000;
    }

    return ngx_min(wait, plcf->poll_wait_max);
}


ngx_int_t
ngx_pimap_transport_poll_park(ngx_http_request_t *r,
    ngx_pimap_park_request_t *parking)
{
    ngx_pimap_transport_poll_t    *poll;
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_pimap_transport_poll_t));
    if (cln == NULL) {
        return NGX_ERROR;
    }

    poll = cln->data;
    ngx_memzero(poll, sizeof(ngx_pimap_transport_poll_t));

    if (ngx_array_init(&poll->texts, r->pool, 4, sizeof(ngx_pimap_message_t *))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_queue_init(&poll->link);

    poll->request = r;
    poll->limit = parking->conf->buffer;
    poll->linger = parking->conf->poll_linger;
    poll->start = parking->start;
    poll->coding = parking->coding;
    poll->timer.handler = ngx_pimap_transport_poll_timer_handler;
    poll->timer.data = r->connection;
    poll->timer.log = r->connection->log;
    poll->check.handler = ngx_pimap_transport_poll_check_handler;
    poll->check.data = r->connection;
    poll->check.log = r->connection->log;

    cln->handler = ngx_pimap_transport_poll_cleanup;

    /* nothing is sent before the answer, which is compressed as a whole */

    parking->ping = 0;
    parking->coding = NGX_PIMAP_IDENTITY;
    parking->kind |= NGX_PIMAP_POLL;

    poll->device = ngx_pimap_park(parking, &ngx_pimap_transport_poll_transport,
                                  poll,
                                  r->connection->log);
    if (poll->device == NULL) {
        return NGX_ERROR;
    }

    ngx_queue_insert_tail(&ngx_pimap_polls, &poll->link);
    ngx_http_set_ctx(r, poll, ngx_pimap_module);

    r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = ngx_http_request_empty_handler;
    r->connection->log->action = "waiting for events";

    ngx_add_timer(&poll->timer, parking->wait);

    r->main->count++;

    return NGX_DONE;
}


static ngx_int_t
ngx_pimap_transport_poll_send(ngx_pimap_device_t *d, ngx_pimap_message_t *text)
{
    ngx_pimap_transport_poll_t  *poll;

    poll = d->connection;

    if (text->kind == NGX_PIMAP_MESSAGE_EVENT && poll->texts.nelts
        && poll->size + text->len > poll->limit)
    {
        poll->full = 1;
        return NGX_DONE;
    }

    if (text->kind != NGX_PIMAP_MESSAGE_ID
        && ngx_pimap_transport_poll_take(poll, text) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (text->has_id) {
        poll->start.known = 1;
        poll->start.id = text->id;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_pimap_transport_poll_take(ngx_pimap_transport_poll_t *poll,
    ngx_pimap_message_t *text)
{
    ngx_pimap_message_t  **slot;

    slot = ngx_array_push(&poll->texts);
    if (slot == NULL) {
        return NGX_ERROR;
    }

    *slot = ngx_pimap_message_ref(text);
    poll->size += text->len;

    /* what is read from the log needs no companions */

    if (poll->device && poll->device->reader) {
        ngx_post_event(&poll->check, &ngx_posted_events);
    }

    if (!poll->lingers) {
        poll->lingers = 1;
        ngx_add_timer(&poll->timer, poll->linger);
    }

    return NGX_OK;
}


/* A page has been read, and maybe the next one is asked for already. */

static void
ngx_pimap_transport_poll_check_handler(ngx_event_t *ev)
{
    ngx_connection_t  *c;
    ngx_pimap_transport_poll_t  *poll;

    c = ev->data;
    poll = ngx_http_get_module_ctx((ngx_http_request_t *) c->data,
                                   ngx_pimap_module);

    if (poll->device && !ngx_pimap_cursor_reads(poll->device)) {
        ngx_pimap_transport_poll_over(poll);
    }
}


static void
ngx_pimap_transport_poll_timer_handler(ngx_event_t *ev)
{
    ngx_connection_t  *c;
    ngx_pimap_transport_poll_t  *poll;

    c = ev->data;
    poll = ngx_http_get_module_ctx((ngx_http_request_t *) c->data,
                                   ngx_pimap_module);

    if (poll->device) {
        ngx_pimap_transport_poll_over(poll);
    }
}


/*
 * Outside of any walk: what is held back comes now, and the place of the
 * device in the log counts what its filter has kept back, too.
 */

static void
ngx_pimap_transport_poll_over(ngx_pimap_transport_poll_t *poll)
{
    pimap_event_start_t    place;
    ngx_pimap_device_t  *d;

    d = poll->device;

    ngx_pimap_coalesce_flush(d->account);

    if (d->closing) {
        return;
    }

    ngx_pimap_cursor_get(d, &place);

    if (place.known) {
        poll->start = place;
    }

    ngx_pimap_device_end(d, NGX_PIMAP_END_ANSWERED, NULL);
}


static void
ngx_pimap_transport_poll_end(void *connection, ngx_uint_t clean)
{
    ngx_int_t            rc;
    ngx_connection_t    *c;
    ngx_pimap_transport_poll_t    *poll;
    ngx_http_request_t  *r;

    poll = connection;
    r = poll->request;
    c = r->connection;

    poll->device = NULL;
    ngx_queue_remove(&poll->link);
    ngx_queue_init(&poll->link);

    if (poll->timer.timer_set) {
        ngx_del_timer(&poll->timer);
    }

    ngx_http_set_log_request(c->log, r);

    rc = clean ? ngx_pimap_transport_poll_answer(poll)
               : NGX_HTTP_INTERNAL_SERVER_ERROR;

    ngx_http_finalize_request(r, rc);

    ngx_http_run_posted_requests(c);
}


static ngx_int_t
ngx_pimap_transport_poll_answer(ngx_pimap_transport_poll_t *poll)
{
    ngx_str_t            body;
    ngx_http_request_t  *r;

    static ngx_str_t  type = ngx_string("application/json");

    r = poll->request;

    if (poll->start.known
        && ngx_pimap_add_event_id(r, &poll->start.id) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (poll->texts.nelts == 0) {

        if (ngx_pimap_add_header(r, "Cache-Control", "no-store") != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        r->headers_out.status = NGX_HTTP_NO_CONTENT;
        r->header_only = 1;

        return ngx_http_send_header(r);
    }

    if (ngx_pimap_transport_poll_body(poll, &body) != NGX_OK
        || ngx_pimap_transport_poll_pack(poll, &body) != NGX_OK
        || ngx_pimap_accept_encoded(r, poll->coding) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_pimap_answer(r, NGX_HTTP_OK, &type, &body);
}


static ngx_int_t
ngx_pimap_transport_poll_body(ngx_pimap_transport_poll_t *poll,
    ngx_str_t *body)
{
    u_char             *p, id[PIMAP_EVENT_ID_LEN];
    ngx_str_t           last;
    ngx_uint_t          i, n;
    ngx_pimap_message_t  **texts;

    n = poll->texts.nelts;
    texts = poll->texts.elts;

    p = ngx_pnalloc(poll->request->pool,
                    sizeof("{\"lastEventId\":\"\",\"events\":[\n]}\n")
                    + PIMAP_EVENT_ID_LEN + poll->size + n);
    if (p == NULL) {
        return NGX_ERROR;
    }

    body->data = p;
    *p++ = '{';

    if (poll->start.known) {
        last.data = id;
        last.len = pimap_event_id_text(&poll->start.id, id);
        p = ngx_sprintf(p, "\"lastEventId\":\"%V\",", &last);
    }

    p = ngx_sprintf(p, "\"events\":[\n");

    for (i = 0; i < n; i++) {

        /* each is a line */

        p = ngx_cpymem(p, texts[i]->data, texts[i]->len - 1);

        if (i + 1 < n) {
            *p++ = ',';
        }

        *p++ = '\n';
    }

    p = ngx_sprintf(p, "]}\n");

    body->len = p - body->data;

    return NGX_OK;
}


static ngx_int_t
ngx_pimap_transport_poll_pack(ngx_pimap_transport_poll_t *poll,
    ngx_str_t *body)
{
    u_char     *p;
    uint32_t    check;
    ngx_str_t   block;

    if (poll->coding == NGX_PIMAP_IDENTITY) {
        return NGX_OK;
    }

    if (ngx_pimap_deflate(&block, NULL, 0, body, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    p = ngx_pnalloc(poll->request->pool, NGX_PIMAP_DEFLATE_HEAD + block.len
                                         + NGX_PIMAP_DEFLATE_TAIL);
    if (p == NULL) {
        return NGX_ERROR;
    }

    check = ngx_pimap_deflate_check(poll->coding, 0, NULL);
    check = ngx_pimap_deflate_check(poll->coding, check, body);

    ngx_pimap_count(compressed);
    ngx_pimap_count_n(compressed_plain_bytes, body->len);

    block.len = ngx_cpymem(ngx_pimap_deflate_head(p, poll->coding),
                           block.data, block.len)
                - p;
    block.len = ngx_pimap_deflate_tail(p + block.len, poll->coding, check,
                                       (uint32_t) body->len)
                - p;

    ngx_pimap_count_n(compressed_bytes, block.len);

    body->data = p;
    body->len = block.len;

    return NGX_OK;
}


void
ngx_pimap_transport_poll_drain(void)
{
    ngx_queue_t       *q;
    ngx_pimap_transport_poll_t  *poll;

    for (q = ngx_queue_head(&ngx_pimap_polls);
         q != ngx_queue_sentinel(&ngx_pimap_polls);
         q = ngx_queue_next(q))
    {
        poll = ngx_queue_data(q, ngx_pimap_transport_poll_t, link);

        ngx_pimap_unpark(poll->device);
    }
}


static size_t
ngx_pimap_transport_poll_unsent(void *connection)
{
    ngx_pimap_transport_poll_t  *poll = connection;

    return poll->size;
}


static ngx_log_t *
ngx_pimap_transport_poll_log(void *connection)
{
    ngx_pimap_transport_poll_t  *poll = connection;

    return poll->request->connection->log;
}


static void
ngx_pimap_transport_poll_cleanup(void *data)
{
    ngx_uint_t          i;
    ngx_pimap_transport_poll_t   *poll;
    ngx_pimap_message_t  **texts;

    poll = data;
    texts = poll->texts.elts;

    for (i = 0; i < poll->texts.nelts; i++) {
        ngx_pimap_message_unref(texts[i]);
    }

    poll->texts.nelts = 0;

    if (poll->timer.timer_set) {
        ngx_del_timer(&poll->timer);
    }

    if (poll->check.posted) {
        ngx_delete_posted_event(&poll->check);
    }

    ngx_queue_remove(&poll->link);

    if (poll->device) {
        ngx_pimap_device_leave(poll->device, NGX_PIMAP_END_CLIENT);
        poll->device = NULL;
    }
}
