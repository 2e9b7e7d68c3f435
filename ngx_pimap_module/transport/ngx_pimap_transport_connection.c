
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A message is written as a chunk (as it is to a client of HTTP/1.0).  A
 * device may have at most "pimap_buffer" unsent bytes.
 */


#include "ngx_pimap_connection_private.h"
#include "ngx_pimap_conf.h"
#include "ngx_pimap_delivery.h"
#include "ngx_pimap_heap.h"


static ngx_int_t ngx_pimap_connection_send(ngx_pimap_device_t *d,
    ngx_pimap_message_t *message);
static void ngx_pimap_connection_end(void *connection, ngx_uint_t clean);
static size_t ngx_pimap_connection_unsent(void *connection);
static ngx_log_t *ngx_pimap_connection_log(void *connection);
static void ngx_pimap_connection_resume(void *connection);
static void ngx_pimap_connection_write_handler(ngx_event_t *wev);
static void ngx_pimap_connection_read_handler(ngx_event_t *rev);
static void ngx_pimap_connection_gone(ngx_pimap_connection_t *pc,
    ngx_pimap_end_t reason);


const ngx_pimap_transport_t  ngx_pimap_transport_connection = {
    ngx_pimap_connection_send,
    ngx_pimap_connection_end,
    ngx_pimap_connection_unsent,
    ngx_pimap_connection_log,
    ngx_pimap_connection_resume
};


ngx_pimap_connection_t *
ngx_pimap_connection_create(ngx_uint_t hibernated, ngx_log_t *log)
{
    size_t  size;

    size = hibernated ? sizeof(ngx_pimap_connection_t)
                      : offsetof(ngx_pimap_connection_t, tls);

    return ngx_pimap_heap_record(size, log);
}


void
ngx_pimap_connection_free(ngx_pimap_connection_t *pc)
{
    ngx_pimap_heap_record_free(pc);
}


void
ngx_pimap_connection_adopt(ngx_pimap_connection_t *pc, ngx_connection_t *c,
    ngx_pimap_device_t *d, ngx_uint_t chunked, ngx_pimap_tls13_t *tls)
{
    ngx_pimap_kind_t  kind;

    pc->connection = c;
    pc->fd = c->ssl ? (ngx_socket_t) -1 : c->fd;
    pc->device = d;
    pc->chunked = chunked;
    pc->lingers = (d->input != NGX_PIMAP_INPUT_NONE);
    pc->limit = (uint32_t) d->conf->buffer;
    pc->timeout = (uint32_t) d->conf->send_timeout;
    pc->padding = (uint16_t) d->conf->tls_padding;

    kind = c->ssl ? NGX_PIMAP_DETACHED|NGX_PIMAP_KIND_TLS : NGX_PIMAP_DETACHED;

    if (tls) {
        kind = NGX_PIMAP_HIBERNATED;
        pc->hibernated = 1;
        pc->tls = *tls;
        ngx_explicit_memzero(tls, sizeof(ngx_pimap_tls13_t));
    }

    c->data = pc;
    c->log = d->conf->log;
    c->read->log = c->log;
    c->write->log = c->log;
    c->read->handler = ngx_pimap_connection_read_handler;
    c->write->handler = ngx_pimap_connection_write_handler;

    ngx_pimap_device_move(d, kind, &ngx_pimap_transport_connection, pc);

    ngx_pimap_connection_dbg(pc, "adopted");

    /* bytes may have come in before this handler was set */

    ngx_post_event(c->read, &ngx_posted_events);
}


static ngx_int_t
ngx_pimap_connection_send(ngx_pimap_device_t *d, ngx_pimap_message_t *message)
{
    ngx_pimap_connection_t  *pc = d->connection;

    if (pc->out
        && ngx_pimap_buffer_size(pc->out) + message->chunk_len > pc->limit)
    {
        return NGX_BUSY;
    }

    if (pc->hibernated) {
        ngx_pimap_connection_keys(pc);
    }

    if (pc->chunked) {
        return ngx_pimap_connection_write(pc, message->chunk,
                                          message->chunk_len);
    }

    return ngx_pimap_connection_write(pc, message->data, message->len);
}


static void
ngx_pimap_connection_end(void *connection, ngx_uint_t clean)
{
    ngx_pimap_connection_t  *pc = connection;

    static u_char  last[] = "0" CRLF CRLF;

    pc->device = NULL;

    if (!clean) {
        pc->connection->error = 1;
        ngx_pimap_connection_close(pc);
        return;
    }

    if (pc->chunked
        && ngx_pimap_connection_write(pc, last, sizeof(last) - 1) != NGX_OK)
    {
        ngx_pimap_connection_close(pc);
        return;
    }

    ngx_pimap_connection_alert(pc, SSL_AD_CLOSE_NOTIFY);

    ngx_pimap_connection_linger(pc);
}


