
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Messages go through nginx's filters as buffers that point into them.  A
 * buffer that the filters have not sent stays in "busy", with a reference to
 * its message.  A buffer that is sent is used again, so that memory does not
 * grow with the number of events.
 */


#include "ngx_pimap_transport.h"
#include "ngx_pimap_conf.h"
#include "ngx_pimap_hibernate.h"
#include "ngx_pimap_updates.h"
#include "ngx_pimap_delivery.h"
#include "ngx_pimap_socket.h"


#define ngx_pimap_request_dbg(pr, state)                                      \
    ngx_pimap_socket_dbg((pr)->request->connection, state, "request",         \
                         (pr)->request->connection->ssl ? "openssl" : "none", \
                         (pr)->unsent)


typedef struct ngx_pimap_request_out_s  ngx_pimap_request_out_t;

struct ngx_pimap_request_out_s {
    ngx_chain_t               chain;
    ngx_buf_t                 buf;
    ngx_pimap_message_t      *message;
    ngx_pimap_request_out_t  *next;
};


/* Lives in the request's pool, ends with it. */
typedef struct {
    ngx_http_request_t        *request;
    ngx_pimap_device_t        *device;  /* NULL: it has left */
    ngx_pimap_request_out_t   *busy;    /* oldest first */
    ngx_pimap_request_out_t  **last;
    ngx_pimap_request_out_t   *free;
    size_t                     unsent;  /* bytes in busy */
    size_t                     limit;
    ngx_msec_t                 timeout;
    ngx_uint_t                 detachable;
    ngx_event_t                detach;
} ngx_pimap_request_t;


static ngx_int_t ngx_pimap_request_send(ngx_pimap_device_t *d,
    ngx_pimap_message_t *message);
static void ngx_pimap_request_end(void *connection, ngx_uint_t clean);
static size_t ngx_pimap_request_unsent(void *connection);
static ngx_log_t *ngx_pimap_request_log(void *connection);
static void ngx_pimap_request_resume(void *connection);
static ngx_int_t ngx_pimap_request_output(ngx_pimap_request_t *pr,
    ngx_pimap_message_t *message);
static ngx_pimap_request_out_t *ngx_pimap_request_out(ngx_pimap_request_t *pr,
    ngx_pimap_message_t *message);
static void ngx_pimap_request_recycle(ngx_pimap_request_t *pr);
static ngx_int_t ngx_pimap_request_wait(ngx_pimap_request_t *pr);
static void ngx_pimap_request_free_buffer(ngx_http_request_t *r);
static void ngx_pimap_request_read_handler(ngx_http_request_t *r);
static void ngx_pimap_request_write_handler(ngx_http_request_t *r);
static void ngx_pimap_request_detach_handler(ngx_event_t *ev);
static void ngx_pimap_request_cleanup(void *data);
static void ngx_pimap_request_watch(ngx_connection_t *c, ngx_msec_t timeout);


static const ngx_pimap_transport_t  ngx_pimap_request_transport = {
    ngx_pimap_request_send,
    ngx_pimap_request_end,
    ngx_pimap_request_unsent,
    ngx_pimap_request_log,
    ngx_pimap_request_resume
};


void
ngx_pimap_request_kind(ngx_http_request_t *r,
    ngx_pimap_park_request_t *parking)
{
    parking->kind = NGX_PIMAP_HELD;

    /* not by NGX_HTTP_V2: nginx may have more than this build was told */

    if (r->http_version > NGX_HTTP_VERSION_20) {
        parking->kind |= NGX_PIMAP_KIND_HTTP3;
        return;
    }

    if (r->http_version == NGX_HTTP_VERSION_20) {
        parking->kind |= NGX_PIMAP_KIND_HTTP2;
    }

    /* an HTTP/2 stream has the connection's "ssl" too */

    if (r->connection->ssl) {
        parking->kind |= NGX_PIMAP_KIND_TLS;
    }
}


