
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Taking a TLS 1.3 connection over from OpenSSL.  The application traffic
 * secrets come from the key log; the sequence numbers are counted from the
 * message callback, which sees the header of each record before the messages
 * in it.  A connection is refused when OpenSSL holds anything that we would
 * have to go on with and cannot see.
 */


#include <string.h>

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/ssl.h>

#include "ngx_pimap_tls13.h"
#include "ngx_pimap_tls13_keys.h"


#define NGX_PIMAP_TLS13_RANDOM  32


static void ngx_pimap_tls13_capture_handshake(ngx_pimap_tls13_capture_t *c,
    ngx_pimap_tls13_ctx_t *ctx, SSL *ssl, int write, uint8_t type);
static uint16_t ngx_pimap_tls13_capture_suite(SSL *ssl);
static int ngx_pimap_tls13_capture_idle(SSL *ssl);
static size_t ngx_pimap_tls13_capture_hex(const char *text, uint8_t *out,
    size_t size);


void
ngx_pimap_tls13_capture_init(ngx_pimap_tls13_capture_t *c, int client)
{
    memset(c, 0, sizeof(ngx_pimap_tls13_capture_t));

    c->client = client != 0;
}


/*
 * "<label> <client random> <secret>", all but the label in hexadecimal.  Other
 * labels are of no interest, and what looks wrong leaves the secret unseen.
 */

void
ngx_pimap_tls13_capture_keylog(ngx_pimap_tls13_capture_t *c, const char *line)
{
    int          client;
    size_t       n;
    uint8_t      secret[NGX_PIMAP_TLS13_SECRET];
    const char  *p;

    static const char  label[] = "CLIENT_TRAFFIC_SECRET_0 ";
    static const char  peer[] = "SERVER_TRAFFIC_SECRET_0 ";

    if (strncmp(line, label, sizeof(label) - 1) == 0) {
        client = 1;

    } else if (strncmp(line, peer, sizeof(peer) - 1) == 0) {
        client = 0;

    } else {
        return;
    }

    p = line + sizeof(label) - 1;

    if (strspn(p, "0123456789abcdefABCDEF") != 2 * NGX_PIMAP_TLS13_RANDOM
        || p[2 * NGX_PIMAP_TLS13_RANDOM] != ' ')
    {
        return;
    }

    p += 2 * NGX_PIMAP_TLS13_RANDOM + 1;

    n = ngx_pimap_tls13_capture_hex(p, secret, sizeof(secret));

    if (client == (int) c->client) {
        memcpy(c->tls.tx_secret, secret, n);
        c->tx_len = (uint8_t) n;

    } else {
        memcpy(c->tls.rx_secret, secret, n);
        c->rx_len = (uint8_t) n;
    }

    OPENSSL_cleanse(secret, sizeof(secret));
}


void
ngx_pimap_tls13_capture_message(ngx_pimap_tls13_capture_t *c,
    ngx_pimap_tls13_ctx_t *ctx, SSL *ssl, int write, int type, const void *buf,
    size_t len)
{
    switch (type) {

    case SSL3_RT_HEADER:

        if (write) {
            c->tls.tx_seq++;

        } else {
            c->tls.rx_seq++;
        }

        return;

    case SSL3_RT_HANDSHAKE:

        if (len) {
            ngx_pimap_tls13_capture_handshake(c, ctx, ssl, write,
                                              *(const uint8_t *) buf);
        }

        return;
    }
}


/*
 * RFC 8446, section 5.3: a sequence number is 0 again under each new key.
 * Early data, EndOfEarlyData and all that follows a HelloRetryRequest come
 * before Finished.  Afterwards there are tickets, which are records like any
 * other, KeyUpdate, which OpenSSL does not log, and messages of client
 * authentication after the handshake, which we could not answer.
 */

static void
ngx_pimap_tls13_capture_handshake(ngx_pimap_tls13_capture_t *c,
    ngx_pimap_tls13_ctx_t *ctx, SSL *ssl, int write, uint8_t type)
{
    uint8_t   *secret;
    uint64_t  *seq;

    secret = write ? c->tls.tx_secret : c->tls.rx_secret;
    seq = write ? &c->tls.tx_seq : &c->tls.rx_seq;

    if (write ? !c->tx_finished : !c->rx_finished) {

        if (type == SSL3_MT_FINISHED) {
            *seq = 0;

            if (write) {
                c->tx_finished = 1;

            } else {
                c->rx_finished = 1;
            }
        }

        return;
    }

    switch (type) {

    case SSL3_MT_NEWSESSION_TICKET:
        return;

    case SSL3_MT_KEY_UPDATE:
        *seq = 0;

        if (ngx_pimap_tls13_next_secret(ctx,
                                        ngx_pimap_tls13_capture_suite(ssl),
                                        secret)
            == 0)
        {
            return;
        }

        break;
    }

    c->spoiled = 1;
}


