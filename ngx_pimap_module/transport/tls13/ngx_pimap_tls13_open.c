
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The reading side of TLS 1.3 (RFC 8446, section 5) for a connection that
 * OpenSSL has let go.  Application data, alerts and KeyUpdate are opened;
 * everything else that may come from a client after the handshake is an error,
 * and it is said which alert is due.
 */


#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "ngx_pimap_tls13.h"
#include "ngx_pimap_tls13_keys.h"


static ngx_pimap_tls13_result_t ngx_pimap_tls13_open_header(
    ngx_pimap_tls13_t *s, const uint8_t *buf, size_t len,
    ngx_pimap_tls13_in_t *in);
static uint8_t ngx_pimap_tls13_decrypt(ngx_pimap_tls13_ctx_t *ctx,
    ngx_pimap_tls13_t *s, uint8_t *buf, size_t len);
static ngx_pimap_tls13_result_t ngx_pimap_tls13_open_data(
    ngx_pimap_tls13_t *s, ngx_pimap_tls13_in_t *in);
static ngx_pimap_tls13_result_t ngx_pimap_tls13_open_alert(
    ngx_pimap_tls13_t *s, ngx_pimap_tls13_in_t *in);
static ngx_pimap_tls13_result_t ngx_pimap_tls13_open_handshake(
    ngx_pimap_tls13_ctx_t *ctx, ngx_pimap_tls13_t *s,
    ngx_pimap_tls13_in_t *in);
static ngx_pimap_tls13_result_t ngx_pimap_tls13_stalled(ngx_pimap_tls13_t *s,
    ngx_pimap_tls13_in_t *in);
static ngx_pimap_tls13_result_t ngx_pimap_tls13_fail(ngx_pimap_tls13_t *s,
    ngx_pimap_tls13_in_t *in, uint8_t alert);


ngx_pimap_tls13_result_t
ngx_pimap_tls13_open(ngx_pimap_tls13_ctx_t *ctx, ngx_pimap_tls13_t *s,
    uint8_t *buf, size_t len, ngx_pimap_tls13_in_t *in)
{
    size_t                    n;
    uint8_t                   alert;
    ngx_pimap_tls13_result_t  rc;

    memset(in, 0, sizeof(ngx_pimap_tls13_in_t));

    /* RFC 8446, section 6.1: data after a closure alert is ignored */

    if (s->flags & NGX_PIMAP_TLS13_RX_CLOSED) {
        return NGX_PIMAP_TLS13_CLOSED;
    }

    rc = ngx_pimap_tls13_open_header(s, buf, len, in);
    if (rc != NGX_PIMAP_TLS13_DATA) {
        return rc;
    }

    in->used = in->need;
    n = in->need - NGX_PIMAP_TLS13_HEADER;

    alert = ngx_pimap_tls13_decrypt(ctx, s, buf, n);

    if (alert) {
        return ngx_pimap_tls13_fail(s, in, alert);
    }

    n -= NGX_PIMAP_TLS13_TAG;

    if (n > NGX_PIMAP_TLS13_PLAINTEXT + 1) {
        return ngx_pimap_tls13_fail(s, in, SSL_AD_RECORD_OVERFLOW);
    }

    /* section 5.4: the type is the last octet that is not zero */

    in->data = buf + NGX_PIMAP_TLS13_HEADER;

    while (n && in->data[n - 1] == 0) {
        n--;
    }

    if (n == 0) {
        return ngx_pimap_tls13_fail(s, in, SSL_AD_UNEXPECTED_MESSAGE);
    }

    in->len = n - 1;

    switch (in->data[n - 1]) {

    case SSL3_RT_APPLICATION_DATA:
        return ngx_pimap_tls13_open_data(s, in);

    case SSL3_RT_ALERT:
        return ngx_pimap_tls13_open_alert(s, in);

    case SSL3_RT_HANDSHAKE:
        return ngx_pimap_tls13_open_handshake(ctx, s, in);

    default:
        return ngx_pimap_tls13_fail(s, in, SSL_AD_UNEXPECTED_MESSAGE);
    }
}


/*
 * RFC 8446, sections 5.1 and 5.2.  An unprotected alert and change_cipher_spec
 * are unexpected after Finished (section 5).  Returns DATA when the record is
 * complete; a wrong header fails before its record is waited for.
 */