ngx_int_t
ngx_pimap_request_park(ngx_http_request_t *r,
    ngx_pimap_park_request_t *parking, ngx_pimap_message_t *hello)
{
    ngx_str_t             ahead;
    ngx_uint_t            reads;
    ngx_pool_cleanup_t   *cln;
    ngx_pimap_request_t  *pr;

    ngx_pimap_request_read_ahead(r, parking, &ahead);

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_pimap_request_t));
    if (cln == NULL) {
        return NGX_ERROR;
    }

    pr = cln->data;
    ngx_memzero(pr, sizeof(ngx_pimap_request_t));

    pr->request = r;
    pr->last = &pr->busy;
    pr->limit = parking->conf->buffer;
    pr->timeout = parking->conf->send_timeout;
    pr->detachable = ngx_pimap_detach_possible(r, parking->coding
                                                  != NGX_PIMAP_IDENTITY);
    pr->detach.handler = ngx_pimap_request_detach_handler;
    pr->detach.data = r->connection;
    pr->detach.log = r->connection->log;

    cln->handler = ngx_pimap_request_cleanup;

    pr->device = ngx_pimap_park(parking, &ngx_pimap_request_transport, pr,
                                r->connection->log);
    if (pr->device == NULL) {
        return NGX_ERROR;
    }

    if (!pr->detachable && parking->conf->hibernate && r->connection->ssl) {
        ngx_pimap_hibernate_refused(r->connection->log,
                                    "its response is not detached");
    }

    ngx_http_set_ctx(r, pr, ngx_pimap_module);

    reads = (parking->input != NGX_PIMAP_INPUT_NONE
             || r->http_version <= NGX_HTTP_VERSION_11);

    r->read_event_handler = reads ? ngx_pimap_request_read_handler
                                  : ngx_http_test_reading;
    r->write_event_handler = ngx_pimap_request_write_handler;
    r->connection->log->action = "parking response";

    /* "limit_rate" would delay events, which are rare and small */

    r->limit_rate = 0;
    r->limit_rate_set = 1;

    ngx_pimap_request_watch(r->connection, pr->timeout);

    r->main->count++;

    /* a newer request of the device may have been faster */

    if (!pr->device->closing) {
        (void) ngx_pimap_device_send(pr->device, hello);
    }

    if (ahead.len
        && ngx_pimap_input(pr->device, ahead.data, ahead.len) == NGX_ERROR)
    {
        ngx_pimap_device_end(pr->device, NGX_PIMAP_END_ERROR, NULL);
    }

    /* no event announces what came in while Redis was asked */

    if (reads) {
        ngx_post_event(r->connection->read, &ngx_posted_events);
    }

    return NGX_DONE;
}


static ngx_int_t
ngx_pimap_request_send(ngx_pimap_device_t *d, ngx_pimap_message_t *message)
{
    ngx_int_t             rc;
    ngx_connection_t     *c;
    ngx_pimap_request_t  *pr;

    pr = d->connection;
    c = pr->request->connection;

    if (pr->unsent + message->len > pr->limit && pr->unsent) {
        return NGX_BUSY;
    }

    ngx_http_set_log_request(c->log, pr->request);

    rc = ngx_pimap_request_output(pr, message);

    ngx_http_run_posted_requests(c);

    return rc;
}


static ngx_int_t
ngx_pimap_request_output(ngx_pimap_request_t *pr, ngx_pimap_message_t *message)
{
    ngx_pimap_request_out_t  *out;

    out = NULL;

    if (message) {
        out = ngx_pimap_request_out(pr, message);
        if (out == NULL) {
            return NGX_ERROR;
        }
    }

    if (ngx_http_output_filter(pr->request, out ? &out->chain : NULL)
        == NGX_ERROR)
    {
        return NGX_ERROR;
    }

    ngx_pimap_request_recycle(pr);

    return ngx_pimap_request_wait(pr);
}


