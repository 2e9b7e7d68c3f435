
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A text is written as a chunk (or as it is, to a client of HTTP/1.0).  What
 * the socket does not take is kept as bytes, up to "pimap_buffer"; such a
 * device is slow and costs what its backlog costs, the others cost nothing.
 */


#include "ngx_pimap_transport_connection.h"
#include "ngx_pimap_buffer.h"
#include "ngx_pimap_conf.h"
#include "ngx_pimap_hibernate.h"
#include "ngx_pimap_input.h"
#include "ngx_pimap_gap.h"
#include "ngx_pimap_handover_ipc.h"


static ngx_int_t ngx_pimap_transport_connection_send(ngx_pimap_device_t *d,
    ngx_pimap_message_t *text);
static void ngx_pimap_transport_connection_end(void *connection,
    ngx_uint_t clean);
static size_t ngx_pimap_transport_connection_unsent(void *connection);
static ngx_log_t *ngx_pimap_transport_connection_log(void *connection);
static ngx_int_t ngx_pimap_transport_connection_write(ngx_pimap_transport_connection_t *dt, u_char *data, size_t len);
static ngx_int_t ngx_pimap_transport_connection_raw(ngx_pimap_transport_connection_t *dt, u_char *data, size_t len);
static void ngx_pimap_transport_connection_write_handler(ngx_event_t *wev);
static ngx_int_t ngx_pimap_transport_connection_flush(ngx_pimap_transport_connection_t *dt);
static void ngx_pimap_transport_connection_read_handler(ngx_event_t *rev);
static void ngx_pimap_transport_connection_gone(ngx_pimap_transport_connection_t *dt, ngx_pimap_end_t reason);
static void ngx_pimap_transport_connection_finish(ngx_pimap_transport_connection_t *dt);
static void ngx_pimap_transport_connection_done(ngx_pimap_transport_connection_t *dt);


const ngx_pimap_transport_t  ngx_pimap_transport_connection_transport = {
    ngx_pimap_transport_connection_send,
    ngx_pimap_transport_connection_end,
    ngx_pimap_transport_connection_unsent,
    ngx_pimap_transport_connection_log
};


ngx_pimap_transport_connection_t *
ngx_pimap_transport_connection_create(ngx_uint_t hibernated, ngx_log_t *log)
{
    return ngx_calloc(hibernated ? sizeof(ngx_pimap_transport_connection_t)
                                 : offsetof(ngx_pimap_transport_connection_t,
                                            tls), log);
}


void
ngx_pimap_transport_connection_free(ngx_pimap_transport_connection_t *dt)
{
    ngx_free(dt);
}


void
ngx_pimap_adopt(ngx_pimap_transport_connection_t *dt, ngx_connection_t *c,
    ngx_pimap_device_t *d, ngx_uint_t chunked, ngx_pimap_tls13_t *tls)
{
    ngx_pimap_kind_t  kind;

    dt->connection = c;
    dt->device = d;
    dt->chunked = chunked;
    dt->lingers = (d->input != NGX_PIMAP_INPUT_NONE);
    dt->limit = (uint32_t) d->conf->buffer;
    dt->timeout = (uint32_t) d->conf->send_timeout;
    dt->padding = (uint16_t) d->conf->tls_padding;

    kind = c->ssl ? NGX_PIMAP_DETACHED_TLS : NGX_PIMAP_DETACHED;

    if (tls) {
        kind = NGX_PIMAP_HIBERNATED;
        dt->hibernated = 1;
        dt->tls = *tls;
        ngx_explicit_memzero(tls, sizeof(ngx_pimap_tls13_t));
    }

    c->data = dt;
    c->read->handler = ngx_pimap_transport_connection_read_handler;
    c->write->handler = ngx_pimap_transport_connection_write_handler;

    ngx_pimap_device_move(d, kind, &ngx_pimap_transport_connection_transport,
                          dt);

    /* something may have come in while nobody was looking */

    ngx_post_event(c->read, &ngx_posted_events);
}


static ngx_int_t
ngx_pimap_transport_connection_send(ngx_pimap_device_t *d,
    ngx_pimap_message_t *text)
{
    ngx_pimap_transport_connection_t  *dt = d->connection;

    if (dt->unsent && ngx_pimap_buffer_size(dt->unsent) + text->chunk_len
                      > dt->limit)
    {
        return NGX_BUSY;
    }

    if (dt->chunked) {
        return ngx_pimap_transport_connection_write(dt, text->chunk,
                                                    text->chunk_len);
    }

    return ngx_pimap_transport_connection_write(dt, text->data, text->len);
}