static ngx_pimap_tls13_result_t
ngx_pimap_tls13_open_header(ngx_pimap_tls13_t *s, const uint8_t *buf,
    size_t len, ngx_pimap_tls13_in_t *in)
{
    size_t  n;

    in->need = NGX_PIMAP_TLS13_HEADER;

    if (len >= NGX_PIMAP_TLS13_HEADER) {

        if (buf[0] != SSL3_RT_APPLICATION_DATA) {
            return ngx_pimap_tls13_fail(s, in, SSL_AD_UNEXPECTED_MESSAGE);
        }

        if (buf[1] != TLS1_2_VERSION >> 8
            || buf[2] != (TLS1_2_VERSION & 0xff))
        {
            return ngx_pimap_tls13_fail(s, in, SSL_AD_DECODE_ERROR);
        }

        n = ((size_t) buf[3] << 8) + buf[4];

        if (n > NGX_PIMAP_TLS13_RECORD - NGX_PIMAP_TLS13_HEADER) {
            return ngx_pimap_tls13_fail(s, in, SSL_AD_RECORD_OVERFLOW);
        }

        if (n < NGX_PIMAP_TLS13_TAG) {
            return ngx_pimap_tls13_fail(s, in, SSL_AD_BAD_RECORD_MAC);
        }

        in->need += n;

        if (len >= in->need) {
            return NGX_PIMAP_TLS13_DATA;
        }
    }

    return NGX_PIMAP_TLS13_AGAIN;
}


/*
 * RFC 8446, section 5.2; "len" is that of the header: content and tag.
 * Returns the alert that is due, or 0.
 */

static uint8_t
ngx_pimap_tls13_decrypt(ngx_pimap_tls13_ctx_t *ctx, ngx_pimap_tls13_t *s,
    uint8_t *buf, size_t len)
{
    int              n;
    size_t           plain;
    uint8_t         *p, alert;
    uint8_t          iv[NGX_PIMAP_TLS13_NONCE], nonce[NGX_PIMAP_TLS13_NONCE];
    EVP_CIPHER_CTX  *cipher;

    /* section 5.3: sequence numbers must not wrap */

    if (s->rx_seq == UINT64_MAX) {
        return SSL_AD_BAD_RECORD_MAC;
    }

    /* without memory nothing is known about the record */

    cipher = ngx_pimap_tls13_load(ctx, s->suite, s->rx_secret, 0, iv);
    if (cipher == NULL) {
        return SSL_AD_INTERNAL_ERROR;
    }

    ngx_pimap_tls13_nonce(nonce, iv, s->rx_seq++);
    OPENSSL_cleanse(iv, sizeof(iv));

    plain = len - NGX_PIMAP_TLS13_TAG;
    p = buf + NGX_PIMAP_TLS13_HEADER;
    alert = 0;

    if (EVP_DecryptInit_ex2(cipher, NULL, NULL, nonce, NULL) != 1
        || EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG,
                               NGX_PIMAP_TLS13_TAG, p + plain)
           != 1
        || EVP_DecryptUpdate(cipher, NULL, &n, buf, NGX_PIMAP_TLS13_HEADER)
           != 1
        || EVP_DecryptUpdate(cipher, p, &n, p, (int) plain) != 1
        || EVP_DecryptFinal_ex(cipher, p + n, &n) != 1)
    {
        /* bytes that are not authentic are not to be seen */

        OPENSSL_cleanse(p, len);
        alert = SSL_AD_BAD_RECORD_MAC;
    }

    return alert;
}


static ngx_pimap_tls13_result_t
ngx_pimap_tls13_open_data(ngx_pimap_tls13_t *s, ngx_pimap_tls13_in_t *in)
{
    /* RFC 8446, section 5.4: may be empty, as cover traffic */

    if (in->len == 0) {
        return ngx_pimap_tls13_stalled(s, in);
    }

    s->stalls = 0;

    return NGX_PIMAP_TLS13_DATA;
}


/*
 * RFC 8446, section 6: the level says nothing, and what is not known is an
 * error.  Section 5.1: an alert is neither split nor joined with another;
 * section 5.4: it is not empty.
 */

