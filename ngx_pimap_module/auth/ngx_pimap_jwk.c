
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Reads keys from JSON (RFC 7517).  Called by key_file.  Invariant: a private
 * key is refused, and a key for another use is skipped.
 */


#include "ngx_pimap_token.h"

#include <jansson.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>


#define NGX_PIMAP_JWK_MAX_COORDINATE  66    /* bytes, of P-521 */


typedef struct {
    ngx_str_t       type;
    const char   *(*read)(ngx_conf_t *cf, json_t *jwk, ngx_array_t *keys);
} ngx_pimap_jwk_type_t;


static const char *ngx_pimap_jwk_key(ngx_conf_t *cf, json_t *jwk,
    ngx_array_t *keys);
static const char *ngx_pimap_jwk_secret(ngx_conf_t *cf, json_t *jwk,
    ngx_array_t *keys);
static const char *ngx_pimap_jwk_rsa(ngx_conf_t *cf, json_t *jwk,
    ngx_array_t *keys);
static const char *ngx_pimap_jwk_ec(ngx_conf_t *cf, json_t *jwk,
    ngx_array_t *keys);
static const char *ngx_pimap_jwk_public(ngx_conf_t *cf, json_t *jwk,
    ngx_array_t *keys, const char *type, OSSL_PARAM_BLD *bld);
static EVP_PKEY *ngx_pimap_jwk_pkey(const char *type, OSSL_PARAM_BLD *bld);
static ngx_int_t ngx_pimap_jwk_text(ngx_conf_t *cf, json_t *jwk,
    const char *name, ngx_str_t *text);
static ngx_int_t ngx_pimap_jwk_bytes(ngx_conf_t *cf, json_t *jwk,
    const char *name, ngx_str_t *bytes);


static ngx_pimap_jwk_type_t  ngx_pimap_jwk_types[] = {
    { ngx_string("oct"), ngx_pimap_jwk_secret },
    { ngx_string("RSA"), ngx_pimap_jwk_rsa },
    { ngx_string("EC"), ngx_pimap_jwk_ec },
    { ngx_null_string, NULL }
};


const char *
ngx_pimap_jwk_read(ngx_conf_t *cf, ngx_str_t *text, ngx_array_t *keys)
{
    size_t       i;
    json_t      *root, *set;
    const char  *problem;

    root = json_loadb((char *) text->data, text->len, JSON_REJECT_DUPLICATES,
                      NULL);
    if (root == NULL) {
        return "malformed JSON";
    }

    set = json_object_get(root, "keys");
    problem = NULL;

    if (set == NULL) {
        problem = ngx_pimap_jwk_key(cf, root, keys);

    } else if (!json_is_array(set)) {
        problem = "\"keys\" is not an array";

    } else {
        for (i = 0; i < json_array_size(set) && problem == NULL; i++) {
            problem = ngx_pimap_jwk_key(cf, json_array_get(set, i), keys);
        }
    }

    json_decref(root);

    return problem;
}


static const char *
ngx_pimap_jwk_key(ngx_conf_t *cf, json_t *jwk, ngx_array_t *keys)
{
    json_t                *use;
    const char            *kty;
    ngx_pimap_jwk_type_t  *type;

    kty = json_string_value(json_object_get(jwk, "kty"));

    if (kty == NULL) {
        return "a key has no \"kty\"";
    }

    use = json_object_get(jwk, "use");

    if (use && (!json_is_string(use)
                || ngx_strcmp(json_string_value(use), "sig") != 0))
    {
        return NULL;
    }

    for (type = ngx_pimap_jwk_types; type->type.len; type++) {
        if (ngx_strcmp(type->type.data, kty) == 0) {
            return type->read(cf, jwk, keys);
        }
    }

    return NULL;
}


static const char *
ngx_pimap_jwk_secret(ngx_conf_t *cf, json_t *jwk, ngx_array_t *keys)
{
    ngx_str_t         secret;
    ngx_pimap_key_t  *key;

    if (ngx_pimap_jwk_bytes(cf, jwk, "k", &secret) != NGX_OK) {
        return "a key has no valid \"k\"";
    }

    if (secret.len < NGX_PIMAP_KEY_MIN_SECRET) {
        return "a secret has less than 32 bytes";
    }

    key = ngx_pimap_key_add(cf, keys);
    if (key == NULL) {
        return "out of memory";
    }

    key->type = NGX_PIMAP_KEY_SECRET;
    key->text = secret;
    key->bits = secret.len * 8;

    if (ngx_pimap_jwk_text(cf, jwk, "kid", &key->id) != NGX_OK
        || ngx_pimap_jwk_text(cf, jwk, "alg", &key->algorithm) != NGX_OK)
    {
        return "a key's \"kid\" or \"alg\" is not a string";
    }

    return NULL;
}


