
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Texts go through nginx's filters as buffers that point into them.  What the
 * filters have not sent stays in "busy", each with a reference to its text;
 * the rest is used again, so that nothing grows with the number of events.
 */


#include "ngx_pimap_transport_request.h"
#include "ngx_pimap_conf.h"
#include "ngx_pimap_detach.h"
#include "ngx_pimap_transport_request_read.h"
#include "ngx_pimap_hibernate.h"
#include "ngx_pimap_input.h"
#include "ngx_pimap_cursor.h"
#include "ngx_pimap_park.h"


typedef struct ngx_pimap_transport_request_out_s  ngx_pimap_transport_request_out_t;

struct ngx_pimap_transport_request_out_s {
    ngx_chain_t             chain;
    ngx_buf_t               buf;
    ngx_pimap_message_t       *text;
    ngx_pimap_transport_request_out_t   *next;
};


/* Lives in the request's pool, ends with it. */
typedef struct {
    ngx_http_request_t     *request;
    ngx_pimap_device_t     *device;     /* NULL: it has left */
    ngx_pimap_transport_request_out_t   *busy;       /* oldest first */
    ngx_pimap_transport_request_out_t  **last;
    ngx_pimap_transport_request_out_t   *free;
    size_t                  unsent;     /* bytes in busy */
    size_t                  limit;
    ngx_msec_t              timeout;
    ngx_uint_t              detachable;
    ngx_event_t             detach;
} ngx_pimap_transport_request_t;


static ngx_int_t ngx_pimap_transport_request_send(ngx_pimap_device_t *d,
    ngx_pimap_message_t *text);
static void ngx_pimap_transport_request_end(void *connection,
    ngx_uint_t clean);
static size_t ngx_pimap_transport_request_unsent(void *connection);
static ngx_log_t *ngx_pimap_transport_request_log(void *connection);
static ngx_int_t ngx_pimap_transport_request_output(ngx_pimap_transport_request_t *held, ngx_pimap_message_t *text);
static ngx_pimap_transport_request_out_t *ngx_pimap_transport_request_out(ngx_pimap_transport_request_t *held, ngx_pimap_message_t *text);
static void ngx_pimap_transport_request_recycle(ngx_pimap_transport_request_t *held);
static ngx_int_t ngx_pimap_transport_request_wait(ngx_pimap_transport_request_t *held);
static void ngx_pimap_transport_request_free_buffer(ngx_http_request_t *r);
static void ngx_pimap_transport_request_read_handler(ngx_http_request_t *r);
static void ngx_pimap_transport_request_write_handler(ngx_http_request_t *r);
static void ngx_pimap_transport_request_detach_handler(ngx_event_t *ev);
static void ngx_pimap_transport_request_cleanup(void *data);
static void ngx_pimap_transport_request_watch(ngx_connection_t *c,
    ngx_msec_t timeout);


static const ngx_pimap_transport_t  ngx_pimap_transport_request_transport = {
    ngx_pimap_transport_request_send,
    ngx_pimap_transport_request_end,
    ngx_pimap_transport_request_unsent,
    ngx_pimap_transport_request_log
};


void
ngx_pimap_transport_request_kind(ngx_http_request_t *r,
    ngx_pimap_park_request_t *parking)
{
    parking->kind = NGX_PIMAP_HELD;

    /* an HTTP/2 stream has the connection's "ssl" too */

    if (r->connection->ssl) {
        parking->kind |= NGX_PIMAP_KIND_TLS;
    }

#if (NGX_HTTP_V2)
    if (r->stream) {
        parking->kind |= NGX_PIMAP_KIND_HTTP2;
    }
#endif
}


ngx_int_t
ngx_pimap_transport_request_park(ngx_http_request_t *r,
    ngx_pimap_park_request_t *parking, ngx_pimap_message_t *hello)
{
    ngx_str_t            ahead;
    ngx_pimap_transport_request_t    *held;
    ngx_pool_cleanup_t  *cln;

    ngx_pimap_transport_request_read_ahead(r, parking, &ahead);

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_pimap_transport_request_t));
    if (cln == NULL) {
        return NGX_ERROR;
    }

    held = cln->data;
    ngx_memzero(held, sizeof(ngx_pimap_transport_request_t));

    held->request = r;
    held->last = &held->busy;
    held->limit = parking->conf->buffer;
    held->timeout = parking->conf->send_timeout;
    held->detachable = ngx_pimap_detach_possible(r, parking->coding
                                                    != NGX_PIMAP_IDENTITY);
    held->detach.handler = ngx_pimap_transport_request_detach_handler;
    held->detach.data = r->connection;
    held->detach.log = r->connection->log;

    cln->handler = ngx_pimap_transport_request_cleanup;

    held->device = ngx_pimap_park(parking,
                                  &ngx_pimap_transport_request_transport, held,
                                  r->connection->log);
    if (held->device == NULL) {
        return NGX_ERROR;
    }

    if (!held->detachable && parking->conf->hibernate && r->connection->ssl) {
        ngx_pimap_hibernate_refused(r->connection->log, "it stays held");
    }

    ngx_http_set_ctx(r, held, ngx_pimap_module);

    r->read_event_handler = parking->input == NGX_PIMAP_INPUT_NONE
                            ? ngx_http_test_reading
                            : ngx_pimap_transport_request_read_handler;
    r->write_event_handler = ngx_pimap_transport_request_write_handler;
    r->connection->log->action = "parking response";

    /* pings are rare and events small: "limit_rate" is not for them */

    r->limit_rate = 0;
    r->limit_rate_set = 1;

    ngx_pimap_transport_request_watch(r->connection, held->timeout);

    r->main->count++;

    (void) ngx_pimap_device_send(held->device, hello);

    if (ahead.len) {
        (void) ngx_pimap_input(held->device, ahead.data, ahead.len);
    }

    /* what came while Redis was asked is not announced again */

    if (parking->input != NGX_PIMAP_INPUT_NONE) {
        ngx_post_event(r->connection->read, &ngx_posted_events);
    }

    return NGX_DONE;
}


