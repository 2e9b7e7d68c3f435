
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * An OpenSSL client and an OpenSSL server in one process, connected by memory,
 * and the secrets that the server's callbacks capture.
 */


#ifndef _TLS13_OPENSSL_H_INCLUDED_
#define _TLS13_OPENSSL_H_INCLUDED_


#include <stdlib.h>

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "tls13.h"


typedef struct {
    SSL_CTX                    *client_ctx;
    SSL_CTX                    *server_ctx;
    SSL_SESSION                *session;        /* the client's last ticket */

    SSL                        *client;
    SSL                        *server;
    BIO                        *up;             /* from client to server */
    BIO                        *down;

    ngx_pimap_tls13_capture_t   capture;
} peer_t;


static peer_t  peer;


static inline void
peer_keylog(const SSL *ssl, const char *line)
{
    if (SSL_is_server(ssl)) {
        ngx_pimap_tls13_capture_keylog(&peer.capture, line);
    }
}


static inline void
peer_message(int write, int version, int type, const void *buf, size_t len,
    SSL *ssl, void *arg)
{
    (void) version;
    (void) arg;

    ngx_pimap_tls13_capture_message(&peer.capture, tls13, ssl, write, type,
                                    buf, len);
}


static inline int
peer_session(SSL *ssl, SSL_SESSION *session)
{
    (void) ssl;

    SSL_SESSION_free(peer.session);
    peer.session = session;

    return 1;
}


static inline void
peer_certificate(SSL_CTX *ctx)
{
    X509      *cert;
    EVP_PKEY  *key;

    key = EVP_EC_gen("P-256");
    cert = X509_new();

    X509_gmtime_adj(X509_getm_notBefore(cert), -60);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, key);
    X509_sign(cert, key, EVP_sha256());

    SSL_CTX_use_certificate(ctx, cert);
    SSL_CTX_use_PrivateKey(ctx, key);

    X509_free(cert);
    EVP_PKEY_free(key);
}


static inline void
peer_create(void)
{
    peer.client_ctx = SSL_CTX_new(TLS_client_method());
    peer.server_ctx = SSL_CTX_new(TLS_server_method());

    peer_certificate(peer.server_ctx);
    SSL_CTX_set_keylog_callback(peer.server_ctx, peer_keylog);
    SSL_CTX_set_msg_callback(peer.server_ctx, peer_message);
    SSL_CTX_set_session_id_context(peer.server_ctx, (uint8_t *) "t", 1);

    SSL_CTX_set_session_cache_mode(peer.client_ctx, SSL_SESS_CACHE_CLIENT);
    SSL_CTX_sess_set_new_cb(peer.client_ctx, peer_session);
}


static inline void
peer_destroy(void)
{
    SSL_SESSION_free(peer.session);
    SSL_CTX_free(peer.client_ctx);
    SSL_CTX_free(peer.server_ctx);
}


static inline void
peer_open(void)
{
    ngx_pimap_tls13_capture_init(&peer.capture, 0);

    peer.client = SSL_new(peer.client_ctx);
    peer.server = SSL_new(peer.server_ctx);
    peer.up = BIO_new(BIO_s_mem());
    peer.down = BIO_new(BIO_s_mem());

    BIO_up_ref(peer.up);
    BIO_up_ref(peer.down);
    SSL_set_bio(peer.client, peer.down, peer.up);

    BIO_up_ref(peer.up);
    BIO_up_ref(peer.down);
    SSL_set_bio(peer.server, peer.up, peer.down);

    SSL_set_connect_state(peer.client);
    SSL_set_accept_state(peer.server);

    if (peer.session) {
        SSL_set_session(peer.client, peer.session);
    }
}


static inline int
peer_handshake(void)
{
    int  i;

    for (i = 0; i < 10; i++) {
        (void) SSL_do_handshake(peer.client);
        (void) SSL_do_handshake(peer.server);
    }

    return SSL_is_init_finished(peer.client)
           && SSL_is_init_finished(peer.server);
}


#endif /* _TLS13_OPENSSL_H_INCLUDED_ */
