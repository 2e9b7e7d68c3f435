
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * OpenSSL tells of a connection's secrets and records by callbacks; what they
 * say is kept with the connection, and wiped with it.  The key log goes
 * nowhere else.
 */


#include "ngx_pimap_hibernate.h"
#include "ngx_pimap_heap.h"
#include "ngx_pimap_transport.h"
#include "ngx_pimap_socket.h"
#include "ngx_pimap_zone.h"


#define NGX_PIMAP_HIBERNATE_SCRATCH   16384

/* RFC 9001, 8.2: nginx without QUIC of OpenSSL adds it to the context. */
#define NGX_PIMAP_HIBERNATE_QUIC      0x39


static void ngx_pimap_hibernate_free(void *parent, void *ptr,
    CRYPTO_EX_DATA *ad, int idx, long argl, void *argp);
static ngx_pimap_tls13_capture_t *ngx_pimap_hibernate_capture(SSL *ssl);
static void ngx_pimap_hibernate_keylog(const SSL *ssl, const char *line);
static void ngx_pimap_hibernate_message(int write, int version, int type,
    const void *buf, size_t len, SSL *ssl, void *arg);
static u_char *ngx_pimap_hibernate_scratch(size_t size);


/* QUIC of nginx reads its secrets from the key log, too. */
static SSL_CTX_keylog_cb_func   ngx_pimap_hibernate_quic;

static int                      ngx_pimap_hibernate_index = -1;
static ngx_pimap_tls13_ctx_t   *ngx_pimap_hibernate_ctx;
static u_char                  *ngx_pimap_hibernate_buffer;
static size_t                   ngx_pimap_hibernate_size;


ngx_int_t
ngx_pimap_hibernate_warn(ngx_conf_t *cf)
{
    ngx_array_t                found;
    ngx_http_core_srv_conf_t  *cscf;

    cscf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module);

    if (ngx_pimap_tls_default(cf, cscf, &found) != NGX_OK) {
        return NGX_ERROR;
    }

    if (found.nelts && !ngx_pimap_tls_default_13(&found)) {
        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "\"pimap_hibernate\" has no effect in server \"%V\" in "
                      "%s:%ui, because the default server of its address "
                      "has no TLSv1.3: set \"ssl_protocols TLSv1.2 TLSv1.3\" "
                      "there",
                      &cscf->server_name, cscf->file_name, cscf->line);
    }

    return NGX_OK;
}


ngx_int_t
ngx_pimap_hibernate_init(ngx_conf_t *cf)
{
    SSL_CTX                    *ctx;
    ngx_uint_t                  i;
    SSL_CTX_keylog_cb_func      keylog;
    ngx_http_ssl_srv_conf_t    *sscf;
    ngx_http_core_srv_conf_t  **cscfp;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
    cscfp = cmcf->servers.elts;

    /* by SNI, a connection may move from any server to any other one */

    for (i = 0; i < cmcf->servers.nelts; i++) {

        sscf = cscfp[i]->ctx->srv_conf[ngx_http_ssl_module.ctx_index];
        ctx = sscf->ssl.ctx;

        if (ctx == NULL) {
            continue;
        }

        keylog = SSL_CTX_get_keylog_callback(ctx);

        if (keylog
            && SSL_CTX_has_client_custom_ext(ctx, NGX_PIMAP_HIBERNATE_QUIC))
        {
            ngx_pimap_hibernate_quic = keylog;

        } else if (keylog) {
            ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                          "\"pimap_hibernate\" has no effect in server \"%V\" "
                          "in %s:%ui, because another module writes a key log "
                          "of its connections, switch that off",
                          &cscfp[i]->server_name, cscfp[i]->file_name,
                          cscfp[i]->line);
            continue;
        }

        SSL_CTX_set_keylog_callback(ctx, ngx_pimap_hibernate_keylog);
        SSL_CTX_set_msg_callback(ctx, ngx_pimap_hibernate_message);
    }

    return NGX_OK;
}


