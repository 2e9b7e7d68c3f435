
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Shared by the tests of the TLS 1.3 record layer: a pair of states that talk
 * to each other, and records with any content.
 */


#ifndef _TLS13_H_INCLUDED_
#define _TLS13_H_INCLUDED_


#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "ngx_pimap_tls13.h"
#include "ngx_pimap_tls13_keys.h"
#include "tap.h"


#define TLS13_SUITES      3
#define TLS13_BIG         100000


static const char  *const tls13_suite[TLS13_SUITES] = {
    "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256"
};


static ngx_pimap_tls13_ctx_t  *tls13;
static ngx_pimap_tls13_t       tls13_us;
static ngx_pimap_tls13_t       tls13_peer;
static ngx_pimap_tls13_in_t    tls13_in;


static inline void
tls13_pair(int suite)
{
    size_t              i;
    ngx_pimap_tls13_t  *s;

    s = &tls13_us;

    memset(s, 0, sizeof(ngx_pimap_tls13_t));
    s->suite = (uint16_t) (0x1301 + suite);

    for (i = 0; i < ngx_pimap_tls13_secret_len(tls13, s->suite); i++) {
        s->tx_secret[i] = (uint8_t) (i + 1);
        s->rx_secret[i] = (uint8_t) (200 - i);
    }

    tls13_peer = *s;
    memcpy(tls13_peer.tx_secret, s->rx_secret, sizeof(s->rx_secret));
    memcpy(tls13_peer.rx_secret, s->tx_secret, sizeof(s->tx_secret));
}


/* A record of the peer: "text" is content, type and padding, unchecked. */

static inline size_t
tls13_forge(uint8_t *out, const void *text, size_t len)
{
    int                 n;
    uint8_t             iv[NGX_PIMAP_TLS13_NONCE];
    uint8_t             nonce[NGX_PIMAP_TLS13_NONCE];
    EVP_CIPHER_CTX     *c;
    ngx_pimap_tls13_t  *s;

    s = &tls13_peer;

    c = ngx_pimap_tls13_load(tls13, s->suite, s->tx_secret, 1, iv);
    ngx_pimap_tls13_nonce(nonce, iv, s->tx_seq++);

    out[0] = 23;
    out[1] = 3;
    out[2] = 3;
    out[3] = (uint8_t) ((len + 16) >> 8);
    out[4] = (uint8_t) (len + 16);

    EVP_EncryptInit_ex2(c, NULL, NULL, nonce, NULL);
    EVP_EncryptUpdate(c, NULL, &n, out, 5);
    EVP_EncryptUpdate(c, out + 5, &n, text, (int) len);
    EVP_EncryptFinal_ex(c, out + 5 + len, &n);
    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, 16, out + 5 + len);

    return len + 21;
}


static inline ngx_pimap_tls13_result_t
tls13_open(uint8_t *buf, size_t len)
{
    return ngx_pimap_tls13_open(tls13, &tls13_us, buf, len, &tls13_in);
}


static inline int
tls13_is_zero(const uint8_t *p, size_t len)
{
    while (len && *p == 0) {
        p++;
        len--;
    }

    return len == 0;
}


#endif /* _TLS13_H_INCLUDED_ */
