
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * libFuzzer target: the reading side of TLS 1.3.  The first byte of the input
 * selects how the rest is used: as bytes of the wire, which cannot be
 * authentic, or as contents of correctly sealed records, so that the code
 * behind the authentication is reached too; with each suite, in pieces.
 *
 * Reaches: ngx_pimap_tls13_open_data, ngx_pimap_tls13_open_alert,
 *     ngx_pimap_tls13_open_handshake, ngx_pimap_tls13_next_secret.
 */


#include "fuzz.h"

#include <openssl/evp.h>

#include "ngx_pimap_tls13.h"
#include "ngx_pimap_tls13_keys.h"


#define FUZZ_SEALED         0x80
#define FUZZ_RECORDS        64


static ngx_pimap_tls13_ctx_t  *ctx;


/* Of exact size, so that the sanitizer finds an access beyond the end. */

static int
fuzz_is_over(ngx_pimap_tls13_result_t rc)
{
    return rc == NGX_PIMAP_TLS13_CLOSED
           || rc == NGX_PIMAP_TLS13_ALERT
           || rc == NGX_PIMAP_TLS13_FATAL;
}


/* The invariants after each record. */

static ngx_pimap_tls13_result_t
fuzz_open(ngx_pimap_tls13_t *s, uint8_t *buf, size_t len,
    ngx_pimap_tls13_in_t *in)
{
    ngx_pimap_tls13_result_t  rc;

    rc = ngx_pimap_tls13_open(ctx, s, buf, len, in);

    fuzz_check(ngx_pimap_tls13_check(ctx, s) == 0);
    fuzz_check(fuzz_is_over(rc)
               == !!(s->flags & NGX_PIMAP_TLS13_RX_CLOSED));

    switch (rc) {

    case NGX_PIMAP_TLS13_AGAIN:
        fuzz_check(in->used == 0 && in->need > len
                   && in->need <= NGX_PIMAP_TLS13_RECORD);
        break;

    case NGX_PIMAP_TLS13_DATA:
        fuzz_check(in->len > 0 && in->len <= NGX_PIMAP_TLS13_PLAINTEXT
                   && in->data == buf + NGX_PIMAP_TLS13_HEADER
                   && in->data + in->len + NGX_PIMAP_TLS13_TAG
                      < buf + in->used);

        /* fall through */

    case NGX_PIMAP_TLS13_SKIP:
        fuzz_check(in->used > NGX_PIMAP_TLS13_HEADER && in->used <= len);
        break;

    case NGX_PIMAP_TLS13_FATAL:
        fuzz_check(in->data == NULL && in->alert != SSL_AD_CLOSE_NOTIFY);
        break;

    default:
        break;
    }

    return rc;
}


/* No input can be authentic: there is never data, nor a harmless record. */

static void
fuzz_wire(ngx_pimap_tls13_t *s, const uint8_t *data, size_t size)
{
    size_t                     n;
    uint8_t                   *buf;
    ngx_pimap_tls13_in_t       in;
    ngx_pimap_tls13_result_t   rc;

    for (n = 0; /* void */ ; n = in.need) {

        buf = fuzz_copy(data, n < size ? n : size);
        rc = fuzz_open(s, buf, n < size ? n : size, &in);
        free(buf);

        fuzz_check(rc == NGX_PIMAP_TLS13_AGAIN
                   || rc == NGX_PIMAP_TLS13_FATAL);

        if (rc == NGX_PIMAP_TLS13_FATAL || n >= size) {
            return;
        }
    }
}


static size_t
fuzz_seal(ngx_pimap_tls13_t *peer, uint8_t *out, const uint8_t *text,
    size_t len)
{
    int              n;
    uint8_t          iv[NGX_PIMAP_TLS13_NONCE], nonce[NGX_PIMAP_TLS13_NONCE];
    EVP_CIPHER_CTX  *c;

    c = ngx_pimap_tls13_load(ctx, peer->suite, peer->tx_secret, 1, iv);
    fuzz_check(c != NULL);

    ngx_pimap_tls13_nonce(nonce, iv, peer->tx_seq++);

    out[0] = SSL3_RT_APPLICATION_DATA;
    out[1] = 3;
    out[2] = 3;
    out[3] = (uint8_t) ((len + NGX_PIMAP_TLS13_TAG) >> 8);
    out[4] = (uint8_t) (len + NGX_PIMAP_TLS13_TAG);

    fuzz_check(EVP_EncryptInit_ex2(c, NULL, NULL, nonce, NULL) == 1
               && EVP_EncryptUpdate(c, NULL, &n, out, 5) == 1
               && EVP_EncryptUpdate(c, out + 5, &n, text, (int) len) == 1
               && EVP_EncryptFinal_ex(c, out + 5 + len, &n) == 1
               && EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, 16,
                                      out + 5 + len)
                  == 1);

    return len + NGX_PIMAP_TLS13_HEADER + NGX_PIMAP_TLS13_TAG;
}


/* Each record's content has its length in a byte before it. */

static void
fuzz_sealed(ngx_pimap_tls13_t *s, const uint8_t *data, size_t size)
{
    int                        i;
    size_t                     n, len;
    uint8_t                    text[300], *buf;
    ngx_pimap_tls13_t          peer;
    ngx_pimap_tls13_in_t       in;
    ngx_pimap_tls13_result_t   rc;

    peer = *s;
    memcpy(peer.tx_secret, s->rx_secret, sizeof(s->rx_secret));

    for (i = 0; i < FUZZ_RECORDS && size; i++) {
        n = *data++;
        size--;

        n = n < size ? n : size;
        len = fuzz_seal(&peer, text, data, n);
        data += n;
        size -= n;

        buf = fuzz_copy(text, len);
        rc = fuzz_open(s, buf, len, &in);
        free(buf);

        fuzz_check(rc != NGX_PIMAP_TLS13_AGAIN
                   && (rc != NGX_PIMAP_TLS13_FATAL
                       || in.alert != SSL_AD_BAD_RECORD_MAC));

        if (fuzz_is_over(rc)) {
            return;
        }

        /* the state has gone to its next key: so does the peer */

        if (memcmp(peer.tx_secret, s->rx_secret, sizeof(s->rx_secret)) != 0) {
            fuzz_check(ngx_pimap_tls13_next_secret(ctx, peer.suite,
                                                   peer.tx_secret)
                       == 0);
            peer.tx_seq = 0;
        }
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t             n;
    uint8_t            out[NGX_PIMAP_TLS13_ALERT_SIZE];
    ngx_pimap_tls13_t  s;

    if (ctx == NULL) {
        ctx = ngx_pimap_tls13_ctx_create();
        fuzz_check(ctx != NULL);
    }

    if (size == 0) {
        return 0;
    }

    memset(&s, 0, sizeof(ngx_pimap_tls13_t));
    s.suite = (uint16_t) (0x1301 + data[0] % 3);
    memset(s.tx_secret, 1, ngx_pimap_tls13_secret_len(ctx, s.suite));
    memset(s.rx_secret, 2, ngx_pimap_tls13_secret_len(ctx, s.suite));

    if (data[0] & FUZZ_SEALED) {
        fuzz_sealed(&s, data + 1, size - 1);

    } else {
        fuzz_wire(&s, data + 1, size - 1);
    }

    /* an end can be told, unless the peer has given up */

    n = (s.flags & NGX_PIMAP_TLS13_TX_CLOSED) ? 0 : sizeof(out);
    fuzz_check(ngx_pimap_tls13_seal_alert(ctx, &s, out, sizeof(out), 0) == n);

    ngx_pimap_tls13_wipe(ctx, &s);

    return 0;
}
