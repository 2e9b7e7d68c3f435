
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Writes to a detached connection, and closes it.  Bytes that the socket does
 * not take are kept, so a device without such bytes costs no buffer.
 */


#include "ngx_pimap_connection_private.h"
#include "ngx_pimap_heap.h"
#include "ngx_pimap_hibernate.h"


static ssize_t ngx_pimap_connection_write_socket(ngx_pimap_connection_t *pc,
    u_char *data, size_t len);


ngx_int_t
ngx_pimap_connection_write(ngx_pimap_connection_t *pc, u_char *data,
    size_t len)
{
    ngx_str_t  sealed;

    if (!pc->hibernated) {
        return ngx_pimap_connection_write_raw(pc, data, len);
    }

    if (ngx_pimap_hibernate_seal(&pc->tls, pc->keys, data, len, pc->padding,
                                 &sealed)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_pimap_connection_write_raw(pc, sealed.data, sealed.len);
}


/* Bytes of the socket, or of OpenSSL: all are sent or kept, in order. */

ngx_int_t
ngx_pimap_connection_write_raw(ngx_pimap_connection_t *pc, u_char *data,
    size_t len)
{
    ssize_t            n;
    ngx_connection_t  *c;

    n = ngx_pimap_connection_write_socket(pc, data, len);

    if (n == NGX_ERROR) {
        return NGX_ERROR;
    }

    data += n;
    len -= n;

    if (len == 0) {
        return NGX_OK;
    }

    c = pc->connection;

    if (c->error) {
        return NGX_ERROR;
    }

    if (pc->out) {
        return ngx_pimap_buffer_add(&pc->out, data, len);
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

    ngx_add_timer(c->write, pc->timeout);

    if (ngx_pimap_buffer_add(&pc->out, data, len) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_pimap_connection_dbg(pc, "blocked");

    return ngx_handle_write_event(c->write, 0);
}


/*
 * The bytes that a socket takes at once.  Most take all, and then nothing is
 * read of nginx's connection and its events, which are many lines of memory.
 */

static ssize_t
ngx_pimap_connection_write_socket(ngx_pimap_connection_t *pc, u_char *data,
    size_t len)
{
    ssize_t    n;
    ngx_err_t  err;

    if (pc->fd == (ngx_socket_t) -1 || pc->out || len == 0) {
        return 0;
    }

    n = send(pc->fd, data, len, 0);

    ngx_log_debug3(NGX_LOG_DEBUG_EVENT, ngx_cycle->log, 0,
                   "send: fd:%d %z of %uz", pc->fd, n, len);

    if (n != -1) {
        return n;
    }

    err = ngx_socket_errno;

    if (err == NGX_EAGAIN || err == NGX_EINTR) {
        return 0;
    }

    (void) ngx_connection_error(pc->connection, err, "send() failed");

    return NGX_ERROR;
}


ngx_int_t
ngx_pimap_connection_flush(ngx_pimap_connection_t *pc)
{
    ssize_t            n;
    ngx_str_t          rest;
    ngx_connection_t  *c;

    c = pc->connection;

    while (pc->out && c->write->ready) {
        ngx_pimap_buffer_rest(pc->out, &rest);

        n = c->send(c, rest.data, rest.len);

        if (n == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (n == NGX_AGAIN) {
            break;
        }

        ngx_pimap_buffer_take(&pc->out, n);

        /* without a device, all that is unsent has one time-out */

        if (pc->device) {
            ngx_add_timer(c->write, pc->timeout);
        }
    }

    if (pc->out == NULL && c->write->timer_set) {
        ngx_del_timer(c->write);
        ngx_pimap_connection_dbg(pc, "flushed");
    }

    return ngx_handle_write_event(c->write, 0);
}


void
ngx_pimap_connection_alert(ngx_pimap_connection_t *pc, uint8_t alert)
{
    ngx_str_t  sealed;

    if (!pc->hibernated) {
        return;
    }

    ngx_pimap_connection_keys_free(pc);

    if (ngx_pimap_hibernate_alert(&pc->tls, alert, &sealed) == NGX_OK) {
        (void) ngx_pimap_connection_write_raw(pc, sealed.data, sealed.len);
    }
}


void
ngx_pimap_connection_close(ngx_pimap_connection_t *pc)
{
    ngx_pool_t        *pool;
    ngx_connection_t  *c;

    c = pc->connection;
    pool = c->pool;

    ngx_pimap_connection_dbg(pc, "closed");

    if (c->ssl) {
        ngx_pimap_connection_shutdown(c);
    }

    ngx_close_connection(c);

    if (pool) {
        ngx_destroy_pool(pool);
    }

    ngx_pimap_connection_done(pc);
}


void
ngx_pimap_connection_done(ngx_pimap_connection_t *pc)
{
#if (NGX_STAT_STUB)
    (void) ngx_atomic_fetch_add(ngx_stat_active, -1);
#endif

    ngx_pimap_buffer_free(&pc->out);
    ngx_pimap_buffer_free(&pc->in);

    if (pc->hibernated) {
        ngx_pimap_connection_keys_free(pc);
        ngx_pimap_hibernate_wipe(&pc->tls);
    }

    if (pc->counted) {
        ngx_pimap_uncount(lingering);
    }

    ngx_pimap_heap_record_free(pc);
}


/* A socket that does not take even close_notify is closed without it. */

void
ngx_pimap_connection_shutdown(ngx_connection_t *c)
{
    c->ssl->no_wait_shutdown = 1;

    if (ngx_ssl_shutdown(c) == NGX_AGAIN) {
        c->error = 1;
        (void) ngx_ssl_shutdown(c);
    }
}
