
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the padding of records that OpenSSL writes.  Called by events and in
 * the configuration phase.  Invariant: nginx does not start with padding that
 * has no effect.
 *
 * OpenSSL 3.2 and later take the size of a block when they make the keys of a
 * connection: SSL_set_block_padding() has no effect later, when the location
 * is known.  So each connection has a callback from its start.  The argument
 * of the callback is read at each record.
 */


#include "ngx_pimap_transport.h"
#include "ngx_pimap_conf.h"

#include <ngx_http_ssl_module.h>


static ngx_int_t ngx_pimap_tls_padding_location(ngx_conf_t *cf,
    ngx_pimap_loc_conf_t *conf);
static ngx_int_t ngx_pimap_tls_padding_check(ngx_conf_t *cf,
    ngx_http_ssl_srv_conf_t *sscf);
static size_t ngx_pimap_tls_padding_record(SSL *ssl, int type, size_t len,
    void *arg);


ngx_int_t
ngx_pimap_tls_padding_init(ngx_conf_t *cf)
{
    ngx_int_t                rc;
    ngx_uint_t               i, wanted, tls;
    ngx_pimap_loc_conf_t   **events;
    ngx_pimap_main_conf_t   *pmcf;

    pmcf = ngx_http_conf_get_module_main_conf(cf, ngx_pimap_module);
    events = pmcf->events.elts;

    for (wanted = 0, tls = 0, i = 0; i < pmcf->events.nelts; i++) {

        if (events[i]->tls_padding == 0) {
            continue;
        }

        rc = ngx_pimap_tls_padding_location(cf, events[i]);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        wanted = 1;
        tls |= (rc == NGX_OK);

        if (ngx_pimap_tls_default_quic(cf, events[i]->server)) {
            tls = 1;

            ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                          "\"pimap_tls_padding\" has no effect by HTTP/3 in "
                          "%V:%ui: packets of QUIC are not padded, remove "
                          "\"quic\" from \"listen\" of this server",
                          &events[i]->file, events[i]->line);
        }
    }

    /* or there is a proxy with TLS before nginx */

    if (wanted && !tls) {
        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "\"pimap_tls_padding\" has no effect: no server with "
                      "it has TLS");
    }

    return NGX_OK;
}


/* NGX_DECLINED: its server has no TLS. */

static ngx_int_t
ngx_pimap_tls_padding_location(ngx_conf_t *cf, ngx_pimap_loc_conf_t *conf)
{
    ngx_uint_t                 i;
    ngx_array_t                found;
    ngx_http_ssl_srv_conf_t  **sscf;

    if (ngx_pimap_tls_default(cf, conf->server, &found) != NGX_OK) {
        return NGX_ERROR;
    }

    if (found.nelts == 0) {
        return NGX_DECLINED;
    }

    sscf = found.elts;

    for (i = 0; i < found.nelts; i++) {

        if (!(sscf[i]->protocols & NGX_SSL_TLSv1_3)) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "\"pimap_tls_padding\" has no effect in %V:%ui: "
                          "\"ssl_protocols\" of the default server of its "
                          "address is without TLSv1.3, add that", &conf->file,
                          conf->line);
            return NGX_ERROR;
        }

        if (ngx_pimap_tls_padding_check(cf, sscf[i]) != NGX_OK) {
            return NGX_ERROR;
        }

        SSL_CTX_set_record_padding_callback(sscf[i]->ssl.ctx,
                                            ngx_pimap_tls_padding_record);
    }

    return NGX_OK;
}


/* A callback takes the place of OpenSSL's own padding. */

static ngx_int_t
ngx_pimap_tls_padding_check(ngx_conf_t *cf, ngx_http_ssl_srv_conf_t *sscf)
{
    ngx_uint_t      i;
    ngx_keyval_t   *command;

    if (sscf->conf_commands == NULL) {
        return NGX_OK;
    }

    command = sscf->conf_commands->elts;

    for (i = 0; i < sscf->conf_commands->nelts; i++) {

        if (command[i].key.len == sizeof("RecordPadding") - 1
            && ngx_strncasecmp(command[i].key.data,
                               (u_char *) "RecordPadding",
                               sizeof("RecordPadding") - 1)
               == 0)
        {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "\"pimap_tls_padding\" takes the place of "
                          "\"ssl_conf_command RecordPadding\", remove one "
                          "of them");
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


void
ngx_pimap_tls_padding_start(ngx_connection_t *c, size_t block)
{
    if (c->ssl) {
        SSL_set_record_padding_callback_arg(c->ssl->connection,
                                            (void *) (uintptr_t) block);
    }
}


/* RFC 8446, 5.4: the number of zeros after "len" bytes, type included. */

static size_t
ngx_pimap_tls_padding_record(SSL *ssl, int type, size_t len, void *arg)
{
    size_t  block, over;

    block = (size_t) (uintptr_t) arg;

    if (block == 0) {
        return 0;
    }

    over = len % block;

    return over ? block - over : 0;
}
