
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Reads a detached connection: bytes of a hibernated one are opened, and then
 * they go to the device's input.
 */


#include "ngx_pimap_connection_private.h"
#include "ngx_pimap_hibernate.h"
#include "ngx_pimap_updates.h"


static ngx_int_t ngx_pimap_connection_open(void *data, u_char *buf,
    size_t len);
static ngx_int_t ngx_pimap_connection_record(ngx_pimap_connection_t *pc,
    ngx_pimap_tls13_result_t result, ngx_pimap_tls13_in_t *in);
static ngx_int_t ngx_pimap_connection_input(void *data, u_char *buf,
    size_t len);


ngx_int_t
ngx_pimap_connection_read(ngx_pimap_connection_t *pc)
{
    ngx_int_t     rc;
    ngx_event_t  *rev;

    rev = pc->connection->read;

    if (!ngx_pimap_pace_turn(rev)) {
        return NGX_OK;
    }

    rc = pc->device ? ngx_pimap_input_resume(pc->device) : NGX_OK;

    if (rc == NGX_OK) {
        rc = ngx_pimap_socket_read(pc->connection,
                                   pc->hibernated ? ngx_pimap_connection_open
                                                : ngx_pimap_connection_input,
                                   pc);
    }

    if (rc != NGX_AGAIN) {
        return rc;
    }

    if (pc->device && pc->device->paused) {
        return ngx_handle_read_event(rev, 0);
    }

    (void) ngx_pimap_pace_turn(rev);

    return NGX_OK;
}


static ngx_int_t
ngx_pimap_connection_open(void *data, u_char *buf, size_t len)
{
    ngx_pimap_connection_t  *pc = data;

    ngx_int_t                 rc;
    ngx_str_t                 kept;
    ngx_pimap_tls13_in_t      in;
    ngx_pimap_tls13_result_t  result;
    static u_char             joined[NGX_PIMAP_TLS13_RECORD
                                     + NGX_PIMAP_SOCKET_READ];

    if (pc->in) {
        ngx_pimap_buffer_rest(pc->in, &kept);
        (void) ngx_cpymem(ngx_cpymem(joined, kept.data, kept.len), buf, len);
        ngx_pimap_buffer_take(&pc->in, kept.len);

        buf = joined;
        len += kept.len;
    }

    while (len) {
        result = ngx_pimap_hibernate_open(&pc->tls, buf, len, &in);

        /* a device without an input has nothing to say that is so long */

        if (result == NGX_PIMAP_TLS13_AGAIN
            && in.need <= (pc->lingers ? NGX_PIMAP_TLS13_RECORD
                                       : NGX_PIMAP_SOCKET_READ))
        {
            if (ngx_pimap_buffer_add(&pc->in, buf, len) != NGX_OK) {
                return NGX_ERROR;
            }

            break;
        }

        rc = ngx_pimap_connection_record(pc, result, &in);

        if (rc != NGX_OK) {
            return rc;
        }

        buf += in.used;
        len -= in.used;
    }

    return (pc->device && pc->device->paused) || ngx_pimap_pace_over()
           ? NGX_AGAIN : NGX_OK;
}


static ngx_int_t
ngx_pimap_connection_record(ngx_pimap_connection_t *pc,
    ngx_pimap_tls13_result_t result, ngx_pimap_tls13_in_t *in)
{
    switch (result) {

    case NGX_PIMAP_TLS13_DATA:

        if (ngx_pimap_connection_input(pc, in->data, in->len) != NGX_ERROR) {
            return NGX_OK;
        }

        /* fall through */

    case NGX_PIMAP_TLS13_AGAIN:

        if (result == NGX_PIMAP_TLS13_AGAIN) {
            ngx_log_error(NGX_LOG_INFO, pc->connection->log, 0,
                          "pimap closes a hibernated TLS connection: the "
                          "client has sent a long record after its request");
        }

        ngx_pimap_connection_alert(pc, SSL_AD_CLOSE_NOTIFY);
        return NGX_ERROR;

    case NGX_PIMAP_TLS13_SKIP:

        if (pc->device) {
            ngx_pimap_pace(pc->device, 0);
        }

        return NGX_OK;

    case NGX_PIMAP_TLS13_CLOSED:
        ngx_pimap_connection_alert(pc, SSL_AD_CLOSE_NOTIFY);
        return NGX_DONE;

    case NGX_PIMAP_TLS13_ALERT:
        return NGX_DONE;

    default: /* NGX_PIMAP_TLS13_FATAL */

        ngx_log_error(NGX_LOG_INFO, pc->connection->log, 0,
                      "pimap closes a hibernated TLS connection, alert:%d",
                      (int) in->alert);

        ngx_pimap_connection_alert(pc, in->alert);
        return NGX_ERROR;
    }
}


/* Bytes for a device that has just left are dropped. */

static ngx_int_t
ngx_pimap_connection_input(void *data, u_char *buf, size_t len)
{
    ngx_pimap_connection_t  *pc = data;

    return pc->device ? ngx_pimap_input(pc->device, buf, len) : NGX_OK;
}