ngx_int_t
ngx_pimap_hibernate_init_process(ngx_cycle_t *cycle)
{
    ngx_pimap_hibernate_ctx = ngx_pimap_tls13_ctx_create();

    if (ngx_pimap_hibernate_ctx == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, 0,
                      "pimap has no ciphers to hibernate with");
        return NGX_ERROR;
    }

    /*
     * never in the master: the index can't be given back, and there it would
     * outlive the module, when that is unloaded or replaced
     */

    ngx_pimap_hibernate_index = SSL_get_ex_new_index(0, NULL, NULL, NULL,
                                                    ngx_pimap_hibernate_free);

    if (ngx_pimap_hibernate_index == -1) {
        ngx_ssl_error(NGX_LOG_EMERG, cycle->log, 0,
                      "SSL_get_ex_new_index() failed");
        return NGX_ERROR;
    }

    return NGX_OK;
}


void
ngx_pimap_hibernate_exit_process(void)
{
    if (ngx_pimap_hibernate_ctx) {
        ngx_pimap_tls13_ctx_destroy(ngx_pimap_hibernate_ctx);
        ngx_pimap_hibernate_ctx = NULL;
    }

    if (ngx_pimap_hibernate_buffer) {
        ngx_free(ngx_pimap_hibernate_buffer);
        ngx_pimap_hibernate_buffer = NULL;
        ngx_pimap_hibernate_size = 0;
    }
}


static void
ngx_pimap_hibernate_free(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int idx,
    long argl, void *argp)
{
    if (ptr) {
        ngx_pimap_tls13_capture_wipe(ptr);
        ngx_free(ptr);
        ngx_pimap_heap_trim_later();
    }
}


/* Without memory nothing is captured, and the connection stays awake. */

static ngx_pimap_tls13_capture_t *
ngx_pimap_hibernate_capture(SSL *ssl)
{
    ngx_pimap_tls13_capture_t  *capture;

    capture = SSL_get_ex_data(ssl, ngx_pimap_hibernate_index);

    if (capture || !SSL_in_init(ssl)) {
        return capture;
    }

    capture = ngx_alloc(sizeof(ngx_pimap_tls13_capture_t), ngx_cycle->log);
    if (capture == NULL) {
        return NULL;
    }

    ngx_pimap_tls13_capture_init(capture, 0);

    if (SSL_set_ex_data(ssl, ngx_pimap_hibernate_index, capture) == 0) {
        ngx_free(capture);
        return NULL;
    }

    return capture;
}


static void
ngx_pimap_hibernate_keylog(const SSL *ssl, const char *line)
{
    ngx_pimap_tls13_capture_t  *capture;

    capture = SSL_get_ex_data(ssl, ngx_pimap_hibernate_index);

    if (capture) {
        ngx_pimap_tls13_capture_keylog(capture, line);
    }

    /* (it leaves the connections of TCP alone) */

    if (ngx_pimap_hibernate_quic) {
        ngx_pimap_hibernate_quic(ssl, line);
    }
}


static void
ngx_pimap_hibernate_message(int write, int version, int type,
    const void *buf, size_t len, SSL *ssl, void *arg)
{
    ngx_pimap_tls13_capture_t  *capture;

    /* the master and helpers have no means to seal, and no connections */

    if (ngx_pimap_hibernate_ctx == NULL) {
        return;
    }

    capture = ngx_pimap_hibernate_capture(ssl);

    if (capture) {
        ngx_pimap_tls13_capture_message(capture, ngx_pimap_hibernate_ctx, ssl,
                                        write, type, buf, len);
    }
}


