
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns a connection after its device has left.  Called by its transport.
 * Invariant: nothing that the client sends or takes makes its time longer, and
 * such connections are counted and limited.
 */


#include "ngx_pimap_connection_private.h"
#include "ngx_pimap_updates.h"


#define NGX_PIMAP_LINGER_TIME   2000    /* msec, after all is sent */
#define NGX_PIMAP_LINGER_SHARE  16      /* of the worker's connections */


static ngx_int_t ngx_pimap_linger_count(ngx_pimap_connection_t *pc);
static void ngx_pimap_linger_wait(ngx_pimap_connection_t *pc);
static void ngx_pimap_linger_read_handler(ngx_event_t *rev);
static ngx_int_t ngx_pimap_linger_drop(void *data, u_char *buf, size_t len);
static void ngx_pimap_linger_write_handler(ngx_event_t *wev);


void
ngx_pimap_connection_linger(ngx_pimap_connection_t *pc)
{
    ngx_connection_t  *c;

    c = pc->connection;

    if ((pc->out == NULL && !pc->lingers)
        || ngx_pimap_linger_count(pc) != NGX_OK)
    {
        ngx_pimap_connection_close(pc);
        return;
    }

    ngx_pimap_connection_dbg(pc, "lingering");

    c->read->handler = ngx_pimap_linger_read_handler;
    c->write->handler = ngx_pimap_linger_write_handler;

    if (pc->out) {
        ngx_add_timer(c->write, pc->timeout);
        return;
    }

    ngx_pimap_linger_wait(pc);
}


/* Too many: a reset may destroy the last bytes on their way. */

static ngx_int_t
ngx_pimap_linger_count(ngx_pimap_connection_t *pc)
{
    if (ngx_pimap_counters->lingering
        >= ngx_max(ngx_cycle->connection_n / NGX_PIMAP_LINGER_SHARE, 1))
    {
        return NGX_BUSY;
    }

    pc->counted = 1;
    ngx_pimap_count(lingering);

    return NGX_OK;
}


/*
 * RFC 6455, 7.1.1, and RFC 9112, 9.6: if the socket were closed while the
 * client still sends, a reset could destroy the last bytes on their way.  So
 * it is closed after the client has closed, or after a time-out.
 */

static void
ngx_pimap_linger_wait(ngx_pimap_connection_t *pc)
{
    ngx_connection_t  *c;

    c = pc->connection;

    if (c->ssl) {
        ngx_pimap_connection_shutdown(c);
    }

    if (!pc->lingers || c->error
        || ngx_shutdown_socket(c->fd, NGX_WRITE_SHUTDOWN) == -1)
    {
        ngx_pimap_connection_close(pc);
        return;
    }

    ngx_add_timer(c->read, NGX_PIMAP_LINGER_TIME);
    ngx_post_event(c->read, &ngx_posted_events);
}


/* The timer shows that all is sent.  Before that nothing is read. */

static void
ngx_pimap_linger_read_handler(ngx_event_t *rev)
{
    ngx_int_t          rc;
    ngx_connection_t  *c;

    c = rev->data;

    if (rev->timedout || c->close) {
        ngx_pimap_connection_close(c->data);
        return;
    }

    if (!rev->timer_set) {
        rc = ngx_handle_read_event(rev, 0);

    } else if (ngx_pimap_pace_turn(rev)) {
        rc = ngx_pimap_socket_read(c, ngx_pimap_linger_drop, NULL);

    } else {
        return;
    }

    if (rc == NGX_AGAIN) {
        (void) ngx_pimap_pace_turn(rev);

    } else if (rc != NGX_OK) {
        ngx_pimap_connection_close(c->data);
    }
}


static ngx_int_t
ngx_pimap_linger_drop(void *data, u_char *buf, size_t len)
{
    (void) ngx_pimap_pace_work(len);

    return ngx_pimap_pace_over() ? NGX_AGAIN : NGX_OK;
}


static void
ngx_pimap_linger_write_handler(ngx_event_t *wev)
{
    ngx_connection_t        *c;
    ngx_pimap_connection_t  *pc;

    c = wev->data;
    pc = c->data;

    if (pc->out == NULL) {
        return;
    }

    if (wev->timedout || ngx_pimap_connection_flush(pc) != NGX_OK) {
        ngx_pimap_connection_close(pc);
        return;
    }

    if (pc->out == NULL) {
        ngx_pimap_linger_wait(pc);
    }
}
