
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * What comes in from a parked device: it is opened if it is sealed, and goes
 * to the input.
 */


#include "ngx_pimap_transport_connection.h"
#include "ngx_pimap_hibernate.h"
#include "ngx_pimap_input.h"


#define NGX_PIMAP_TRANSPORT_CONNECTION_LINGER  2000     /* msec */


static ngx_int_t ngx_pimap_transport_connection_open(ngx_pimap_transport_connection_t *dt, u_char *data, size_t len);
static ngx_int_t ngx_pimap_transport_connection_input(ngx_pimap_transport_connection_t *dt, u_char *data, size_t len);
static void ngx_pimap_transport_connection_linger_handler(ngx_event_t *rev);


ngx_int_t
ngx_pimap_transport_connection_read(ngx_pimap_transport_connection_t *dt)
{
    size_t             have;
    ssize_t            n;
    ngx_int_t          rc;
    ngx_str_t          kept;
    ngx_uint_t         turns;
    ngx_connection_t  *c;
    static u_char      buf[NGX_PIMAP_TRANSPORT_CONNECTION_RECORD];

    c = dt->connection;

    for (turns = 0; turns < NGX_PIMAP_INPUT_TURNS; turns++) {
        have = 0;

        if (dt->unread) {
            ngx_pimap_buffer_rest(dt->unread, &kept);
            ngx_memcpy(buf, kept.data, kept.len);
            have = kept.len;
        }

        n = c->recv(c, buf + have, sizeof(buf) - have);

        if (n == NGX_AGAIN) {
            return ngx_handle_read_event(c->read, 0);
        }

        if (n == NGX_ERROR || n == 0) {
            return NGX_DONE;
        }

        if (have) {
            ngx_pimap_buffer_take(&dt->unread, have);
        }

        rc = dt->hibernated ? ngx_pimap_transport_connection_open(dt, buf,
                                                                  have + n)
                            : ngx_pimap_transport_connection_input(dt, buf, n);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    /* there may be more */

    ngx_post_event(c->read, &ngx_posted_next_events);

    return NGX_OK;
}


static ngx_int_t
ngx_pimap_transport_connection_open(ngx_pimap_transport_connection_t *dt,
    u_char *data, size_t len)
{
    ngx_pimap_tls13_in_t  in;

    while (len) {

        switch (ngx_pimap_hibernate_open(&dt->tls, data, len, &in)) {

        case NGX_PIMAP_TLS13_AGAIN:

            /* without an input, nothing that is so long is to be said */

            if (in.need > (dt->lingers ? NGX_PIMAP_TRANSPORT_CONNECTION_RECORD
                                       : NGX_PIMAP_INPUT_READ))
            {
                ngx_pimap_transport_connection_say_goodbye(dt,
                                                           SSL_AD_CLOSE_NOTIFY);
                return NGX_ERROR;
            }

            return ngx_pimap_buffer_add(&dt->unread, data, len);

        case NGX_PIMAP_TLS13_DATA:

            if (ngx_pimap_transport_connection_input(dt, in.data,
                                                     in.len) != NGX_OK) {
                ngx_pimap_transport_connection_say_goodbye(dt,
                                                           SSL_AD_CLOSE_NOTIFY);
                return NGX_ERROR;
            }

            break;

        case NGX_PIMAP_TLS13_SKIP:
            break;

        case NGX_PIMAP_TLS13_CLOSED:
            ngx_pimap_transport_connection_say_goodbye(dt,
                                                       SSL_AD_CLOSE_NOTIFY);
            return NGX_DONE;

        case NGX_PIMAP_TLS13_ALERT:
            return NGX_DONE;

        default: /* NGX_PIMAP_TLS13_FATAL */

            ngx_log_error(NGX_LOG_INFO, dt->connection->log, 0,
                          "pimap closes hibernated TLS, alert:%d",
                          (int) in.alert);

            ngx_pimap_transport_connection_say_goodbye(dt, in.alert);
            return NGX_ERROR;
        }

        data += in.used;
        len -= in.used;
    }

    return NGX_OK;
}


/* What comes for a device that has just left matters to nobody. */

static ngx_int_t
ngx_pimap_transport_connection_input(ngx_pimap_transport_connection_t *dt,
    u_char *data, size_t len)
{
    return dt->device ? ngx_pimap_input(dt->device, data, len) : NGX_OK;
}


/*
 * RFC 6455, 7.1.1, and RFC 9112, 9.6: if the socket were closed while the
 * client still sends, a reset could take our last words from it.  So it is
 * closed when the client has closed, or soon.
 */

void
ngx_pimap_transport_connection_linger(ngx_pimap_transport_connection_t *dt)
{
    ngx_connection_t  *c;

    c = dt->connection;

    if (c->ssl) {
        ngx_pimap_transport_connection_shutdown(c);
    }

    if (c->error || ngx_shutdown_socket(c->fd, NGX_WRITE_SHUTDOWN) == -1) {
        ngx_pimap_transport_connection_close(dt);
        return;
    }

    c->read->handler = ngx_pimap_transport_connection_linger_handler;

    ngx_add_timer(c->read, NGX_PIMAP_TRANSPORT_CONNECTION_LINGER);
    ngx_post_event(c->read, &ngx_posted_events);
}


static void
ngx_pimap_transport_connection_linger_handler(ngx_event_t *rev)
{
    ssize_t                n;
    ngx_uint_t             turns;
    ngx_connection_t      *c;
    ngx_pimap_transport_connection_t  *dt;
    static u_char          buf[NGX_PIMAP_INPUT_READ];

    c = rev->data;
    dt = c->data;

    if (rev->timedout || c->close) {
        ngx_pimap_transport_connection_close(dt);
        return;
    }

    for (turns = 0; turns < NGX_PIMAP_INPUT_TURNS; turns++) {

        n = c->recv(c, buf, sizeof(buf));

        if (n == NGX_AGAIN) {

            if (ngx_handle_read_event(rev, 0) != NGX_OK) {
                ngx_pimap_transport_connection_close(dt);
            }

            return;
        }

        if (n == NGX_ERROR || n == 0) {
            ngx_pimap_transport_connection_close(dt);
            return;
        }
    }

    ngx_post_event(rev, &ngx_posted_next_events);
}
