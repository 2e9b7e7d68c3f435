
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The sending side of TLS 1.3 (RFC 8446, section 5) for a connection that
 * OpenSSL has let go: application data, alerts and KeyUpdate are sealed, and
 * the limits of a key are kept.
 */


#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "ngx_pimap_tls13.h"
#include "ngx_pimap_tls13_keys.h"


#define NGX_PIMAP_TLS13_ALERT_WARNING  1
#define NGX_PIMAP_TLS13_ALERT_FATAL    2


typedef struct {
    EVP_CIPHER_CTX  *cipher;
    uint8_t          iv[NGX_PIMAP_TLS13_NONCE];
} ngx_pimap_tls13_key_t;


static int ngx_pimap_tls13_update_is_due(const ngx_pimap_tls13_t *s,
    size_t len);
static size_t ngx_pimap_tls13_padding(size_t len, size_t pad);
static size_t ngx_pimap_tls13_seal_message(ngx_pimap_tls13_ctx_t *ctx,
    ngx_pimap_tls13_t *s, uint8_t *out, uint8_t type, const uint8_t *in,
    size_t len);
static int ngx_pimap_tls13_seal_record(ngx_pimap_tls13_t *s,
    const ngx_pimap_tls13_key_t *key, uint8_t *out, uint8_t type,
    const uint8_t *in, size_t len, size_t padding);
static size_t ngx_pimap_tls13_seal_failed(ngx_pimap_tls13_t *s);


int
ngx_pimap_tls13_check(ngx_pimap_tls13_ctx_t *ctx, ngx_pimap_tls13_t *s)
{
    if (ngx_pimap_tls13_secret_len(ctx, s->suite) == 0
        || s->tx_seq > NGX_PIMAP_TLS13_LIMIT
        || s->rx_seq == UINT64_MAX
        || s->stalls > NGX_PIMAP_TLS13_STALLS)
    {
        return -1;
    }

    if (s->flags & ~(NGX_PIMAP_TLS13_OWES_UPDATE
                     |NGX_PIMAP_TLS13_TX_CLOSED
                     |NGX_PIMAP_TLS13_RX_CLOSED))
    {
        return -1;
    }

    return 0;
}


size_t
ngx_pimap_tls13_seal_size(const ngx_pimap_tls13_t *s, size_t len, size_t pad)
{
    size_t  full, rest, size;

    full = len / NGX_PIMAP_TLS13_PLAINTEXT;
    rest = len % NGX_PIMAP_TLS13_PLAINTEXT;

    if (len == 0
        || full >= NGX_PIMAP_TLS13_REKEY
        || (s->flags & NGX_PIMAP_TLS13_TX_CLOSED))
    {
        return 0;
    }

    size = full * (NGX_PIMAP_TLS13_PLAINTEXT + NGX_PIMAP_TLS13_OVERHEAD);

    if (rest) {
        size += rest + ngx_pimap_tls13_padding(rest, pad)
                + NGX_PIMAP_TLS13_OVERHEAD;
    }

    if (ngx_pimap_tls13_update_is_due(s, len)) {
        size += NGX_PIMAP_TLS13_UPDATE_SIZE;
    }

    return size;
}


static int
ngx_pimap_tls13_update_is_due(const ngx_pimap_tls13_t *s, size_t len)
{
    uint64_t  n;

    if (s->flags & NGX_PIMAP_TLS13_OWES_UPDATE) {
        return 1;
    }

    n = len / NGX_PIMAP_TLS13_PLAINTEXT + 1;

    return s->tx_seq + n > NGX_PIMAP_TLS13_REKEY;
}


/*
 * RFC 8446, section 5.4.  Content and type together are padded, as OpenSSL
 * does it, and no record becomes longer than one without padding may be.
 */

static size_t
ngx_pimap_tls13_padding(size_t len, size_t pad)
{
    size_t  padding;

    if (pad < 2 || (len + 1) % pad == 0) {
        return 0;
    }

    padding = pad - (len + 1) % pad;

    if (padding > NGX_PIMAP_TLS13_PLAINTEXT - len) {
        padding = NGX_PIMAP_TLS13_PLAINTEXT - len;
    }

    return padding;
}


size_t
ngx_pimap_tls13_seal(ngx_pimap_tls13_ctx_t *ctx, ngx_pimap_tls13_t *s,
    ngx_pimap_tls13_keys_t *keys, uint8_t *out, size_t size, const uint8_t *in,
    size_t len, size_t pad)
{
    int                    rc;
    size_t                 n, total, padding;
    uint8_t               *p;
    ngx_pimap_tls13_key_t  key;

    total = ngx_pimap_tls13_seal_size(s, len, pad);

    if (total == 0 || total > size) {
        return 0;
    }

    p = out;

    if (ngx_pimap_tls13_update_is_due(s, len)) {
        n = ngx_pimap_tls13_seal_update(ctx, s, p, size, 0);
        if (n == 0) {
            return 0;
        }

        p += n;
    }

    rc = -1;
    key.cipher = ngx_pimap_tls13_load_kept(ctx, s->suite, s->tx_secret, keys,
                                           key.iv);

    if (key.cipher != NULL) {

        do {
            n = len;

            if (n > NGX_PIMAP_TLS13_PLAINTEXT) {
                n = NGX_PIMAP_TLS13_PLAINTEXT;
            }

            padding = ngx_pimap_tls13_padding(n, pad);

            rc = ngx_pimap_tls13_seal_record(s, &key, p,
                                             SSL3_RT_APPLICATION_DATA, in, n,
                                             padding);

            p += n + padding + NGX_PIMAP_TLS13_OVERHEAD;
            in += n;
            len -= n;

        } while (rc == 0 && len);
    }

    OPENSSL_cleanse(&key, sizeof(key));

    if (rc != 0) {
        return ngx_pimap_tls13_seal_failed(s);
    }

    s->stalls = 0;

    return total;
}


