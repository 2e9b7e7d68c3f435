
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns one key: its type, size and text.  Called by key_file and jwk in the
 * configuration phase.  Invariant: RSA has at least 2048 bits, and EC uses a
 * curve of RFC 7518.
 */


#include "ngx_pimap_token.h"

#include <openssl/core_names.h>
#include <openssl/pem.h>


#define NGX_PIMAP_KEY_MIN_RSA  2048     /* bits (RFC 7518, 3.3) */


static const char *ngx_pimap_key_type(EVP_PKEY *pkey, ngx_pimap_key_t *key);
static ngx_int_t ngx_pimap_key_text(ngx_conf_t *cf, EVP_PKEY *pkey,
    ngx_str_t *text);
static ngx_uint_t ngx_pimap_key_curve(EVP_PKEY *pkey);


ngx_pimap_key_t *
ngx_pimap_key_add(ngx_conf_t *cf, ngx_array_t *keys)
{
    ngx_pimap_key_t  *key;

    key = ngx_array_push(keys);

    if (key) {
        ngx_memzero(key, sizeof(ngx_pimap_key_t));
    }

    return key;
}


const char *
ngx_pimap_key_public(ngx_conf_t *cf, ngx_array_t *keys, EVP_PKEY *pkey,
    ngx_str_t *id, ngx_str_t *algorithm)
{
    const char       *problem;
    ngx_pimap_key_t  *key;

    key = ngx_pimap_key_add(cf, keys);

    if (key == NULL) {
        EVP_PKEY_free(pkey);
        return "out of memory";
    }

    key->id = *id;
    key->algorithm = *algorithm;

    problem = ngx_pimap_key_type(pkey, key);

    if (problem == NULL && ngx_pimap_key_text(cf, pkey, &key->text) != NGX_OK)
    {
        problem = "out of memory";
    }

    EVP_PKEY_free(pkey);

    return problem;
}


static const char *
ngx_pimap_key_type(EVP_PKEY *pkey, ngx_pimap_key_t *key)
{
    key->bits = EVP_PKEY_get_bits(pkey);

    switch (EVP_PKEY_get_base_id(pkey)) {

    case EVP_PKEY_RSA:
        key->type = NGX_PIMAP_KEY_RSA;

        return key->bits < NGX_PIMAP_KEY_MIN_RSA
               ? "an RSA key has less than 2048 bits" : NULL;

    case EVP_PKEY_EC:
        key->type = NGX_PIMAP_KEY_EC;

        return ngx_pimap_key_curve(pkey)
               ? NULL : "an EC key needs the curve P-256, P-384 or P-521";

    default:
        return "a key is neither RSA nor EC";
    }
}


/* libjwt reads keys in PEM. */

static ngx_int_t
ngx_pimap_key_text(ngx_conf_t *cf, EVP_PKEY *pkey, ngx_str_t *text)
{
    BIO        *bio;
    char       *data;
    long        len;
    ngx_int_t   rc;

    bio = BIO_new(BIO_s_mem());

    if (bio == NULL || PEM_write_bio_PUBKEY(bio, pkey) != 1) {
        BIO_free(bio);
        return NGX_ERROR;
    }

    len = BIO_get_mem_data(bio, &data);
    rc = ngx_pimap_copy(cf->pool, text, data, len);

    BIO_free(bio);

    return rc;
}


/* secp256k1 has 256 bits, but is not the curve of ES256 (RFC 7518, 3.4). */

static ngx_uint_t
ngx_pimap_key_curve(EVP_PKEY *pkey)
{
    char    name[64];
    size_t  len;

    if (EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, name,
                                       sizeof(name), &len)
        != 1)
    {
        return 0;
    }

    return ngx_strcmp(name, "prime256v1") == 0
           || ngx_strcmp(name, "secp384r1") == 0
           || ngx_strcmp(name, "secp521r1") == 0
           || ngx_strcmp(name, "P-256") == 0
           || ngx_strcmp(name, "P-384") == 0
           || ngx_strcmp(name, "P-521") == 0;
}