static size_t
ngx_pimap_connection_unsent(void *connection)
{
    ngx_pimap_connection_t  *pc = connection;

    return pc->out ? ngx_pimap_buffer_size(pc->out) : 0;
}


static ngx_log_t *
ngx_pimap_connection_log(void *connection)
{
    ngx_pimap_connection_t  *pc = connection;

    return pc->connection->log;
}


static void
ngx_pimap_connection_resume(void *connection)
{
    ngx_pimap_connection_t  *pc = connection;

    ngx_post_event(pc->connection->read, &ngx_posted_events);
}


static void
ngx_pimap_connection_write_handler(ngx_event_t *wev)
{
    ngx_connection_t        *c;
    ngx_pimap_connection_t  *pc;

    c = wev->data;
    pc = c->data;

    if (wev->timedout) {
        c->timedout = 1;
        ngx_pimap_connection_gone(pc, NGX_PIMAP_END_TIMEOUT);
        return;
    }

    if (ngx_pimap_connection_flush(pc) != NGX_OK) {
        ngx_pimap_connection_gone(pc, NGX_PIMAP_END_CLIENT);
        return;
    }

    if (pc->out == NULL) {
        ngx_pimap_cursor_drained(pc->device);
    }
}


static void
ngx_pimap_connection_read_handler(ngx_event_t *rev)
{
    ngx_int_t                rc;
    ngx_connection_t        *c;
    ngx_pimap_connection_t  *pc;

    c = rev->data;
    pc = c->data;

    /* "worker_shutdown_timeout" is over */

    if (c->close) {
        ngx_pimap_connection_gone(pc, NGX_PIMAP_END_DRAIN);
        return;
    }

    rc = ngx_pimap_connection_read(pc);

    if (rc != NGX_OK) {
        ngx_pimap_connection_gone(pc, rc == NGX_DONE ? NGX_PIMAP_END_CLIENT
                                                     : NGX_PIMAP_END_ERROR);
    }
}


static void
ngx_pimap_connection_gone(ngx_pimap_connection_t *pc, ngx_pimap_end_t reason)
{
    if (pc->device) {
        ngx_pimap_device_leave(pc->device, reason);
        pc->device = NULL;
    }

    ngx_pimap_connection_close(pc);
}


ngx_int_t
ngx_pimap_connection_save(ngx_pimap_device_t *d,
    ngx_pimap_connection_state_t *state, ngx_socket_t *fd)
{
    ngx_pimap_connection_t  *pc;

    if (d->transport != &ngx_pimap_transport_connection) {
        return NGX_DECLINED;
    }

    pc = d->connection;

    if (pc->connection->ssl || pc->connection->error) {
        return NGX_DECLINED;
    }

    ngx_memzero(state, sizeof(ngx_pimap_connection_state_t));

    if (pc->out) {
        ngx_pimap_buffer_rest(pc->out, &state->out);
    }

    if (pc->in) {
        ngx_pimap_buffer_rest(pc->in, &state->in);
    }

    state->tls = pc->hibernated ? &pc->tls : NULL;
    state->chunked = pc->chunked;

    *fd = pc->connection->fd;

    return NGX_OK;
}


ngx_socket_t
ngx_pimap_connection_release(ngx_pimap_connection_t *pc)
{
    ngx_socket_t  fd;

    ngx_pimap_connection_dbg(pc, "released");

    fd = ngx_pimap_socket_release(pc->connection);

    ngx_pimap_connection_done(pc);

    return fd;
}


ngx_int_t
ngx_pimap_connection_restore(ngx_pimap_connection_t *pc, ngx_connection_t *c,
    ngx_pimap_device_t *d, ngx_pimap_connection_state_t *state)
{
#if (NGX_STAT_STUB)
    (void) ngx_atomic_fetch_add(ngx_stat_active, 1);
#endif

    ngx_pimap_connection_adopt(pc, c, d, state->chunked, state->tls);

    if (state->in.len >= NGX_PIMAP_TLS13_RECORD) {
        return NGX_ERROR;
    }

    if (state->in.len
        && ngx_pimap_buffer_add(&pc->in, state->in.data, state->in.len)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_pimap_connection_write_raw(pc, state->out.data, state->out.len);
}