/* RFC 8446, section 6.  Alert Protocol */

size_t
ngx_pimap_tls13_seal_alert(ngx_pimap_tls13_ctx_t *ctx, ngx_pimap_tls13_t *s,
    uint8_t *out, size_t size, uint8_t alert)
{
    size_t   n;
    uint8_t  msg[2];

    if (size < NGX_PIMAP_TLS13_ALERT_SIZE) {
        return 0;
    }

    msg[0] = NGX_PIMAP_TLS13_ALERT_FATAL;
    msg[1] = alert;

    if (alert == SSL_AD_CLOSE_NOTIFY || alert == SSL_AD_USER_CANCELLED) {
        msg[0] = NGX_PIMAP_TLS13_ALERT_WARNING;
    }

    n = ngx_pimap_tls13_seal_message(ctx, s, out, SSL3_RT_ALERT, msg, 2);

    if (alert == SSL_AD_USER_CANCELLED) {
        return n;
    }

    ngx_pimap_tls13_close_tx(s);

    if (alert != SSL_AD_CLOSE_NOTIFY) {
        ngx_pimap_tls13_close_rx(s);
    }

    return n;
}


/*
 * RFC 8446, section 4.6.3.  Key and Initialization Vector Update: the message
 * goes out under the old key, what follows it under the new one.
 */

size_t
ngx_pimap_tls13_seal_update(ngx_pimap_tls13_ctx_t *ctx, ngx_pimap_tls13_t *s,
    uint8_t *out, size_t size, int request)
{
    size_t   n;
    uint8_t  msg[5];

    if (size < NGX_PIMAP_TLS13_UPDATE_SIZE) {
        return 0;
    }

    msg[0] = SSL3_MT_KEY_UPDATE;
    msg[1] = 0;
    msg[2] = 0;
    msg[3] = 1;
    msg[4] = request ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED;

    n = ngx_pimap_tls13_seal_message(ctx, s, out, SSL3_RT_HANDSHAKE, msg, 5);
    if (n == 0) {
        return 0;
    }

    if (ngx_pimap_tls13_next_secret(ctx, s->suite, s->tx_secret) != 0) {
        return ngx_pimap_tls13_seal_failed(s);
    }

    s->tx_seq = 0;
    s->flags &= ~NGX_PIMAP_TLS13_OWES_UPDATE;

    return n;
}


static size_t
ngx_pimap_tls13_seal_message(ngx_pimap_tls13_ctx_t *ctx, ngx_pimap_tls13_t *s,
    uint8_t *out, uint8_t type, const uint8_t *in, size_t len)
{
    int                    rc;
    ngx_pimap_tls13_key_t  key;

    if (s->flags & NGX_PIMAP_TLS13_TX_CLOSED) {
        return 0;
    }

    rc = -1;
    key.cipher = ngx_pimap_tls13_load(ctx, s->suite, s->tx_secret, 1, key.iv);

    if (key.cipher != NULL) {
        rc = ngx_pimap_tls13_seal_record(s, &key, out, type, in, len, 0);
    }

    OPENSSL_cleanse(&key, sizeof(key));

    if (rc != 0) {
        return ngx_pimap_tls13_seal_failed(s);
    }

    return len + NGX_PIMAP_TLS13_OVERHEAD;
}


/* RFC 8446, section 5.2.  Record Payload Protection */

static int
ngx_pimap_tls13_seal_record(ngx_pimap_tls13_t *s,
    const ngx_pimap_tls13_key_t *key, uint8_t *out, uint8_t type,
    const uint8_t *in, size_t len, size_t padding)
{
    int       n;
    size_t    plain, cipher;
    uint8_t  *p;
    uint8_t   nonce[NGX_PIMAP_TLS13_NONCE];

    if (s->tx_seq >= NGX_PIMAP_TLS13_LIMIT) {
        return -1;
    }

    /* counted before anything can fail: a nonce is not used twice */

    ngx_pimap_tls13_nonce(nonce, key->iv, s->tx_seq++);

    plain = len + 1 + padding;
    cipher = plain + NGX_PIMAP_TLS13_TAG;

    p = out + NGX_PIMAP_TLS13_HEADER;

    memmove(p, in, len);
    p[len] = type;
    memset(p + len + 1, 0, padding);

    out[0] = SSL3_RT_APPLICATION_DATA;
    out[1] = TLS1_2_VERSION >> 8;
    out[2] = TLS1_2_VERSION & 0xff;
    out[3] = (uint8_t) (cipher >> 8);
    out[4] = (uint8_t) cipher;

    if (EVP_EncryptInit_ex2(key->cipher, NULL, NULL, nonce, NULL) != 1
        || EVP_EncryptUpdate(key->cipher, NULL, &n, out,
                             NGX_PIMAP_TLS13_HEADER)
           != 1
        || EVP_EncryptUpdate(key->cipher, p, &n, p, (int) plain) != 1
        || EVP_EncryptFinal_ex(key->cipher, p + n, &n) != 1
        || EVP_CIPHER_CTX_ctrl(key->cipher, EVP_CTRL_AEAD_GET_TAG,
                               NGX_PIMAP_TLS13_TAG, p + plain)
           != 1)
    {
        OPENSSL_cleanse(out, NGX_PIMAP_TLS13_HEADER + cipher);
        return -1;
    }

    return 0;
}


/* nginx reports what it finds in OpenSSL's queue of errors: leave none. */

static size_t
ngx_pimap_tls13_seal_failed(ngx_pimap_tls13_t *s)
{
    ERR_clear_error();
    ngx_pimap_tls13_close_tx(s);

    return 0;
}
