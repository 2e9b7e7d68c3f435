
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Keys of TLS 1.3 (RFC 8446, section 7): the cipher suites, the OpenSSL
 * objects of a worker, and the derivation of keys from traffic secrets.
 */


#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "ngx_pimap_tls13_keys.h"


#define NGX_PIMAP_TLS13_SUITE_FIRST  0x1301
#define NGX_PIMAP_TLS13_SUITES       3


typedef struct {
    const char  *cipher;
    const char  *hash;
    uint8_t      secret;                /* Hash.length */
    uint8_t      key;
} ngx_pimap_tls13_suite_t;


struct ngx_pimap_tls13_ctx_s {
    EVP_KDF         *kdf;
    EVP_CIPHER_CTX  *seal[NGX_PIMAP_TLS13_SUITES];
    EVP_CIPHER_CTX  *open[NGX_PIMAP_TLS13_SUITES];
};


static EVP_CIPHER_CTX *ngx_pimap_tls13_create_cipher(const char *name,
    int seal);
static void ngx_pimap_tls13_forget_key(EVP_CIPHER_CTX *cipher);
static int ngx_pimap_tls13_suite_index(ngx_pimap_tls13_ctx_t *ctx,
    uint16_t suite);
static int ngx_pimap_tls13_derive(ngx_pimap_tls13_ctx_t *ctx, int suite,
    uint8_t *secret, uint8_t *key, uint8_t *iv);
static int ngx_pimap_tls13_expand_label(ngx_pimap_tls13_ctx_t *ctx,
    int suite, uint8_t *secret, const char *label, uint8_t *out, size_t len);


/* RFC 8446, appendix B.4, in the order of their numbers */
static const ngx_pimap_tls13_suite_t
    ngx_pimap_tls13_suites[NGX_PIMAP_TLS13_SUITES] =
{
    { "AES-128-GCM", "SHA256", 32, 16 },
    { "AES-256-GCM", "SHA384", 48, 32 },
    { "ChaCha20-Poly1305", "SHA256", 32, 32 }
};


ngx_pimap_tls13_ctx_t *
ngx_pimap_tls13_ctx_create(void)
{
    int                     i, found;
    uint16_t                suite;
    const char             *name;
    ngx_pimap_tls13_ctx_t  *ctx;

    ctx = OPENSSL_zalloc(sizeof(ngx_pimap_tls13_ctx_t));
    if (ctx == NULL) {
        return NULL;
    }

    ctx->kdf = EVP_KDF_fetch(NULL, "TLS13-KDF", NULL);

    /* a provider may lack some: the suite is refused then, not the module */

    found = 0;

    for (i = 0; i < NGX_PIMAP_TLS13_SUITES; i++) {
        name = ngx_pimap_tls13_suites[i].cipher;
        ctx->seal[i] = ngx_pimap_tls13_create_cipher(name, 1);
        ctx->open[i] = ngx_pimap_tls13_create_cipher(name, 0);

        suite = (uint16_t) (NGX_PIMAP_TLS13_SUITE_FIRST + i);

        if (ngx_pimap_tls13_suite_index(ctx, suite) != -1) {
            found = 1;
        }
    }

    ERR_clear_error();

    if (!found) {
        ngx_pimap_tls13_ctx_destroy(ctx);
        return NULL;
    }

    return ctx;
}


void
ngx_pimap_tls13_ctx_destroy(ngx_pimap_tls13_ctx_t *ctx)
{
    int  i;

    EVP_KDF_free(ctx->kdf);

    for (i = 0; i < NGX_PIMAP_TLS13_SUITES; i++) {
        EVP_CIPHER_CTX_free(ctx->seal[i]);
        EVP_CIPHER_CTX_free(ctx->open[i]);
    }

    OPENSSL_free(ctx);
}