static ngx_int_t
ngx_pimap_transport_request_send(ngx_pimap_device_t *d,
    ngx_pimap_message_t *text)
{
    ngx_int_t          rc;
    ngx_connection_t  *c;
    ngx_pimap_transport_request_t  *held;

    held = d->connection;
    c = held->request->connection;

    if (held->unsent + text->len > held->limit && held->unsent) {
        return NGX_BUSY;
    }

    ngx_http_set_log_request(c->log, held->request);

    rc = ngx_pimap_transport_request_output(held, text);

    ngx_http_run_posted_requests(c);

    return rc;
}


static ngx_int_t
ngx_pimap_transport_request_output(ngx_pimap_transport_request_t *held,
    ngx_pimap_message_t *text)
{
    ngx_pimap_transport_request_out_t  *out;

    out = NULL;

    if (text) {
        out = ngx_pimap_transport_request_out(held, text);
        if (out == NULL) {
            return NGX_ERROR;
        }
    }

    if (ngx_http_output_filter(held->request, out ? &out->chain : NULL)
        == NGX_ERROR)
    {
        return NGX_ERROR;
    }

    ngx_pimap_transport_request_recycle(held);

    return ngx_pimap_transport_request_wait(held);
}


static ngx_pimap_transport_request_out_t *
ngx_pimap_transport_request_out(ngx_pimap_transport_request_t *held,
    ngx_pimap_message_t *text)
{
    ngx_buf_t             *b;
    ngx_pimap_transport_request_out_t  *out;

    out = held->free;

    if (out) {
        held->free = out->next;

    } else {
        out = ngx_palloc(held->request->pool,
                         sizeof(ngx_pimap_transport_request_out_t));
        if (out == NULL) {
            return NULL;
        }
    }

    ngx_memzero(out, sizeof(ngx_pimap_transport_request_out_t));

    out->text = ngx_pimap_message_ref(text);
    out->chain.buf = &out->buf;

    b = &out->buf;
    b->start = text->data;
    b->pos = text->data;
    b->last = text->data + text->len;
    b->end = b->last;
    b->memory = 1;
    b->flush = 1;
    b->tag = (ngx_buf_tag_t) &ngx_pimap_module;

    *held->last = out;
    held->last = &out->next;
    held->unsent += text->len;

    return out;
}


static void
ngx_pimap_transport_request_recycle(ngx_pimap_transport_request_t *held)
{
    ngx_pimap_transport_request_out_t  *out;

    while (held->busy && ngx_buf_size(&held->busy->buf) == 0) {
        out = held->busy;
        held->busy = out->next;

        if (held->busy == NULL) {
            held->last = &held->busy;
        }

        held->unsent -= out->text->len;
        ngx_pimap_message_unref(out->text);

        out->text = NULL;
        out->next = held->free;
        held->free = out;
    }
}


/* As ngx_http_writer() does, but the request goes on when all is sent. */

static ngx_int_t
ngx_pimap_transport_request_wait(ngx_pimap_transport_request_t *held)
{
    ngx_event_t               *wev;
    ngx_http_request_t        *r;
    ngx_http_core_loc_conf_t  *clcf;

    r = held->request;
    wev = r->connection->write;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    if (held->busy || r->buffered || r->connection->buffered) {

        if (!wev->timer_set) {
            ngx_add_timer(wev, held->timeout);
        }

    } else {

        if (wev->timer_set) {
            ngx_del_timer(wev);
        }

        ngx_pimap_transport_request_free_buffer(r);

        if (held->device) {
            ngx_pimap_cursor_drained(held->device);
        }

        if (held->detachable) {
            ngx_post_event(&held->detach, &ngx_posted_events);
        }
    }

    return ngx_handle_write_event(wev, clcf->send_lowat);
}


/* 16 kB that nginx would keep for TLS until the connection's end. */

static void
ngx_pimap_transport_request_free_buffer(ngx_http_request_t *r)
{
    ngx_connection_t  *c;

    c = r->connection;

#if (NGX_HTTP_V2)
    if (r->stream) {
        c = r->stream->connection->connection;
    }
#endif

    if (c->ssl && c->ssl->buf && c->ssl->buf->pos == c->ssl->buf->last) {
        ngx_ssl_free_buffer(c);
    }
}


