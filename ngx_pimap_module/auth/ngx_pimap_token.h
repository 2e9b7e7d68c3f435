
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Keys and tokens, without a request.
 */


#ifndef _NGX_PIMAP_TOKEN_H_INCLUDED_
#define _NGX_PIMAP_TOKEN_H_INCLUDED_


#include "ngx_pimap.h"

#include <jansson.h>
#include <openssl/evp.h>


/*
 * ngx_pimap_key.c: A key that verifies tokens or tickets.
 */

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


/*
 * ngx_pimap_jwk.c: Keys as JSON (RFC 7517).
 */

/*
 * Adds the keys of a JWKS, or one JWK, to an array of ngx_pimap_key_t.  Keys
 * of other types and for other uses are skipped (RFC 7517, 5).  Returns NULL,
 * or the problem.
 */
const char *ngx_pimap_jwk_read(ngx_conf_t *cf, ngx_str_t *text,
    ngx_array_t *keys);


/*
 * ngx_pimap_key_file.c: Files of keys, read in the configuration phase.
 */

/*
 * Adds the keys of a file to an array of ngx_pimap_key_t: a JWKS, a JWK, or
 * public keys and certificates in PEM, which get this id.  Logs a problem.
 */
char *ngx_pimap_key_file_read(ngx_conf_t *cf, ngx_str_t *file, ngx_str_t *id,
    ngx_array_t *keys);

/* Adds a secret: all bytes of the file. */
char *ngx_pimap_key_file_read_secret(ngx_conf_t *cf, ngx_str_t *file,
    ngx_array_t *keys);


/*
 * ngx_pimap_token.c: Signed tokens (RFC 7515, RFC 7519): text in, claims
 * out.
 */

#define NGX_PIMAP_TOKEN_MAX     8192    /* bytes of a token */

/* The rules that a token is checked by. */
typedef struct {
    ngx_array_t   *keys;                /* of ngx_pimap_key_t */
    ngx_str_t      issuer;              /* empty: any */
    ngx_str_t      audience;            /* empty: the token has none */
    time_t         leeway;              /* seconds */
} ngx_pimap_token_rules_t;

typedef struct {
    json_t        *claims;              /* the caller calls json_decref() */
    time_t         expires;
    time_t         issued;              /* 0: unknown */
} ngx_pimap_token_t;

/*
 * NGX_OK; NGX_DECLINED if the token is invalid at this time, with "reason" in
 * ASCII without quotes.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_pimap_token_verify(ngx_str_t *text,
    ngx_pimap_token_rules_t *rules, time_t now, ngx_pimap_token_t *token,
    const char **reason);

/*
 * A claim that is a name of 1 to "max" bytes, copied.  NGX_DECLINED if it is
 * another value; NGX_ERROR if memory is out.
 */
ngx_int_t ngx_pimap_token_name(ngx_pool_t *pool, json_t *claim, size_t max,
    ngx_str_t *name);


#endif /* _NGX_PIMAP_TOKEN_H_INCLUDED_ */
