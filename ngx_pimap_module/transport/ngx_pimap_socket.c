
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Opens, reads and closes bare connections.
 */


#include "ngx_pimap_socket.h"


ngx_connection_t *
ngx_pimap_socket_open(ngx_socket_t fd)
{
    ngx_connection_t  *c;

    c = ngx_get_connection(fd, ngx_cycle->log);
    if (c == NULL) {
        return NULL;
    }

    ngx_pimap_socket_plain(c);

    c->log_error = NGX_ERROR_INFO;
    c->read->log = c->log;
    c->write->log = c->log;
    c->write->ready = 1;
    c->number = ngx_atomic_fetch_add(ngx_connection_counter, 1);

    return c;
}


void
ngx_pimap_socket_plain(ngx_connection_t *c)
{
    c->recv = ngx_recv;
    c->send = ngx_send;
    c->recv_chain = ngx_recv_chain;
    c->send_chain = ngx_send_chain;
}


/*
 * epoll watches a socket until its last descriptor is closed, in whichever
 * process that is.  So the events are removed explicitly.
 */

ngx_socket_t
ngx_pimap_socket_release(ngx_connection_t *c)
{
    ngx_socket_t  fd;

    if (ngx_del_conn) {
        (void) ngx_del_conn(c, 0);

    } else {
        if (c->read->active) {
            (void) ngx_del_event(c->read, NGX_READ_EVENT, 0);
        }

        if (c->write->active) {
            (void) ngx_del_event(c->write, NGX_WRITE_EVENT, 0);
        }
    }

    fd = c->fd;

    /* nginx does not close the descriptor of a shared connection */

    c->shared = 1;
    ngx_close_connection(c);

    return fd;
}


void
ngx_pimap_socket_close(ngx_connection_t *c)
{
    (void) ngx_close_socket(ngx_pimap_socket_release(c));
}


ngx_int_t
ngx_pimap_socket_read(ngx_connection_t *c, ngx_pimap_socket_read_pt handler,
    void *data)
{
    ssize_t        n;
    ngx_int_t      rc;
    ngx_uint_t     reads;
    static u_char  buf[NGX_PIMAP_SOCKET_READ];

    for (reads = 0; reads < NGX_PIMAP_SOCKET_READS; reads++) {

        n = c->recv(c, buf, sizeof(buf));

        if (n == NGX_AGAIN) {
            return ngx_handle_read_event(c->read, 0);
        }

        if (n == NGX_ERROR || n == 0) {
            return NGX_DONE;
        }

        rc = handler ? handler(data, buf, n) : NGX_OK;

        if (rc != NGX_OK) {
            return rc;
        }
    }

    /* there may be more */

    ngx_post_event(c->read, &ngx_posted_next_events);

    return NGX_OK;
}