static void
ngx_pimap_transport_request_read_handler(ngx_http_request_t *r)
{
    ngx_pimap_transport_request_t  *held;

    held = ngx_http_get_module_ctx(r, ngx_pimap_module);

    if (held->device == NULL) {
        return;
    }

    if (ngx_pimap_transport_request_read(r, held->device) != NGX_OK) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "client prematurely closed connection");

        ngx_http_finalize_request(r, NGX_HTTP_CLIENT_CLOSED_REQUEST);
    }
}


static void
ngx_pimap_transport_request_write_handler(ngx_http_request_t *r)
{
    off_t              sent;
    size_t             unsent;
    ngx_event_t       *wev;
    ngx_pimap_transport_request_t  *held;

    wev = r->connection->write;
    held = ngx_http_get_module_ctx(r, ngx_pimap_module);

    ngx_log_debug1(NGX_LOG_DEBUG_HTTP, wev->log, 0,
                   "pimap held write handler, unsent:%uz", held->unsent);

    if (held->device == NULL) {
        return;
    }

    if (wev->timedout) {
        r->connection->timedout = 1;
        ngx_pimap_device_end(held->device, NGX_PIMAP_END_TIMEOUT, NULL);
        return;
    }

    sent = r->connection->sent;
    unsent = held->unsent;

    if (ngx_pimap_transport_request_output(held, NULL) != NGX_OK) {
        ngx_pimap_device_end(held->device, NGX_PIMAP_END_CLIENT, NULL);
        return;
    }

    /* the time-out is for no progress, not for all that is unsent */

    if (wev->timer_set
        && (r->connection->sent != sent || held->unsent != unsent))
    {
        ngx_del_timer(wev);
        ngx_add_timer(wev, held->timeout);
    }
}


/* Everything is sent, and nobody is inside of the request now. */

static void
ngx_pimap_transport_request_detach_handler(ngx_event_t *ev)
{
    ngx_connection_t    *c;
    ngx_pimap_transport_request_t    *held;
    ngx_pimap_device_t  *d;

    c = ev->data;
    held = ngx_http_get_module_ctx((ngx_http_request_t *) c->data,
                                   ngx_pimap_module);
    d = held->device;

    if (d == NULL || d->closing || held->busy) {
        return;
    }

    /* the request's clean-up is not the device's end */

    held->device = NULL;

    if (ngx_pimap_detach(held->request, d) != NGX_OK) {
        held->device = d;
    }
}


static void
ngx_pimap_transport_request_end(void *connection, ngx_uint_t clean)
{
    ngx_int_t            rc;
    ngx_connection_t    *c;
    ngx_pimap_transport_request_t    *held;
    ngx_http_request_t  *r;

    held = connection;
    r = held->request;
    c = r->connection;

    held->device = NULL;

    ngx_http_set_log_request(c->log, r);

    rc = clean ? ngx_http_send_special(r, NGX_HTTP_LAST) : NGX_ERROR;

    ngx_http_finalize_request(r, rc);

    ngx_http_run_posted_requests(c);
}


static size_t
ngx_pimap_transport_request_unsent(void *connection)
{
    ngx_pimap_transport_request_t  *held = connection;

    return held->unsent;
}


static ngx_log_t *
ngx_pimap_transport_request_log(void *connection)
{
    ngx_pimap_transport_request_t  *held = connection;

    return held->request->connection->log;
}


static void
ngx_pimap_transport_request_cleanup(void *data)
{
    ngx_pimap_transport_request_t      *held = data;
    ngx_pimap_transport_request_out_t  *out;

    for (out = held->busy; out; out = out->next) {
        ngx_pimap_message_unref(out->text);
    }

    held->busy = NULL;

    if (held->detach.posted) {
        ngx_delete_posted_event(&held->detach);
    }

    if (held->device) {
        ngx_pimap_device_leave(held->device, NGX_PIMAP_END_CLIENT);
        held->device = NULL;
    }
}


/*
 * An event is not to wait for the acknowledgement of the one before.  And a
 * peer that is gone without a FIN: the kernel asks an idle one, and gives
 * up on bytes that are not acknowledged.
 */

static void
ngx_pimap_transport_request_watch(ngx_connection_t *c, ngx_msec_t timeout)
{
    int  on;
#if (TCP_USER_TIMEOUT)
    int  msec;
#endif

    if (c->sockaddr->sa_family == AF_UNIX) {
        return;
    }

    (void) ngx_tcp_nodelay(c);

    on = 1;

    if (setsockopt(c->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(int)) == -1) {
        ngx_connection_error(c, ngx_socket_errno,
                             "setsockopt(SO_KEEPALIVE) failed");
    }

#if (TCP_USER_TIMEOUT)

    /* later than our own timer, which knows a slow peer from a gone one */

    msec = (int) timeout + 3000;

    if (setsockopt(c->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &msec, sizeof(int))
        == -1)
    {
        ngx_connection_error(c, ngx_socket_errno,
                             "setsockopt(TCP_USER_TIMEOUT) failed");
    }

#endif
}
