
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * What a device says while it is parked: next to nothing.
 */


#include "ngx_pimap_detached.h"
#include "ngx_pimap_hibernate.h"


#define NGX_PIMAP_DETACHED_READ    4096     /* bytes at once */
#define NGX_PIMAP_DETACHED_BLANKS  4        /* CR and LF after the request */


static ngx_int_t ngx_pimap_detached_open(ngx_pimap_detached_t *dt,
    u_char *data, size_t len);
static ngx_int_t ngx_pimap_detached_input(ngx_pimap_detached_t *dt,
    u_char *data, size_t len);


ngx_int_t
ngx_pimap_detached_read(ngx_pimap_detached_t *dt)
{
    size_t             have;
    ssize_t            n;
    ngx_int_t          rc;
    ngx_str_t          kept;
    ngx_connection_t  *c;
    static u_char      buf[NGX_PIMAP_DETACHED_READ];

    c = dt->connection;

    for ( ;; ) {
        have = 0;

        if (dt->unread) {
            ngx_pimap_backlog_rest(dt->unread, &kept);
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
            ngx_pimap_backlog_take(&dt->unread, have);
        }

        rc = dt->hibernated ? ngx_pimap_detached_open(dt, buf, have + n)
                            : ngx_pimap_detached_input(dt, buf, n);

        if (rc != NGX_OK) {
            return rc;
        }
    }
}


static ngx_int_t
ngx_pimap_detached_open(ngx_pimap_detached_t *dt, u_char *data, size_t len)
{
    ngx_pimap_tls13_in_t  in;

    while (len) {

        switch (ngx_pimap_hibernate_open(&dt->tls, data, len, &in)) {

        case NGX_PIMAP_TLS13_AGAIN:

            /* a parked device has nothing to say that is so long */

            if (in.need > NGX_PIMAP_DETACHED_READ) {
                ngx_pimap_detached_say_goodbye(dt, SSL_AD_CLOSE_NOTIFY);
                return NGX_ERROR;
            }

            return ngx_pimap_backlog_add(&dt->unread, data, len);

        case NGX_PIMAP_TLS13_DATA:

            if (ngx_pimap_detached_input(dt, in.data, in.len) != NGX_OK) {
                ngx_pimap_detached_say_goodbye(dt, SSL_AD_CLOSE_NOTIFY);
                return NGX_ERROR;
            }

            break;

        case NGX_PIMAP_TLS13_SKIP:
            break;

        case NGX_PIMAP_TLS13_CLOSED:
            ngx_pimap_detached_say_goodbye(dt, SSL_AD_CLOSE_NOTIFY);
            return NGX_DONE;

        case NGX_PIMAP_TLS13_ALERT:
            return NGX_DONE;

        default: /* NGX_PIMAP_TLS13_FATAL */

            ngx_log_error(NGX_LOG_INFO, dt->connection->log, 0,
                          "pimap closes hibernated TLS, alert:%d",
                          (int) in.alert);

            ngx_pimap_detached_say_goodbye(dt, in.alert);
            return NGX_ERROR;
        }

        data += in.used;
        len -= in.used;
    }

    return NGX_OK;
}


/*
 * Some clients send a line end after a request (RFC 9112, 2.2).  One, not one
 * after the other: nobody keeps us busy with them.
 */

static ngx_int_t
ngx_pimap_detached_input(ngx_pimap_detached_t *dt, u_char *data, size_t len)
{
    size_t  i;

    if (len > NGX_PIMAP_DETACHED_BLANKS - (size_t) dt->blanks) {
        return NGX_ERROR;
    }

    for (i = 0; i < len; i++) {
        if (data[i] != CR && data[i] != LF) {
            return NGX_ERROR;
        }
    }

    dt->blanks += len;

    return NGX_OK;
}