static EVP_CIPHER_CTX *
ngx_pimap_tls13_create_cipher(const char *name, int seal)
{
    EVP_CIPHER      *type;
    EVP_CIPHER_CTX  *cipher;

    type = EVP_CIPHER_fetch(NULL, name, NULL);
    if (type == NULL) {
        return NULL;
    }

    cipher = EVP_CIPHER_CTX_new();

    if (cipher != NULL
        && EVP_CipherInit_ex2(cipher, type, NULL, NULL, seal, NULL) != 1)
    {
        EVP_CIPHER_CTX_free(cipher);
        cipher = NULL;
    }

    EVP_CIPHER_free(type);

    return cipher;
}


void
ngx_pimap_tls13_wipe(ngx_pimap_tls13_ctx_t *ctx, ngx_pimap_tls13_t *s)
{
    int  i;

    i = ngx_pimap_tls13_suite_index(ctx, s->suite);

    OPENSSL_cleanse(s, sizeof(ngx_pimap_tls13_t));
    s->flags = NGX_PIMAP_TLS13_TX_CLOSED|NGX_PIMAP_TLS13_RX_CLOSED;

    if (i == -1) {
        return;
    }

    ngx_pimap_tls13_forget_key(ctx->seal[i]);
    ngx_pimap_tls13_forget_key(ctx->open[i]);
}


/* The key schedule of the last user is written over. */

static void
ngx_pimap_tls13_forget_key(EVP_CIPHER_CTX *cipher)
{
    static const uint8_t  zero[NGX_PIMAP_TLS13_KEY];

    (void) EVP_CipherInit_ex2(cipher, NULL, zero, zero, -1, NULL);
}


size_t
ngx_pimap_tls13_secret_len(ngx_pimap_tls13_ctx_t *ctx, uint16_t suite)
{
    int  i;

    i = ngx_pimap_tls13_suite_index(ctx, suite);

    return i == -1 ? 0 : ngx_pimap_tls13_suites[i].secret;
}


static int
ngx_pimap_tls13_suite_index(ngx_pimap_tls13_ctx_t *ctx, uint16_t suite)
{
    int  i;

    i = suite - NGX_PIMAP_TLS13_SUITE_FIRST;

    if (i < 0 || i >= NGX_PIMAP_TLS13_SUITES
        || ctx->kdf == NULL || ctx->seal[i] == NULL || ctx->open[i] == NULL)
    {
        return -1;
    }

    return i;
}


/* RFC 8446, section 7.3.  Traffic Key Calculation */

EVP_CIPHER_CTX *
ngx_pimap_tls13_load_seal(ngx_pimap_tls13_ctx_t *ctx, ngx_pimap_tls13_t *s)
{
    int  i;

    i = ngx_pimap_tls13_suite_index(ctx, s->suite);

    if (i == -1
        || (!(s->flags & NGX_PIMAP_TLS13_TX_DERIVED)
            && ngx_pimap_tls13_derive(ctx, i, s->tx_secret, s->tx_key,
                                      s->tx_iv)
               != 0))
    {
        return NULL;
    }

    s->flags |= NGX_PIMAP_TLS13_TX_DERIVED;

    return EVP_CipherInit_ex2(ctx->seal[i], NULL, s->tx_key, NULL, -1, NULL)
           == 1 ? ctx->seal[i] : NULL;
}


EVP_CIPHER_CTX *
ngx_pimap_tls13_load_open(ngx_pimap_tls13_ctx_t *ctx, ngx_pimap_tls13_t *s,
    uint8_t iv[NGX_PIMAP_TLS13_NONCE])
{
    int      i, ok;
    uint8_t  key[NGX_PIMAP_TLS13_KEY];

    i = ngx_pimap_tls13_suite_index(ctx, s->suite);
    if (i == -1) {
        return NULL;
    }

    ok = ngx_pimap_tls13_derive(ctx, i, s->rx_secret, key, iv) == 0
         && EVP_CipherInit_ex2(ctx->open[i], NULL, key, NULL, -1, NULL) == 1;

    OPENSSL_cleanse(key, sizeof(key));

    return ok ? ctx->open[i] : NULL;
}


