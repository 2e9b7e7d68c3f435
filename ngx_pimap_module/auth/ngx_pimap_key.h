
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A key that verifies tokens or tickets.
 */


#ifndef _NGX_PIMAP_KEY_H_INCLUDED_
#define _NGX_PIMAP_KEY_H_INCLUDED_


#include "ngx_pimap.h"

#include <openssl/evp.h>


/* The shortest secret has the length of its digest (RFC 7518, 3.2). */
#define NGX_PIMAP_KEY_MIN_SECRET  32     /* bytes */


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


/* A new key, zeroed; NULL if memory is out. */
ngx_pimap_key_t *ngx_pimap_key_add(ngx_conf_t *cf, ngx_array_t *keys);

/* Adds a public key, and frees "pkey".  Returns NULL, or the problem. */
const char *ngx_pimap_key_public(ngx_conf_t *cf, ngx_array_t *keys,
    EVP_PKEY *pkey, ngx_str_t *id, ngx_str_t *algorithm);


#endif /* _NGX_PIMAP_KEY_H_INCLUDED_ */