static ngx_int_t
ngx_pimap_transport_connection_write(ngx_pimap_transport_connection_t *dt,
    u_char *data, size_t len)
{
    ngx_str_t  sealed;

    if (!dt->hibernated) {
        return ngx_pimap_transport_connection_raw(dt, data, len);
    }

    if (ngx_pimap_hibernate_seal(&dt->tls, data, len, dt->padding, &sealed)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_pimap_transport_connection_raw(dt, sealed.data, sealed.len);
}


/* Bytes of the socket, or of OpenSSL: all are sent or kept, in order. */

static ngx_int_t
ngx_pimap_transport_connection_raw(ngx_pimap_transport_connection_t *dt,
    u_char *data, size_t len)
{
    ssize_t            n;
    ngx_connection_t  *c;

    c = dt->connection;

    if (c->error) {
        return NGX_ERROR;
    }

    if (dt->unsent) {
        return ngx_pimap_buffer_add(&dt->unsent, data, len);
    }

    while (len && c->write->ready) {
        n = c->send(c, data, len);

        if (n == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (n == NGX_AGAIN) {
            break;
        }

        data += n;
        len -= n;
    }

    if (len == 0) {
        return NGX_OK;
    }

    ngx_add_timer(c->write, dt->timeout);

    if (ngx_pimap_buffer_add(&dt->unsent, data, len) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_handle_write_event(c->write, 0);
}


static void
ngx_pimap_transport_connection_end(void *connection, ngx_uint_t clean)
{
    ngx_pimap_transport_connection_t  *dt = connection;

    static u_char  last[] = "0" CRLF CRLF;

    dt->device = NULL;

    if (!clean) {
        dt->connection->error = 1;
        ngx_pimap_transport_connection_close(dt);
        return;
    }

    if (dt->chunked
        && ngx_pimap_transport_connection_write(dt, last,
                                                sizeof(last) - 1) != NGX_OK)
    {
        ngx_pimap_transport_connection_close(dt);
        return;
    }

    ngx_pimap_transport_connection_say_goodbye(dt, SSL_AD_CLOSE_NOTIFY);

    /* the rest, if any, has its time-out, and then it is over */

    if (dt->unsent == NULL) {
        ngx_pimap_transport_connection_finish(dt);
    }
}


/* OpenSSL says it by itself when it is shut down. */

void
ngx_pimap_transport_connection_say_goodbye(ngx_pimap_transport_connection_t *dt, uint8_t alert)
{
    ngx_str_t  sealed;

    if (dt->hibernated
        && ngx_pimap_hibernate_alert(&dt->tls, alert, &sealed) == NGX_OK)
    {
        (void) ngx_pimap_transport_connection_raw(dt, sealed.data, sealed.len);
    }
}


static size_t
ngx_pimap_transport_connection_unsent(void *connection)
{
    ngx_pimap_transport_connection_t  *dt = connection;

    return dt->unsent ? ngx_pimap_buffer_size(dt->unsent) : 0;
}


static ngx_log_t *
ngx_pimap_transport_connection_log(void *connection)
{
    ngx_pimap_transport_connection_t  *dt = connection;

    return dt->connection->log;
}


static void
ngx_pimap_transport_connection_write_handler(ngx_event_t *wev)
{
    ngx_connection_t      *c;
    ngx_pimap_transport_connection_t  *dt;

    c = wev->data;
    dt = c->data;

    ngx_log_debug0(NGX_LOG_DEBUG_EVENT, wev->log, 0,
                   "pimap detached write handler");

    if (wev->timedout) {
        c->timedout = 1;
        ngx_pimap_transport_connection_gone(dt, NGX_PIMAP_END_TIMEOUT);
        return;
    }

    if (ngx_pimap_transport_connection_flush(dt) != NGX_OK) {
        ngx_pimap_transport_connection_gone(dt, NGX_PIMAP_END_CLIENT);
        return;
    }

    if (dt->unsent) {
        return;
    }

    if (dt->device == NULL) {
        ngx_pimap_transport_connection_finish(dt);
        return;
    }

    ngx_pimap_gap_drained(dt->device);
}


static ngx_int_t
ngx_pimap_transport_connection_flush(ngx_pimap_transport_connection_t *dt)
{
    ssize_t            n;
    ngx_str_t          rest;
    ngx_connection_t  *c;

    c = dt->connection;

    while (dt->unsent && c->write->ready) {
        ngx_pimap_buffer_rest(dt->unsent, &rest);

        n = c->send(c, rest.data, rest.len);

        if (n == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (n == NGX_AGAIN) {
            break;
        }

        ngx_pimap_buffer_take(&dt->unsent, n);

        ngx_add_timer(c->write, dt->timeout);
    }

    if (dt->unsent == NULL && c->write->timer_set) {
        ngx_del_timer(c->write);
    }

    return ngx_handle_write_event(c->write, 0);
}


static void
ngx_pimap_transport_connection_read_handler(ngx_event_t *rev)
{
    ngx_int_t              rc;
    ngx_connection_t      *c;
    ngx_pimap_transport_connection_t  *dt;

    c = rev->data;
    dt = c->data;

    ngx_log_debug1(NGX_LOG_DEBUG_EVENT, rev->log, 0,
                   "pimap detached read handler, close:%d", c->close);

    /* "worker_shutdown_timeout" is over */

    if (c->close) {
        ngx_pimap_transport_connection_gone(dt, NGX_PIMAP_END_DRAIN);
        return;
    }

    rc = ngx_pimap_transport_connection_read(dt);

    if (rc != NGX_OK) {
        ngx_pimap_transport_connection_gone(dt,
                                            rc == NGX_DONE ? NGX_PIMAP_END_CLIENT
                                                   : NGX_PIMAP_END_ERROR);
    }
}


static void
ngx_pimap_transport_connection_gone(ngx_pimap_transport_connection_t *dt,
    ngx_pimap_end_t reason)
{
    if (dt->device) {
        ngx_pimap_device_leave(dt->device, reason);
        dt->device = NULL;
    }

    ngx_pimap_transport_connection_close(dt);
}


/* All has been sent. */

static void
ngx_pimap_transport_connection_finish(ngx_pimap_transport_connection_t *dt)
{
    if (dt->lingers) {
        ngx_pimap_transport_connection_linger(dt);

    } else {
        ngx_pimap_transport_connection_close(dt);
    }
}


void
ngx_pimap_transport_connection_close(ngx_pimap_transport_connection_t *dt)
{
    ngx_pool_t        *pool;
    ngx_connection_t  *c;

    c = dt->connection;
    pool = c->pool;

    if (c->ssl) {
        ngx_pimap_transport_connection_shutdown(c);
    }

    ngx_close_connection(c);

    if (pool) {
        ngx_destroy_pool(pool);
    }

    ngx_pimap_transport_connection_done(dt);
}


static void
ngx_pimap_transport_connection_done(ngx_pimap_transport_connection_t *dt)
{
#if (NGX_STAT_STUB)
    (void) ngx_atomic_fetch_add(ngx_stat_active, -1);
#endif

    ngx_pimap_buffer_free(&dt->unsent);
    ngx_pimap_buffer_free(&dt->unread);

    if (dt->hibernated) {
        ngx_pimap_hibernate_wipe(&dt->tls);
    }

    ngx_free(dt);
}


/* Nobody waits for a socket that does not even take close_notify. */

void
ngx_pimap_transport_connection_shutdown(ngx_connection_t *c)
{
    c->ssl->no_wait_shutdown = 1;

    if (ngx_ssl_shutdown(c) == NGX_AGAIN) {
        c->error = 1;
        (void) ngx_ssl_shutdown(c);
    }
}


ngx_int_t
ngx_pimap_transport_connection_save(ngx_pimap_device_t *d,
    ngx_pimap_device_record_t *record, ngx_socket_t *fd)
{
    ngx_pimap_transport_connection_t  *dt;

    if (d->transport != &ngx_pimap_transport_connection_transport) {
        return NGX_DECLINED;
    }

    dt = d->connection;

    if (dt->connection->ssl || dt->connection->error) {
        return NGX_DECLINED;
    }

    if (dt->unsent) {
        ngx_pimap_buffer_rest(dt->unsent, &record->unsent);
    }

    if (dt->unread) {
        ngx_pimap_buffer_rest(dt->unread, &record->unread);
    }

    if (dt->hibernated) {
        record->tls = dt->tls;
    }

    record->chunked = dt->chunked;

    *fd = dt->connection->fd;

    return NGX_OK;
}


void
ngx_pimap_transport_connection_release(void *connection)
{
    ngx_pimap_transport_connection_t  *dt = connection;

    ngx_pimap_handover_ipc_close(dt->connection);
    ngx_pimap_transport_connection_done(dt);
}


ngx_int_t
ngx_pimap_transport_connection_restore(ngx_pimap_transport_connection_t *dt,
    ngx_connection_t *c, ngx_pimap_device_t *d, ngx_pimap_device_record_t *record)
{
    ngx_pimap_adopt(dt, c, d, record->chunked,
                    d->kind == NGX_PIMAP_HIBERNATED ? &record->tls : NULL);

    d->blanks = record->blanks;
    d->idle = record->idle;
    d->updates = record->updates;

    if (ngx_pimap_input_restore(d, &record->state, &record->text) != NGX_OK) {
        return NGX_ERROR;
    }

    if (record->unread.len >= NGX_PIMAP_TRANSPORT_CONNECTION_RECORD) {
        return NGX_ERROR;
    }

    if (record->unread.len
        && ngx_pimap_buffer_add(&dt->unread, record->unread.data,
                                 record->unread.len)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_pimap_transport_connection_raw(dt, record->unsent.data,
                                  record->unsent.len);
}