static ngx_pimap_request_out_t *
ngx_pimap_request_out(ngx_pimap_request_t *pr, ngx_pimap_message_t *message)
{
    ngx_buf_t                *b;
    ngx_pimap_request_out_t  *out;

    out = pr->free;

    if (out) {
        pr->free = out->next;

    } else {
        out = ngx_palloc(pr->request->pool,
                         sizeof(ngx_pimap_request_out_t));
        if (out == NULL) {
            return NULL;
        }
    }

    ngx_memzero(out, sizeof(ngx_pimap_request_out_t));

    out->message = ngx_pimap_message_ref(message);
    out->chain.buf = &out->buf;

    b = &out->buf;
    b->start = message->data;
    b->pos = message->data;
    b->last = message->data + message->len;
    b->end = b->last;
    b->memory = 1;
    b->flush = 1;
    b->tag = (ngx_buf_tag_t) &ngx_pimap_module;

    *pr->last = out;
    pr->last = &out->next;
    pr->unsent += message->len;

    return out;
}


static void
ngx_pimap_request_recycle(ngx_pimap_request_t *pr)
{
    ngx_pimap_request_out_t  *out;

    while (pr->busy && ngx_buf_size(&pr->busy->buf) == 0) {
        out = pr->busy;
        pr->busy = out->next;

        if (pr->busy == NULL) {
            pr->last = &pr->busy;
        }

        pr->unsent -= out->message->len;
        ngx_pimap_message_unref(out->message);

        out->message = NULL;
        out->next = pr->free;
        pr->free = out;
    }
}


/* As ngx_http_writer() does, but the request goes on when all is sent. */

static ngx_int_t
ngx_pimap_request_wait(ngx_pimap_request_t *pr)
{
    ngx_event_t               *wev;
    ngx_http_request_t        *r;
    ngx_http_core_loc_conf_t  *clcf;

    r = pr->request;
    wev = r->connection->write;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    if (pr->busy || r->buffered || r->connection->buffered) {

        if (!wev->timer_set) {
            ngx_add_timer(wev, pr->timeout);
            ngx_pimap_request_dbg(pr, "blocked");
        }

    } else {

        if (wev->timer_set) {
            ngx_del_timer(wev);
            ngx_pimap_request_dbg(pr, "flushed");
        }

        ngx_pimap_request_free_buffer(r);

        if (pr->device) {
            ngx_pimap_cursor_drained(pr->device);
        }

        if (pr->detachable) {
            ngx_post_event(&pr->detach, &ngx_posted_events);
        }
    }

    return ngx_handle_write_event(wev, clcf->send_lowat);
}


/*
 * 16 kB that nginx would keep for TLS until the connection's end.  A stream of
 * HTTP/2 shares "ssl" and the pool with its connection.
 */

static void
ngx_pimap_request_free_buffer(ngx_http_request_t *r)
{
    ngx_connection_t  *c;

    c = r->connection;

    if (c->ssl && c->ssl->buf && c->ssl->buf->pos == c->ssl->buf->last) {
        ngx_ssl_free_buffer(c);
    }
}


static void
ngx_pimap_request_read_handler(ngx_http_request_t *r)
{
    ngx_int_t             rc;
    ngx_pimap_request_t  *pr;

    pr = ngx_http_get_module_ctx(r, ngx_pimap_module);

    if (pr->device == NULL) {
        return;
    }

    rc = ngx_pimap_request_read(r, pr->device);

    if (rc == NGX_ERROR) {
        ngx_pimap_device_end(pr->device, NGX_PIMAP_END_ERROR, NULL);

    } else if (rc != NGX_OK) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "client prematurely closed connection");

        ngx_http_finalize_request(r, NGX_HTTP_CLIENT_CLOSED_REQUEST);
    }
}


static void
ngx_pimap_request_write_handler(ngx_http_request_t *r)
{
    off_t                 sent;
    size_t                unsent;
    ngx_event_t          *wev;
    ngx_pimap_request_t  *pr;

    wev = r->connection->write;
    pr = ngx_http_get_module_ctx(r, ngx_pimap_module);

    if (pr->device == NULL) {
        return;
    }

    if (wev->timedout) {
        r->connection->timedout = 1;
        ngx_pimap_device_end(pr->device, NGX_PIMAP_END_TIMEOUT, NULL);
        return;
    }

    sent = r->connection->sent;
    unsent = pr->unsent;

    if (ngx_pimap_request_output(pr, NULL) != NGX_OK) {
        ngx_pimap_device_end(pr->device, NGX_PIMAP_END_CLIENT, NULL);
        return;
    }

    /* the time-out is for no progress, not for all that is unsent */

    if (wev->timer_set
        && (r->connection->sent != sent || pr->unsent != unsent))
    {
        ngx_del_timer(wev);
        ngx_add_timer(wev, pr->timeout);
    }
}


