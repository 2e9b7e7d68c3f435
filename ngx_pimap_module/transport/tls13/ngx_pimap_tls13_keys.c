
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Keys of TLS 1.3 (RFC 8446, section 7): the cipher suites, the OpenSSL
 * objects of a worker, and the derivation of keys from traffic secrets.
 *
 * A state keeps no keys, only secrets: most devices get nothing for a long
 * time.  We allocate nothing after ngx_pimap_tls13_ctx_create(); OpenSSL 3.0
 * does, once per digest.
 */


#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "ngx_pimap_tls13_keys.h"


#define NGX_PIMAP_TLS13_SUITE_FIRST  0x1301
#define NGX_PIMAP_TLS13_SUITES       3
#define NGX_PIMAP_TLS13_HASHES       2

#define NGX_PIMAP_TLS13_BLOCK        128    /* the longest block of a hash */
#define NGX_PIMAP_TLS13_LABEL        18     /* the longest label of ours */


typedef struct {
    const char      *name;
    uint8_t          len;
    uint8_t          block;
} ngx_pimap_tls13_hash_t;


typedef struct {
    const char      *cipher;
    uint8_t          hash;              /* index of the table of hashes */
    uint8_t          key;
} ngx_pimap_tls13_suite_t;


struct ngx_pimap_tls13_ctx_s {
    EVP_MD_CTX      *hash[NGX_PIMAP_TLS13_HASHES];
    EVP_CIPHER_CTX  *seal[NGX_PIMAP_TLS13_SUITES];
    EVP_CIPHER_CTX  *open[NGX_PIMAP_TLS13_SUITES];
};


static EVP_MD_CTX *ngx_pimap_tls13_create_hash(const char *name);
static EVP_CIPHER_CTX *ngx_pimap_tls13_create_cipher(const char *name,
    int seal);
static void ngx_pimap_tls13_forget_key(EVP_CIPHER_CTX *cipher);
static int ngx_pimap_tls13_suite_index(ngx_pimap_tls13_ctx_t *ctx,
    uint16_t suite);
static int ngx_pimap_tls13_derive(ngx_pimap_tls13_ctx_t *ctx, int suite,
    const uint8_t *secret, uint8_t *key, uint8_t *iv);
static int ngx_pimap_tls13_expand_label(ngx_pimap_tls13_ctx_t *ctx, int hash,
    const uint8_t *secret, const char *label, uint8_t *out, size_t len);
static int ngx_pimap_tls13_hmac(EVP_MD_CTX *md,
    const ngx_pimap_tls13_hash_t *hash, const uint8_t *key,
    const uint8_t *data, size_t len, uint8_t *out);
static int ngx_pimap_tls13_digest(EVP_MD_CTX *md, const uint8_t *a,
    size_t alen, const uint8_t *b, size_t blen, uint8_t *out);


static const ngx_pimap_tls13_hash_t
    ngx_pimap_tls13_hashes[NGX_PIMAP_TLS13_HASHES] =
{
    { "SHA256", 32, 64 },
    { "SHA384", 48, 128 }
};


/* RFC 8446, appendix B.4, in the order of their numbers */
static const ngx_pimap_tls13_suite_t
    ngx_pimap_tls13_suites[NGX_PIMAP_TLS13_SUITES] =
{
    { "AES-128-GCM", 0, 16 },
    { "AES-256-GCM", 1, 32 },
    { "ChaCha20-Poly1305", 0, 32 }
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

    for (i = 0; i < NGX_PIMAP_TLS13_HASHES; i++) {
        name = ngx_pimap_tls13_hashes[i].name;
        ctx->hash[i] = ngx_pimap_tls13_create_hash(name);
    }

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

    for (i = 0; i < NGX_PIMAP_TLS13_HASHES; i++) {
        EVP_MD_CTX_free(ctx->hash[i]);
    }

    for (i = 0; i < NGX_PIMAP_TLS13_SUITES; i++) {
        EVP_CIPHER_CTX_free(ctx->seal[i]);
        EVP_CIPHER_CTX_free(ctx->open[i]);
    }

    OPENSSL_free(ctx);
}


