
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the settings of TLS for all clients.
 */


#include "bridge.h"

#include <arpa/inet.h>

#include <event2/bufferevent_ssl.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>


SSL_CTX *
bridge_tls_client(int verify, const char *ca_file)
{
    SSL_CTX  *ctx;

    ctx = SSL_CTX_new(TLS_client_method());
    if (ctx == NULL) {
        return NULL;
    }

    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);

    /* an idle connection keeps no buffers */

    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS
                          |SSL_MODE_ENABLE_PARTIAL_WRITE
                          |SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);

    SSL_CTX_set_verify(ctx, verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);

    if (ca_file ? SSL_CTX_load_verify_locations(ctx, ca_file, NULL) != 1
                : SSL_CTX_set_default_verify_paths(ctx) != 1)
    {
        ERR_clear_error();
        SSL_CTX_free(ctx);
        return NULL;
    }

    return ctx;
}


SSL *
bridge_tls_connect(SSL_CTX *ctx, const char *host)
{
    SSL               *ssl;
    unsigned char      address[16];
    X509_VERIFY_PARAM *param;

    ssl = SSL_new(ctx);
    if (ssl == NULL) {
        return NULL;
    }

    param = SSL_get0_param(ssl);

    /* an address has no SNI, and its own kind of name in a certificate */

    if (inet_pton(AF_INET, host, address) == 1
        || inet_pton(AF_INET6, host, address) == 1)
    {
        if (X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1) {
            return ssl;
        }

    } else if (X509_VERIFY_PARAM_set1_host(param, host, 0) == 1
               && SSL_set_tlsext_host_name(ssl, host) == 1)
    {
        X509_VERIFY_PARAM_set_hostflags(param,
                                    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        return ssl;
    }

    SSL_free(ssl);

    return NULL;
}


/* Libevent passes on SSL_ERROR_SYSCALL, too, which is of no library. */

unsigned long
bridge_tls_error(struct bufferevent *bev)
{
    unsigned long  error;

    error = bufferevent_get_openssl_error(bev);

    return ERR_GET_LIB(error) ? error : 0;
}