static ngx_pimap_tls13_result_t
ngx_pimap_tls13_open_alert(ngx_pimap_tls13_t *s, ngx_pimap_tls13_in_t *in)
{
    if (in->len == 0) {
        return ngx_pimap_tls13_fail(s, in, SSL_AD_UNEXPECTED_MESSAGE);
    }

    if (in->len != 2) {
        return ngx_pimap_tls13_fail(s, in, SSL_AD_DECODE_ERROR);
    }

    in->alert = in->data[1];

    switch (in->alert) {

    case SSL_AD_CLOSE_NOTIFY:
        ngx_pimap_tls13_close_rx(s);
        return NGX_PIMAP_TLS13_CLOSED;

    case SSL_AD_USER_CANCELLED:

        /* section 6.1: close_notify follows */

        return ngx_pimap_tls13_stalled(s, in);

    default:
        ngx_pimap_tls13_close_rx(s);
        ngx_pimap_tls13_close_tx(s);
        return NGX_PIMAP_TLS13_ALERT;
    }
}


/*
 * RFC 8446, section 4.6: after the handshake a client sends KeyUpdate, or
 * what we never asked for.  A KeyUpdate is alone in its record, because no
 * other message may come before it and it must end the record (section 5.1);
 * to split its five bytes is allowed, but no client does, and it is refused.
 */

static ngx_pimap_tls13_result_t
ngx_pimap_tls13_open_handshake(ngx_pimap_tls13_ctx_t *ctx,
    ngx_pimap_tls13_t *s, ngx_pimap_tls13_in_t *in)
{
    uint8_t  *p;

    p = in->data;

    if (in->len < 4 || p[0] != SSL3_MT_KEY_UPDATE) {
        return ngx_pimap_tls13_fail(s, in, SSL_AD_UNEXPECTED_MESSAGE);
    }

    if (p[1] != 0 || p[2] != 0 || p[3] != 1) {
        return ngx_pimap_tls13_fail(s, in, SSL_AD_DECODE_ERROR);
    }

    if (in->len != 5) {
        return ngx_pimap_tls13_fail(s, in, SSL_AD_UNEXPECTED_MESSAGE);
    }

    /* section 4.6.3: any other value is an illegal_parameter */

    switch (p[4]) {

    case SSL_KEY_UPDATE_NOT_REQUESTED:
        break;

    case SSL_KEY_UPDATE_REQUESTED:

        /* one answer before the next application data does for all */

        s->flags |= NGX_PIMAP_TLS13_OWES_UPDATE;
        break;

    default:
        return ngx_pimap_tls13_fail(s, in, SSL_AD_ILLEGAL_PARAMETER);
    }

    if (ngx_pimap_tls13_next_secret(ctx, s->suite, s->rx_secret) != 0) {
        return ngx_pimap_tls13_fail(s, in, SSL_AD_INTERNAL_ERROR);
    }

    s->rx_seq = 0;

    return ngx_pimap_tls13_stalled(s, in);
}


/*
 * A peer must not keep us busy with records that move nothing.  Data in
 * either direction starts the count anew, so that a peer which only listens
 * may change its keys as often as it likes to in the course of months.
 */

static ngx_pimap_tls13_result_t
ngx_pimap_tls13_stalled(ngx_pimap_tls13_t *s, ngx_pimap_tls13_in_t *in)
{
    if (s->stalls >= NGX_PIMAP_TLS13_STALLS) {
        return ngx_pimap_tls13_fail(s, in, SSL_AD_UNEXPECTED_MESSAGE);
    }

    s->stalls++;
    in->data = NULL;

    return NGX_PIMAP_TLS13_SKIP;
}


/*
 * The sending side stays open for the alert.  nginx reports what it finds in
 * OpenSSL's queue of errors: leave none.
 */

static ngx_pimap_tls13_result_t
ngx_pimap_tls13_fail(ngx_pimap_tls13_t *s, ngx_pimap_tls13_in_t *in,
    uint8_t alert)
{
    ERR_clear_error();
    ngx_pimap_tls13_close_rx(s);

    in->data = NULL;
    in->len = 0;
    in->alert = alert;

    return NGX_PIMAP_TLS13_FATAL;
}