static EVP_MD_CTX *
ngx_pimap_tls13_create_hash(const char *name)
{
    EVP_MD      *type;
    EVP_MD_CTX  *md;

    type = EVP_MD_fetch(NULL, name, NULL);
    if (type == NULL) {
        return NULL;
    }

    md = EVP_MD_CTX_new();

    if (md != NULL && EVP_DigestInit_ex2(md, type, NULL) != 1) {
        EVP_MD_CTX_free(md);
        md = NULL;
    }

    EVP_MD_free(type);

    return md;
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

    (void) EVP_DigestInit_ex2(ctx->hash[ngx_pimap_tls13_suites[i].hash],
                              NULL, NULL);
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
    if (i == -1) {
        return 0;
    }

    return ngx_pimap_tls13_hashes[ngx_pimap_tls13_suites[i].hash].len;
}


static int
ngx_pimap_tls13_suite_index(ngx_pimap_tls13_ctx_t *ctx, uint16_t suite)
{
    int  i;

    i = suite - NGX_PIMAP_TLS13_SUITE_FIRST;

    if (i < 0 || i >= NGX_PIMAP_TLS13_SUITES
        || ctx->seal[i] == NULL
        || ctx->open[i] == NULL
        || ctx->hash[ngx_pimap_tls13_suites[i].hash] == NULL)
    {
        return -1;
    }

    return i;
}


/* RFC 8446, section 7.3.  Traffic Key Calculation */

EVP_CIPHER_CTX *
ngx_pimap_tls13_load(ngx_pimap_tls13_ctx_t *ctx, uint16_t suite,
    const uint8_t *secret, int seal, uint8_t iv[NGX_PIMAP_TLS13_NONCE])
{
    int              i;
    uint8_t          key[NGX_PIMAP_TLS13_KEY];
    EVP_CIPHER_CTX  *cipher;

    i = ngx_pimap_tls13_suite_index(ctx, suite);
    if (i == -1) {
        return NULL;
    }

    cipher = seal ? ctx->seal[i] : ctx->open[i];

    if (ngx_pimap_tls13_derive(ctx, i, secret, key, iv) != 0
        || EVP_CipherInit_ex2(cipher, NULL, key, NULL, -1, NULL) != 1)
    {
        cipher = NULL;
    }

    OPENSSL_cleanse(key, sizeof(key));

    return cipher;
}


EVP_CIPHER_CTX *
ngx_pimap_tls13_load_kept(ngx_pimap_tls13_ctx_t *ctx, uint16_t suite,
    const uint8_t *secret, ngx_pimap_tls13_keys_t *keys,
    uint8_t iv[NGX_PIMAP_TLS13_NONCE])
{
    int  i;

    if (keys == NULL) {
        return ngx_pimap_tls13_load(ctx, suite, secret, 1, iv);
    }

    i = ngx_pimap_tls13_suite_index(ctx, suite);
    if (i == -1) {
        return NULL;
    }

    if (memcmp(keys->of, secret, sizeof(keys->of)) != 0) {

        if (ngx_pimap_tls13_derive(ctx, i, secret, keys->key, keys->iv) != 0) {
            OPENSSL_cleanse(keys, sizeof(ngx_pimap_tls13_keys_t));
            return NULL;
        }

        memcpy(keys->of, secret, sizeof(keys->of));
    }

    if (EVP_CipherInit_ex2(ctx->seal[i], NULL, keys->key, NULL, -1, NULL)
        != 1)
    {
        return NULL;
    }

    memcpy(iv, keys->iv, NGX_PIMAP_TLS13_NONCE);

    return ctx->seal[i];
}


static int
ngx_pimap_tls13_derive(ngx_pimap_tls13_ctx_t *ctx, int suite,
    const uint8_t *secret, uint8_t *key, uint8_t *iv)
{
    int  hash;

    hash = ngx_pimap_tls13_suites[suite].hash;

    if (ngx_pimap_tls13_expand_label(ctx, hash, secret, "key", key,
                                     ngx_pimap_tls13_suites[suite].key)
        != 0)
    {
        return -1;
    }

    return ngx_pimap_tls13_expand_label(ctx, hash, secret, "iv", iv,
                                        NGX_PIMAP_TLS13_NONCE);
}