/* All is sent, and this is called from outside of the request. */

static void
ngx_pimap_request_detach_handler(ngx_event_t *ev)
{
    ngx_pimap_device_t   *d;
    ngx_pimap_request_t  *pr;

    pr = ngx_queue_data(ev, ngx_pimap_request_t, detach);
    d = pr->device;

    if (d == NULL || d->closing || pr->busy) {
        return;
    }

    /* the request's clean-up is not the device's end */

    pr->device = NULL;

    if (ngx_pimap_detach(pr->request, d) != NGX_OK) {
        pr->device = d;
    }
}


static void
ngx_pimap_request_end(void *connection, ngx_uint_t clean)
{
    ngx_int_t             rc;
    ngx_connection_t     *c;
    ngx_http_request_t   *r;
    ngx_pimap_request_t  *pr;

    pr = connection;
    r = pr->request;
    c = r->connection;

    pr->device = NULL;

    ngx_pimap_request_dbg(pr, "closed");

    ngx_http_set_log_request(c->log, r);

    rc = clean ? ngx_http_send_special(r, NGX_HTTP_LAST) : NGX_ERROR;

    ngx_http_finalize_request(r, rc);

    ngx_http_run_posted_requests(c);
}


static size_t
ngx_pimap_request_unsent(void *connection)
{
    ngx_pimap_request_t  *pr = connection;

    return pr->unsent;
}


static ngx_log_t *
ngx_pimap_request_log(void *connection)
{
    ngx_pimap_request_t  *pr = connection;

    return pr->request->connection->log;
}


static void
ngx_pimap_request_resume(void *connection)
{
    ngx_pimap_request_t  *pr = connection;

    ngx_post_event(pr->request->connection->read, &ngx_posted_events);
}


static void
ngx_pimap_request_cleanup(void *data)
{
    ngx_pimap_request_t      *pr = data;
    ngx_pimap_request_out_t  *out;

    for (out = pr->busy; out; out = out->next) {
        ngx_pimap_message_unref(out->message);
    }

    pr->busy = NULL;

    if (pr->detach.posted) {
        ngx_delete_posted_event(&pr->detach);
    }

    if (pr->device) {
        ngx_pimap_device_leave(pr->device, NGX_PIMAP_END_CLIENT);
        pr->device = NULL;
    }
}


/*
 * Without Nagle's algorithm an event does not wait until the one before is
 * acknowledged.  A peer may be gone without a FIN: the kernel sends it
 * keep-alives, and gives up on bytes that are not acknowledged.
 */

static void
ngx_pimap_request_watch(ngx_connection_t *c, ngx_msec_t timeout)
{
    int  on;
#if (TCP_USER_TIMEOUT)
    int  msec;
#endif

    /*
     * "sockaddr" may be the one that realip has found in a header, and "type"
     * of a stream of HTTP/3 is not that of its socket, which many share
     */

    if (c->listening->type != SOCK_STREAM
        || c->listening->sockaddr->sa_family == AF_UNIX)
    {
        return;
    }

    (void) ngx_tcp_nodelay(c);

    /* "tcp_nopush" and a pipelined request: the kernel would hold events */

    if (c->tcp_nopush == NGX_TCP_NOPUSH_SET) {
        (void) ngx_tcp_push(c->fd);
        c->tcp_nopush = NGX_TCP_NOPUSH_UNSET;
    }

    on = 1;

    if (setsockopt(c->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(int)) == -1) {
        ngx_connection_error(c, ngx_socket_errno,
                             "setsockopt(SO_KEEPALIVE) failed");
    }

#if (TCP_USER_TIMEOUT)

    /* later than the write timer, which ends a slow peer with its reason */

    msec = (int) timeout + 3000;

    if (setsockopt(c->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &msec, sizeof(int))
        == -1)
    {
        ngx_connection_error(c, ngx_socket_errno,
                             "setsockopt(TCP_USER_TIMEOUT) failed");
    }

#endif
}