const char *
ngx_pimap_hibernate_take(ngx_connection_t *c, ngx_pimap_tls13_t *tls)
{
    SSL                        *ssl;
    const char                 *refusal;
    ngx_pimap_tls13_capture_t  *capture;

    if (ngx_pimap_hibernate_ctx == NULL) {
        return "not set up";
    }

    ssl = c->ssl->connection;
    capture = SSL_get_ex_data(ssl, ngx_pimap_hibernate_index);

    if (capture == NULL) {
        return "the handshake was not seen";
    }

    refusal = ngx_pimap_tls13_capture_take(capture, ngx_pimap_hibernate_ctx,
                                           ssl, tls);
    if (refusal) {
        return refusal;
    }

    SSL_free(ssl);

    c->ssl = NULL;
    ngx_pimap_socket_plain(c);

    return NULL;
}


void
ngx_pimap_hibernate_refused(ngx_log_t *log, const char *refusal)
{
    ngx_pimap_count(not_hibernated);

    ngx_log_error(NGX_LOG_INFO, log, 0,
                  "pimap does not hibernate: %s", refusal);
}


ngx_int_t
ngx_pimap_hibernate_seal(ngx_pimap_tls13_t *tls, ngx_pimap_tls13_keys_t *keys,
    u_char *data, size_t len, size_t padding, ngx_str_t *sealed)
{
    size_t  size;

    size = ngx_pimap_tls13_seal_size(tls, len, padding);

    sealed->data = ngx_pimap_hibernate_scratch(size);
    if (sealed->data == NULL) {
        return NGX_ERROR;
    }

    sealed->len = ngx_pimap_tls13_seal(ngx_pimap_hibernate_ctx, tls, keys,
                                       sealed->data, size, data, len,
                                       padding);

    return sealed->len ? NGX_OK : NGX_ERROR;
}


ngx_int_t
ngx_pimap_hibernate_alert(ngx_pimap_tls13_t *tls, uint8_t alert,
    ngx_str_t *sealed)
{
    sealed->data = ngx_pimap_hibernate_scratch(NGX_PIMAP_TLS13_ALERT_SIZE);
    if (sealed->data == NULL) {
        return NGX_ERROR;
    }

    sealed->len = ngx_pimap_tls13_seal_alert(ngx_pimap_hibernate_ctx, tls,
                                             sealed->data,
                                             NGX_PIMAP_TLS13_ALERT_SIZE,
                                             alert);

    return sealed->len ? NGX_OK : NGX_ERROR;
}


ngx_pimap_tls13_result_t
ngx_pimap_hibernate_open(ngx_pimap_tls13_t *tls, u_char *data, size_t len,
    ngx_pimap_tls13_in_t *in)
{
    return ngx_pimap_tls13_open(ngx_pimap_hibernate_ctx, tls, data, len, in);
}


/* The directive may be off here. */

ngx_int_t
ngx_pimap_hibernate_resume(ngx_pimap_tls13_t *tls)
{
    if (ngx_pimap_hibernate_ctx == NULL) {
        ngx_pimap_hibernate_ctx = ngx_pimap_tls13_ctx_create();
    }

    if (ngx_pimap_hibernate_ctx == NULL
        || ngx_pimap_tls13_check(ngx_pimap_hibernate_ctx, tls) != 0)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


void
ngx_pimap_hibernate_wipe(ngx_pimap_tls13_t *tls)
{
    ngx_pimap_tls13_wipe(ngx_pimap_hibernate_ctx, tls);
}


/* One block for all connections: sealed bytes are sent or copied at once. */

static u_char *
ngx_pimap_hibernate_scratch(size_t size)
{
    u_char  *p;

    if (size == 0) {
        return NULL;
    }

    if (size > ngx_pimap_hibernate_size) {
        size = ngx_max(size, NGX_PIMAP_HIBERNATE_SCRATCH);

        p = ngx_alloc(size, ngx_cycle->log);
        if (p == NULL) {
            return NULL;
        }

        if (ngx_pimap_hibernate_buffer) {
            ngx_free(ngx_pimap_hibernate_buffer);
        }

        ngx_pimap_hibernate_buffer = p;
        ngx_pimap_hibernate_size = size;
    }

    return ngx_pimap_hibernate_buffer;
}