static const char *
ngx_pimap_jwk_rsa(ngx_conf_t *cf, json_t *jwk, ngx_array_t *keys)
{
    BIGNUM          *n, *e;
    ngx_str_t        modulus, exponent;
    const char      *problem;
    OSSL_PARAM_BLD  *bld;

    if (ngx_pimap_jwk_bytes(cf, jwk, "n", &modulus) != NGX_OK
        || ngx_pimap_jwk_bytes(cf, jwk, "e", &exponent) != NGX_OK)
    {
        return "an RSA key has no valid \"n\" and \"e\"";
    }

    bld = OSSL_PARAM_BLD_new();
    n = BN_bin2bn(modulus.data, (int) modulus.len, NULL);
    e = BN_bin2bn(exponent.data, (int) exponent.len, NULL);

    if (bld && n && e
        && OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n)
        && OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e))
    {
        problem = ngx_pimap_jwk_public(cf, jwk, keys, "RSA", bld);

    } else {
        problem = "out of memory";
    }

    BN_free(n);
    BN_free(e);
    OSSL_PARAM_BLD_free(bld);

    return problem;
}


/* The uncompressed point: 4, x, y (SEC 1, 2.3.3). */

static const char *
ngx_pimap_jwk_ec(ngx_conf_t *cf, json_t *jwk, ngx_array_t *keys)
{
    size_t           len;
    u_char           point[1 + 2 * NGX_PIMAP_JWK_MAX_COORDINATE];
    ngx_str_t        x, y;
    const char      *crv, *problem;
    OSSL_PARAM_BLD  *bld;

    crv = json_string_value(json_object_get(jwk, "crv"));

    len = crv == NULL ? 0
          : ngx_strcmp(crv, "P-256") == 0 ? 32
          : ngx_strcmp(crv, "P-384") == 0 ? 48
          : ngx_strcmp(crv, "P-521") == 0 ? 66 : 0;

    if (len == 0) {
        return "an EC key needs the curve P-256, P-384 or P-521";
    }

    if (ngx_pimap_jwk_bytes(cf, jwk, "x", &x) != NGX_OK || x.len != len
        || ngx_pimap_jwk_bytes(cf, jwk, "y", &y) != NGX_OK || y.len != len)
    {
        return "an EC key has no valid \"x\" and \"y\"";
    }

    point[0] = 4;
    ngx_memcpy(point + 1, x.data, len);
    ngx_memcpy(point + 1 + len, y.data, len);

    bld = OSSL_PARAM_BLD_new();

    if (bld
        && OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME,
                                           crv, 0)
        && OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY,
                                            point, 1 + 2 * len))
    {
        problem = ngx_pimap_jwk_public(cf, jwk, keys, "EC", bld);

    } else {
        problem = "out of memory";
    }

    OSSL_PARAM_BLD_free(bld);

    return problem;
}


static const char *
ngx_pimap_jwk_public(ngx_conf_t *cf, json_t *jwk, ngx_array_t *keys,
    const char *type, OSSL_PARAM_BLD *bld)
{
    EVP_PKEY   *pkey;
    ngx_str_t   id, algorithm;

    if (json_object_get(jwk, "d")) {
        return "it has a private key, use the public key";
    }

    if (ngx_pimap_jwk_text(cf, jwk, "kid", &id) != NGX_OK
        || ngx_pimap_jwk_text(cf, jwk, "alg", &algorithm) != NGX_OK)
    {
        return "a key's \"kid\" or \"alg\" is not a string";
    }

    pkey = ngx_pimap_jwk_pkey(type, bld);

    if (pkey == NULL) {
        return "OpenSSL rejects a key";
    }

    return ngx_pimap_key_public(cf, keys, pkey, &id, &algorithm);
}


static EVP_PKEY *
ngx_pimap_jwk_pkey(const char *type, OSSL_PARAM_BLD *bld)
{
    EVP_PKEY      *pkey;
    OSSL_PARAM    *params;
    EVP_PKEY_CTX  *ctx;

    pkey = NULL;
    params = OSSL_PARAM_BLD_to_param(bld);
    ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);

    if (params == NULL || ctx == NULL
        || EVP_PKEY_fromdata_init(ctx) != 1
        || EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
    {
        EVP_PKEY_free(pkey);
        pkey = NULL;
    }

    OSSL_PARAM_free(params);
    EVP_PKEY_CTX_free(ctx);

    return pkey;
}


/* Copies an optional member. */

static ngx_int_t
ngx_pimap_jwk_text(ngx_conf_t *cf, json_t *jwk, const char *name,
    ngx_str_t *text)
{
    json_t  *value;

    ngx_str_null(text);

    value = json_object_get(jwk, name);

    if (value == NULL) {
        return NGX_OK;
    }

    if (!json_is_string(value)) {
        return NGX_ERROR;
    }

    return ngx_pimap_copy(cf->pool, text, json_string_value(value),
                          json_string_length(value));
}


static ngx_int_t
ngx_pimap_jwk_bytes(ngx_conf_t *cf, json_t *jwk, const char *name,
    ngx_str_t *bytes)
{
    ngx_str_t  text;

    if (ngx_pimap_jwk_text(cf, jwk, name, &text) != NGX_OK || text.len == 0) {
        return NGX_ERROR;
    }

    bytes->data = ngx_pnalloc(cf->pool, ngx_base64_decoded_length(text.len));
    if (bytes->data == NULL) {
        return NGX_ERROR;
    }

    return ngx_decode_base64url(bytes, &text);
}
