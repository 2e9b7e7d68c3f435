
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Messages for the device are kept as references.  The answer is sent when the
 * log has no more events for the device, when "pimap_linger" has passed since
 * the first live event, when the buffer is full, or when the wait is over.
 * The answer has the id of its last event.  Events for which it has no room
 * are read from the log by the next poll.
 */


#include "ngx_pimap_transport.h"
#include "ngx_pimap_http.h"
#include "ngx_pimap_delivery.h"
#include "ngx_pimap_encode.h"
#include "ngx_pimap_conf.h"
#include "ngx_pimap_socket.h"


#define NGX_PIMAP_POLL_MIN   1          /* seconds, the shortest wait */

#define ngx_pimap_poll_dbg(poll, state)                                       \
    ngx_pimap_socket_dbg((poll)->request->connection, state, "poll",          \
                         (poll)->request->connection->ssl ? "openssl"         \
                                                          : "none",           \
                         (poll)->size)


/* Lives in the request's pool, ends with it. */
typedef struct {
    ngx_queue_t          link;          /* of those that wait */
    ngx_http_request_t  *request;
    ngx_pimap_device_t  *device;        /* NULL: it has left */
    ngx_array_t          messages;      /* of ngx_pimap_message_t * */
    size_t               size;          /* of the answer's lines */
    size_t               limit;
    ngx_msec_t           linger;
    ngx_pimap_coding_t   coding;
    pimap_event_start_t  start;         /* of the next poll */
    ngx_event_t          timer;
    ngx_event_t          check;
    unsigned             lingers:1;
    unsigned             full:1;
    unsigned             alone:1;       /* events are compressed so */
} ngx_pimap_poll_t;


static ngx_int_t ngx_pimap_poll_send(ngx_pimap_device_t *d,
    ngx_pimap_message_t *message);
static void ngx_pimap_poll_end(void *connection, ngx_uint_t clean);
static size_t ngx_pimap_poll_unsent(void *connection);
static ngx_log_t *ngx_pimap_poll_log(void *connection);
static ngx_int_t ngx_pimap_poll_take(ngx_pimap_poll_t *poll,
    ngx_pimap_message_t *message);
static void ngx_pimap_poll_check_handler(ngx_event_t *ev);
static void ngx_pimap_poll_timer_handler(ngx_event_t *ev);
static void ngx_pimap_poll_over(ngx_pimap_poll_t *poll);
static ngx_int_t ngx_pimap_poll_answer(ngx_pimap_poll_t *poll);
static ngx_int_t ngx_pimap_poll_body(ngx_pimap_poll_t *poll, ngx_str_t *body);
static ngx_int_t ngx_pimap_poll_compress(ngx_pimap_poll_t *poll,
    ngx_str_t *body);
static ngx_int_t ngx_pimap_poll_pack(u_char **p, u_char *end,
    ngx_str_t *text, ngx_uint_t last);
static void ngx_pimap_poll_cleanup(void *data);


static const ngx_pimap_transport_t  ngx_pimap_poll_transport = {
    ngx_pimap_poll_send,
    ngx_pimap_poll_end,
    ngx_pimap_poll_unsent,
    ngx_pimap_poll_log,
    NULL                                /* a poll has no input */
};

static ngx_queue_t  ngx_pimap_polls;


ngx_int_t
ngx_pimap_poll_init_process(ngx_cycle_t *cycle)
{
    ngx_queue_init(&ngx_pimap_polls);

    return NGX_OK;
}


ngx_msec_t
ngx_pimap_poll_wait(ngx_pimap_loc_conf_t *plcf, ngx_int_t asked)
{
    ngx_msec_t  wait;

    wait = plcf->poll_wait;

    if (asked != NGX_CONF_UNSET) {
        wait = (ngx_msec_t) ngx_max(asked, NGX_PIMAP_POLL_MIN) * 1000;
    }

    return ngx_min(wait, plcf->poll_wait_max);
}


ngx_int_t
ngx_pimap_poll_park(ngx_http_request_t *r, ngx_pimap_park_request_t *parking)
{
    ngx_pimap_poll_t    *poll;
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_pimap_poll_t));
    if (cln == NULL) {
        return NGX_ERROR;
    }

    poll = cln->data;
    ngx_memzero(poll, sizeof(ngx_pimap_poll_t));

    if (ngx_array_init(&poll->messages, r->pool, 4,
                       sizeof(ngx_pimap_message_t *))
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
    poll->alone = !parking->conf->compress_dictionary;
    poll->timer.handler = ngx_pimap_poll_timer_handler;
    poll->timer.data = r->connection;
    poll->timer.log = r->connection->log;
    poll->check.handler = ngx_pimap_poll_check_handler;
    poll->check.data = r->connection;
    poll->check.log = r->connection->log;

    cln->handler = ngx_pimap_poll_cleanup;

    /* only the whole answer is sent, and compressed */

    parking->ping = 0;
    parking->coding = NGX_PIMAP_IDENTITY;
    parking->kind |= NGX_PIMAP_POLL;

    poll->device = ngx_pimap_park(parking, &ngx_pimap_poll_transport, poll,
                                  r->connection->log);
    if (poll->device == NULL) {
        return NGX_ERROR;
    }

    ngx_queue_insert_tail(&ngx_pimap_polls, &poll->link);

    r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = ngx_http_request_empty_handler;
    r->connection->log->action = "waiting for events";

    ngx_add_timer(&poll->timer, parking->wait);
    ngx_pimap_poll_dbg(poll, "waiting");

    r->main->count++;

    return NGX_DONE;
}


