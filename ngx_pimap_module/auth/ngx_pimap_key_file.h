
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Keys that tokens and tickets are verified with, read from files in the
 * configuration phase.
 */


#ifndef _NGX_PIMAP_KEYS_H_INCLUDED_
#define _NGX_PIMAP_KEYS_H_INCLUDED_


#include "ngx_pimap.h"

#include <openssl/evp.h>


typedef enum {
    NGX_PIMAP_KEY_SECRET = 0,       /* shared, for HMAC */
    NGX_PIMAP_KEY_RSA,
    NGX_PIMAP_KEY_EC
} ngx_pimap_key_type_t;


typedef struct {
    ngx_pimap_key_type_t   type;
    ngx_uint_t             bits;
    ngx_str_t              id;          /* "kid"; empty: it has none */
    ngx_str_t              algorithm;   /* the only one; empty: any */
    ngx_str_t              text;        /* the secret, or the key in PEM */
} ngx_pimap_key_t;


/*
 * Adds what is in a file to an array of keys: a JWKS, a JWK, or public keys
 * and certificates in PEM, which have this id, if it is not empty.  What is
 * wrong is logged.
 */
char *ngx_pimap_key_file_read(ngx_conf_t *cf, ngx_str_t *file, ngx_str_t *id,
    ngx_array_t *keys);

/* Adds a secret: all bytes of a file. */
char *ngx_pimap_key_file_read_secret(ngx_conf_t *cf, ngx_str_t *file,
    ngx_array_t *keys);

/* One more key, all zero.  NULL: no memory. */
ngx_pimap_key_t *ngx_pimap_key_add(ngx_conf_t *cf, ngx_array_t *keys);

/*
 * Adds a public key that OpenSSL has read, and frees it.  NULL, or why it
 * can't be used.
 */
const char *ngx_pimap_key_public(ngx_conf_t *cf, ngx_array_t *keys,
    EVP_PKEY *pkey, ngx_str_t *id, ngx_str_t *algorithm);

/* The least secret: as long as the digest (RFC 7518, 3.2). */
#define NGX_PIMAP_KEY_MIN_SECRET  32


#endif /* _NGX_PIMAP_KEYS_H_INCLUDED_ */
