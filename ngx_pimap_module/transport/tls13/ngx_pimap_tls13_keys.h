
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Keys of TLS 1.3: what the record layer and the capture share.
 */


#ifndef _NGX_PIMAP_TLS13_KEYS_H_INCLUDED_
#define _NGX_PIMAP_TLS13_KEYS_H_INCLUDED_


#include "ngx_pimap_tls13.h"


#define NGX_PIMAP_TLS13_TAG    16


/* Hash.length of the suite; 0 if it is not one of ours or not available. */
size_t ngx_pimap_tls13_secret_len(ngx_pimap_tls13_ctx_t *ctx, uint16_t suite);

/*
 * Derives key and IV of a traffic secret.  Returns the shared object with the
 * key set, for sealing or opening, valid until the next call; NULL on failure.
 */
EVP_CIPHER_CTX *ngx_pimap_tls13_load(ngx_pimap_tls13_ctx_t *ctx,
    uint16_t suite, const uint8_t *secret, int seal,
    uint8_t iv[NGX_PIMAP_TLS13_NONCE]);

/* The same for sealing, with keys that may be derived already, or NULL. */
EVP_CIPHER_CTX *ngx_pimap_tls13_load_kept(ngx_pimap_tls13_ctx_t *ctx,
    uint16_t suite, const uint8_t *secret, ngx_pimap_tls13_keys_t *keys,
    uint8_t iv[NGX_PIMAP_TLS13_NONCE]);

/* Replaces a traffic secret by the next generation; 0 or -1. */
int ngx_pimap_tls13_next_secret(ngx_pimap_tls13_ctx_t *ctx, uint16_t suite,
    uint8_t *secret);

/* The nonce of the record with this sequence number. */
void ngx_pimap_tls13_nonce(uint8_t nonce[NGX_PIMAP_TLS13_NONCE],
    const uint8_t iv[NGX_PIMAP_TLS13_NONCE], uint64_t seq);

/* A direction that is closed forgets its secret (RFC 8446, section 6.2). */
void ngx_pimap_tls13_close_tx(ngx_pimap_tls13_t *s);
void ngx_pimap_tls13_close_rx(ngx_pimap_tls13_t *s);


#endif /* _NGX_PIMAP_TLS13_KEYS_H_INCLUDED_ */