/* The answer of a poll that the worker ends, without parking it. */

ngx_int_t
ngx_pimap_poll_retry(ngx_http_request_t *r, ngx_pimap_park_request_t *parking)
{
    ngx_int_t              rc;
    ngx_pimap_poll_t       poll;
    ngx_pimap_message_t   *message, **slot;

    ngx_memzero(&poll, sizeof(ngx_pimap_poll_t));

    poll.request = r;
    poll.start = parking->start;
    poll.coding = parking->coding;

    if (ngx_array_init(&poll.messages, r->pool, 1,
                       sizeof(ngx_pimap_message_t *))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    message = ngx_pimap_encode(NGX_PIMAP_FORMAT_JSON, NGX_PIMAP_CONTROL_RETRY,
                               parking->conf->retry, NULL, r->connection->log);
    if (message == NULL) {
        return NGX_ERROR;
    }

    slot = ngx_array_push(&poll.messages);
    *slot = message;
    poll.size = message->len;

    rc = ngx_pimap_poll_answer(&poll);

    ngx_pimap_message_unref(message);

    return rc;
}


static ngx_int_t
ngx_pimap_poll_send(ngx_pimap_device_t *d, ngx_pimap_message_t *message)
{
    ngx_pimap_poll_t  *poll;

    poll = d->connection;

    if (message->kind == NGX_PIMAP_MESSAGE_EVENT && poll->messages.nelts
        && poll->size + message->len > poll->limit)
    {
        poll->full = 1;
        return NGX_DONE;
    }

    if (message->kind != NGX_PIMAP_MESSAGE_ID
        && ngx_pimap_poll_take(poll, message) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (message->has_id) {
        poll->start.known = 1;
        poll->start.id = message->id;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_pimap_poll_take(ngx_pimap_poll_t *poll, ngx_pimap_message_t *message)
{
    ngx_pimap_message_t  **slot;

    slot = ngx_array_push(&poll->messages);
    if (slot == NULL) {
        return NGX_ERROR;
    }

    *slot = ngx_pimap_message_ref(message);
    poll->size += message->len;

    /* events of the log come in pages: no reason to wait for more */

    if (poll->device && poll->device->reader) {
        ngx_post_event(&poll->check, &ngx_posted_events);
    }

    if (!poll->lingers) {
        poll->lingers = 1;
        ngx_add_timer(&poll->timer, poll->linger);
    }

    return NGX_OK;
}


/* A page of the log has been read; the next one may be on its way. */

static void
ngx_pimap_poll_check_handler(ngx_event_t *ev)
{
    ngx_pimap_poll_t  *poll;

    poll = ngx_queue_data(ev, ngx_pimap_poll_t, check);

    if (poll->device && !ngx_pimap_cursor_reads(poll->device)) {
        ngx_pimap_poll_over(poll);
    }
}


static void
ngx_pimap_poll_timer_handler(ngx_event_t *ev)
{
    ngx_pimap_poll_t  *poll;

    poll = ngx_queue_data(ev, ngx_pimap_poll_t, timer);

    if (poll->device) {
        ngx_pimap_poll_over(poll);
    }
}


/*
 * Called outside of any walk over devices, so that events that coalescing
 * holds can be delivered.  The cursor is also after events that the filter has
 * kept back.
 */

static void
ngx_pimap_poll_over(ngx_pimap_poll_t *poll)
{
    ngx_pimap_device_t  *d;
    pimap_event_start_t  place;

    d = poll->device;

    ngx_pimap_coalesce_flush(d->account);
    ngx_pimap_backlog_catch_up(d);

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
ngx_pimap_poll_end(void *connection, ngx_uint_t clean)
{
    ngx_int_t            rc;
    ngx_connection_t    *c;
    ngx_pimap_poll_t    *poll;
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

    ngx_pimap_poll_dbg(poll, clean ? "answered" : "closed");

    ngx_http_set_log_request(c->log, r);

    rc = clean ? ngx_pimap_poll_answer(poll)
               : NGX_HTTP_INTERNAL_SERVER_ERROR;

    ngx_http_finalize_request(r, rc);

    ngx_http_run_posted_requests(c);
}


static ngx_int_t
ngx_pimap_poll_answer(ngx_pimap_poll_t *poll)
{
    ngx_str_t            body;
    ngx_http_request_t  *r;

    r = poll->request;

    if (poll->start.known
        && ngx_pimap_add_event_id(r, &poll->start.id) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (poll->messages.nelts == 0) {

        if (ngx_pimap_add_header(r, "Cache-Control", "no-store") != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        r->headers_out.status = NGX_HTTP_NO_CONTENT;
        r->header_only = 1;

        return ngx_http_send_header(r);
    }

    if (ngx_pimap_poll_body(poll, &body) != NGX_OK
        || ngx_pimap_poll_compress(poll, &body) != NGX_OK
        || ngx_pimap_accept_encoded(r, poll->coding) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_pimap_answer(r, NGX_HTTP_OK, "application/json", &body);
}


static ngx_int_t
ngx_pimap_poll_body(ngx_pimap_poll_t *poll, ngx_str_t *body)
{
    u_char                *p, id[PIMAP_EVENT_ID_LEN];
    ngx_str_t              last;
    ngx_uint_t             i, n;
    ngx_pimap_message_t  **messages;

    n = poll->messages.nelts;
    messages = poll->messages.elts;

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

        p = ngx_cpymem(p, messages[i]->data, messages[i]->len - 1);

        if (i + 1 < n) {
            *p++ = ',';
        }

        *p++ = '\n';
    }

    p = ngx_sprintf(p, "]}\n");

    body->len = p - body->data;

    return NGX_OK;
}


/*
 * The answer is one stream.  Without a dictionary each line is compressed by
 * itself, and a line is an event.
 */

static ngx_int_t
ngx_pimap_poll_compress(ngx_pimap_poll_t *poll, ngx_str_t *body)
{
    u_char    *p, *end, *last;
    size_t     size;
    uint32_t   check;
    ngx_str_t  packed, text;

    if (poll->coding == NGX_PIMAP_IDENTITY) {
        return NGX_OK;
    }

    size = ngx_pimap_deflate_size_max(body->len, poll->messages.nelts + 2);

    packed.data = ngx_pnalloc(poll->request->pool, size);
    if (packed.data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_pimap_deflate_head(packed.data, poll->coding);
    text = *body;
    last = body->data + body->len;

    while (text.data < last) {
        end = poll->alone ? ngx_strlchr(text.data, last, LF) + 1 : last;
        text.len = end - text.data;

        if (ngx_pimap_poll_pack(&p, packed.data + size, &text, end == last)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        text.data = end;
    }

    check = ngx_pimap_deflate_check(poll->coding, 0, NULL);
    check = ngx_pimap_deflate_check(poll->coding, check, body);

    p = ngx_pimap_deflate_tail(p, poll->coding, check, (uint32_t) body->len);
    packed.len = p - packed.data;

    ngx_pimap_count(compressed);
    ngx_pimap_count_n(compressed_plain_bytes, body->len);
    ngx_pimap_count_n(compressed_bytes, packed.len);

    *body = packed;

    return NGX_OK;
}


static ngx_int_t
ngx_pimap_poll_pack(u_char **p, u_char *end, ngx_str_t *text, ngx_uint_t last)
{
    ngx_str_t  block;

    if (ngx_pimap_deflate(&block, NULL, 0, text, last) != NGX_OK
        || (size_t) (end - *p) < block.len + NGX_PIMAP_DEFLATE_TAIL)
    {
        return NGX_ERROR;
    }

    *p = ngx_cpymem(*p, block.data, block.len);

    return NGX_OK;
}


void
ngx_pimap_poll_drain(void)
{
    ngx_queue_t       *q;
    ngx_pimap_poll_t  *poll;

    for (q = ngx_queue_head(&ngx_pimap_polls);
         q != ngx_queue_sentinel(&ngx_pimap_polls);
         q = ngx_queue_next(q))
    {
        poll = ngx_queue_data(q, ngx_pimap_poll_t, link);

        ngx_pimap_unpark(poll->device);
    }
}


static size_t
ngx_pimap_poll_unsent(void *connection)
{
    ngx_pimap_poll_t  *poll = connection;

    return poll->size;
}


static ngx_log_t *
ngx_pimap_poll_log(void *connection)
{
    ngx_pimap_poll_t  *poll = connection;

    return poll->request->connection->log;
}


static void
ngx_pimap_poll_cleanup(void *data)
{
    ngx_uint_t             i;
    ngx_pimap_poll_t      *poll;
    ngx_pimap_message_t  **messages;

    poll = data;
    messages = poll->messages.elts;

    for (i = 0; i < poll->messages.nelts; i++) {
        ngx_pimap_message_unref(messages[i]);
    }

    poll->messages.nelts = 0;

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