/* RFC 8446, section 7.2.  Updating Traffic Secrets */

int
ngx_pimap_tls13_next_secret(ngx_pimap_tls13_ctx_t *ctx, uint16_t suite,
    uint8_t *secret)
{
    int      i, rc, hash;
    size_t   len;
    uint8_t  next[NGX_PIMAP_TLS13_SECRET];

    i = ngx_pimap_tls13_suite_index(ctx, suite);
    if (i == -1) {
        return -1;
    }

    hash = ngx_pimap_tls13_suites[i].hash;
    len = ngx_pimap_tls13_hashes[hash].len;

    rc = ngx_pimap_tls13_expand_label(ctx, hash, secret, "traffic upd", next,
                                      len);
    if (rc == 0) {
        memcpy(secret, next, len);
    }

    OPENSSL_cleanse(next, sizeof(next));

    return rc;
}


/*
 * RFC 8446, section 7.1.  HKDF-Expand-Label() with an empty context.  No
 * output is longer than the hash, so HKDF-Expand (RFC 5869, section 2.3) is
 * its first block only, HMAC(secret, HkdfLabel | 1).
 */

static int
ngx_pimap_tls13_expand_label(ngx_pimap_tls13_ctx_t *ctx, int hash,
    const uint8_t *secret, const char *label, uint8_t *out, size_t len)
{
    int       rc;
    size_t    n;
    uint8_t  *p;
    uint8_t   block[NGX_PIMAP_TLS13_SECRET];
    uint8_t   info[2 + 1 + 6 + NGX_PIMAP_TLS13_LABEL + 1 + 1];

    n = strlen(label);

    p = info;
    *p++ = 0;
    *p++ = (uint8_t) len;
    *p++ = (uint8_t) (6 + n);
    memcpy(p, "tls13 ", 6);
    p += 6;
    memcpy(p, label, n);
    p += n;
    *p++ = 0;
    *p++ = 1;

    rc = ngx_pimap_tls13_hmac(ctx->hash[hash], &ngx_pimap_tls13_hashes[hash],
                              secret, info, p - info, block);
    if (rc == 0) {
        memcpy(out, block, len);
    }

    OPENSSL_cleanse(block, sizeof(block));

    return rc;
}


/*
 * RFC 2104 for a key as long as the hash.  OpenSSL's own HMAC takes a third
 * more time, and five allocations instead of two.
 */

static int
ngx_pimap_tls13_hmac(EVP_MD_CTX *md, const ngx_pimap_tls13_hash_t *hash,
    const uint8_t *key, const uint8_t *data, size_t len, uint8_t *out)
{
    int      rc;
    size_t   i;
    uint8_t  ipad[NGX_PIMAP_TLS13_BLOCK], opad[NGX_PIMAP_TLS13_BLOCK];

    memset(ipad, 0x36, hash->block);
    memset(opad, 0x5c, hash->block);

    for (i = 0; i < hash->len; i++) {
        ipad[i] ^= key[i];
        opad[i] ^= key[i];
    }

    rc = ngx_pimap_tls13_digest(md, ipad, hash->block, data, len, out);

    if (rc == 0) {
        rc = ngx_pimap_tls13_digest(md, opad, hash->block, out, hash->len,
                                    out);
    }

    OPENSSL_cleanse(ipad, sizeof(ipad));
    OPENSSL_cleanse(opad, sizeof(opad));

    return rc;
}


static int
ngx_pimap_tls13_digest(EVP_MD_CTX *md, const uint8_t *a, size_t alen,
    const uint8_t *b, size_t blen, uint8_t *out)
{
    if (EVP_DigestInit_ex2(md, NULL, NULL) != 1
        || EVP_DigestUpdate(md, a, alen) != 1
        || EVP_DigestUpdate(md, b, blen) != 1
        || EVP_DigestFinal_ex(md, out, NULL) != 1)
    {
        return -1;
    }

    return 0;
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
}


void
ngx_pimap_tls13_close_rx(ngx_pimap_tls13_t *s)
{
    s->flags |= NGX_PIMAP_TLS13_RX_CLOSED;
    OPENSSL_cleanse(s->rx_secret, sizeof(s->rx_secret));
}