static uint16_t
ngx_pimap_tls13_capture_suite(SSL *ssl)
{
    const SSL_CIPHER  *cipher;

    cipher = SSL_get_current_cipher(ssl);

    return cipher ? SSL_CIPHER_get_protocol_id(cipher) : 0;
}


const char *
ngx_pimap_tls13_capture_refusal(ngx_pimap_tls13_capture_t *c,
    ngx_pimap_tls13_ctx_t *ctx, SSL *ssl)
{
    size_t  n;

    if (SSL_version(ssl) != TLS1_3_VERSION) {
        return "not TLS 1.3";
    }

    if (!SSL_is_init_finished(ssl)) {
        return "handshake is not finished";
    }

    n = ngx_pimap_tls13_secret_len(ctx, ngx_pimap_tls13_capture_suite(ssl));

    if (n == 0) {
        return "cipher suite";
    }

    if (!c->tx_finished || !c->rx_finished
        || c->tx_len != n || c->rx_len != n)
    {
        return "secrets are not known";
    }

    if (c->spoiled) {
        return "authentication after the handshake";
    }

    if (SSL_get_shutdown(ssl)) {
        return "connection is closing";
    }

    if (BIO_get_ktls_send(SSL_get_wbio(ssl))
        || BIO_get_ktls_recv(SSL_get_rbio(ssl)))
    {
        return "kernel TLS";
    }

    /* RFC 6066, section 4: the peer takes short records only */

    if (SSL_SESSION_get_max_fragment_length(SSL_get_session(ssl))
        != TLSEXT_max_fragment_length_DISABLED)
    {
        return "max_fragment_length";
    }

    if (!ngx_pimap_tls13_capture_idle(ssl)) {
        return "data is pending";
    }

    return NULL;
}


/*
 * OpenSSL is between two records in both directions.  SSL_has_pending() misses
 * the case that it has read the header of a record and nothing of its body,
 * so the reader's state is looked at as well.
 */

static int
ngx_pimap_tls13_capture_idle(SSL *ssl)
{
    if (SSL_has_pending(ssl) || strcmp(SSL_rstate_string(ssl), "RH") != 0) {
        return 0;
    }

    if (SSL_want(ssl) != SSL_NOTHING && SSL_want(ssl) != SSL_READING) {
        return 0;
    }

    return BIO_wpending(SSL_get_wbio(ssl)) <= 0;
}


const char *
ngx_pimap_tls13_capture_take(ngx_pimap_tls13_capture_t *c,
    ngx_pimap_tls13_ctx_t *ctx, SSL *ssl, ngx_pimap_tls13_t *s)
{
    const char  *refusal;

    refusal = ngx_pimap_tls13_capture_refusal(c, ctx, ssl);
    if (refusal != NULL) {
        return refusal;
    }

    *s = c->tls;
    s->suite = ngx_pimap_tls13_capture_suite(ssl);

    /* an answer only: with a KeyUpdate of its own OpenSSL is "in handshake" */

    if (SSL_get_key_update_type(ssl) != SSL_KEY_UPDATE_NONE) {
        s->flags |= NGX_PIMAP_TLS13_OWES_UPDATE;
    }

    ngx_pimap_tls13_capture_wipe(c);

    /* SSL_free() takes the session of an unclosed connection for a bad one */

    SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN|SSL_RECEIVED_SHUTDOWN);

    return NULL;
}


void
ngx_pimap_tls13_capture_wipe(ngx_pimap_tls13_capture_t *c)
{
    OPENSSL_cleanse(c, sizeof(ngx_pimap_tls13_capture_t));
}


/* Number of bytes; 0 if the text has an odd or a foreign digit or is long. */

static size_t
ngx_pimap_tls13_capture_hex(const char *text, uint8_t *out, size_t size)
{
    int     hi, lo;
    size_t  n;

    for (n = 0; text[2 * n] != '\0'; n++) {

        hi = OPENSSL_hexchar2int(text[2 * n]);
        lo = OPENSSL_hexchar2int(text[2 * n + 1]);

        if (n == size || hi < 0 || lo < 0) {
            return 0;
        }

        out[n] = (uint8_t) (hi << 4 | lo);
    }

    return n;
}