static int
ngx_pimap_tls13_derive(ngx_pimap_tls13_ctx_t *ctx, int suite, uint8_t *secret,
    uint8_t *key, uint8_t *iv)
{
    if (ngx_pimap_tls13_expand_label(ctx, suite, secret, "key", key,
                                     ngx_pimap_tls13_suites[suite].key)
        != 0)
    {
        return -1;
    }

    return ngx_pimap_tls13_expand_label(ctx, suite, secret, "iv", iv,
                                        NGX_PIMAP_TLS13_NONCE);
}


/* RFC 8446, section 7.2.  Updating Traffic Secrets */

int
ngx_pimap_tls13_next_secret(ngx_pimap_tls13_ctx_t *ctx, ngx_pimap_tls13_t *s,
    int seal)
{
    int       i, rc;
    size_t    len;
    uint8_t  *secret, next[NGX_PIMAP_TLS13_SECRET];

    i = ngx_pimap_tls13_suite_index(ctx, s->suite);
    if (i == -1) {
        return -1;
    }

    secret = seal ? s->tx_secret : s->rx_secret;
    len = ngx_pimap_tls13_suites[i].secret;

    rc = ngx_pimap_tls13_expand_label(ctx, i, secret, "traffic upd", next,
                                      len);
    if (rc == 0) {
        memcpy(secret, next, len);

        if (seal) {
            s->flags &= ~NGX_PIMAP_TLS13_TX_DERIVED;
            OPENSSL_cleanse(s->tx_key, sizeof(s->tx_key));
        }
    }

    OPENSSL_cleanse(next, sizeof(next));

    return rc;
}


/* RFC 8446, section 7.1.  HKDF-Expand-Label() with an empty context. */

static int
ngx_pimap_tls13_expand_label(ngx_pimap_tls13_ctx_t *ctx, int suite,
    uint8_t *secret, const char *label, uint8_t *out, size_t len)
{
    int           rc, mode;
    OSSL_PARAM    params[6], *p;
    EVP_KDF_CTX  *kdf;

    kdf = EVP_KDF_CTX_new(ctx->kdf);
    if (kdf == NULL) {
        return -1;
    }

    mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
    p = params;

    *p++ = OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode);
    *p++ = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
                             (char *) ngx_pimap_tls13_suites[suite].hash, 0);
    *p++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, secret,
                                         ngx_pimap_tls13_suites[suite].secret);
    *p++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PREFIX, "tls13 ",
                                             sizeof("tls13 ") - 1);
    *p++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_LABEL,
                                             (char *) label, strlen(label));
    *p = OSSL_PARAM_construct_end();

    rc = EVP_KDF_derive(kdf, out, len, params) == 1 ? 0 : -1;

    EVP_KDF_CTX_free(kdf);

    return rc;
}


/* RFC 8446, section 5.3.  Per-Record Nonce */

void
ngx_pimap_tls13_nonce(uint8_t nonce[NGX_PIMAP_TLS13_NONCE],
    const uint8_t iv[NGX_PIMAP_TLS13_NONCE], uint64_t seq)
{
    int  i;

    memcpy(nonce, iv, NGX_PIMAP_TLS13_NONCE);

    for (i = NGX_PIMAP_TLS13_NONCE - 1; seq; i--) {
        nonce[i] ^= (uint8_t) seq;
        seq >>= 8;
    }
}


void
ngx_pimap_tls13_close_tx(ngx_pimap_tls13_t *s)
{
    s->flags |= NGX_PIMAP_TLS13_TX_CLOSED;
    OPENSSL_cleanse(s->tx_secret, sizeof(s->tx_secret));
    OPENSSL_cleanse(s->tx_key, sizeof(s->tx_key));
}


void
ngx_pimap_tls13_close_rx(ngx_pimap_tls13_t *s)
{
    s->flags |= NGX_PIMAP_TLS13_RX_CLOSED;
    OPENSSL_cleanse(s->rx_secret, sizeof(s->rx_secret));
}
