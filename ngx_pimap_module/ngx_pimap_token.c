
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The key decides about the algorithm, not the token: each algorithm is for
 * one type of keys, so that nobody signs with a public key as a secret, and
 * "none" is not in the table (RFC 8725, 3.1).
 *
 * jansson reads the JSON, OpenSSL verifies, with keys that are ready: a
 * library for tokens would read the key's PEM again for each of them.
 */


#include "ngx_pimap_token.h"
#include "ngx_pimap_keys.h"

#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/hmac.h>


#define NGX_PIMAP_TOKEN_MAX_SIGNATURE  1024     /* bytes: RSA of 8192 bits */


typedef struct {
    const char             *name;
    ngx_pimap_key_type_t    type;
    const EVP_MD         *(*md)(void);
    ngx_uint_t              bits;       /* of the key; HMAC, RSA: at least */
} ngx_pimap_token_alg_t;


typedef struct {
    ngx_str_t               header;     /* base64url */
    ngx_str_t               claims;
    ngx_str_t               signature;  /* bytes */
    ngx_str_t               input;      /* what is signed */
    ngx_str_t               id;         /* of the key; points into "json" */
    json_t                 *json;       /* the header */
    ngx_pimap_token_alg_t  *alg;
    u_char                  bytes[NGX_PIMAP_TOKEN_MAX_SIGNATURE];
} ngx_pimap_token_parts_t;


static ngx_int_t ngx_pimap_token_split(ngx_str_t *text,
    ngx_pimap_token_parts_t *parts);
static ngx_uint_t ngx_pimap_token_base64url(ngx_str_t *text);
static json_t *ngx_pimap_token_json(ngx_str_t *base64);
static const char *ngx_pimap_token_header(ngx_pimap_token_parts_t *parts,
    ngx_uint_t ticket);
static ngx_pimap_token_alg_t *ngx_pimap_token_alg(json_t *header);
static const char *ngx_pimap_token_signed(ngx_pimap_token_parts_t *parts,
    ngx_array_t *keys);
static ngx_uint_t ngx_pimap_token_named(ngx_pimap_key_t *key,
    ngx_str_t *id);
static ngx_uint_t ngx_pimap_token_fits(ngx_pimap_key_t *key,
    ngx_pimap_token_alg_t *alg);
static ngx_uint_t ngx_pimap_token_check(ngx_pimap_token_parts_t *parts,
    ngx_pimap_key_t *key);
static ngx_uint_t ngx_pimap_token_hmac(ngx_pimap_token_parts_t *parts,
    ngx_pimap_key_t *key);
static ngx_uint_t ngx_pimap_token_public(ngx_pimap_token_parts_t *parts,
    ngx_pimap_key_t *key, u_char *signature, size_t len);
static ngx_uint_t ngx_pimap_token_ecdsa(ngx_pimap_token_parts_t *parts,
    ngx_pimap_key_t *key);
static const char *ngx_pimap_token_claims(ngx_pimap_token_t *token,
    ngx_pimap_token_rules_t *rules, time_t now);
static ngx_int_t ngx_pimap_token_time(json_t *claims, const char *name,
    time_t *time);
static ngx_uint_t ngx_pimap_token_audience(json_t *aud, ngx_str_t *wanted);
static ngx_uint_t ngx_pimap_token_equal(json_t *value, ngx_str_t *wanted);


static ngx_pimap_token_alg_t  ngx_pimap_token_algs[] = {
    { "HS256", NGX_PIMAP_KEY_SECRET, EVP_sha256, 256 },
    { "HS384", NGX_PIMAP_KEY_SECRET, EVP_sha384, 384 },
    { "HS512", NGX_PIMAP_KEY_SECRET, EVP_sha512, 512 },
    { "RS256", NGX_PIMAP_KEY_RSA, EVP_sha256, 2048 },
    { "RS384", NGX_PIMAP_KEY_RSA, EVP_sha384, 2048 },
    { "RS512", NGX_PIMAP_KEY_RSA, EVP_sha512, 2048 },
    { "ES256", NGX_PIMAP_KEY_EC, EVP_sha256, 256 },
    { "ES384", NGX_PIMAP_KEY_EC, EVP_sha384, 384 },
    { "ES512", NGX_PIMAP_KEY_EC, EVP_sha512, 521 },
    { NULL, 0, NULL, 0 }
};


ngx_int_t
ngx_pimap_token_verify(ngx_str_t *text, ngx_pimap_token_rules_t *rules,
    time_t now, ngx_pimap_token_t *token, const char **reason)
{
    ngx_pimap_token_parts_t  parts;

    if (text->len > NGX_PIMAP_TOKEN_MAX) {
        *reason = "over 8k";
        return NGX_DECLINED;
    }

    if (ngx_pimap_token_split(text, &parts) != NGX_OK) {
        *reason = "malformed";
        return NGX_DECLINED;
    }

    parts.json = ngx_pimap_token_json(&parts.header);
    *reason = ngx_pimap_token_header(&parts, rules->ticket);

    if (*reason == NULL) {
        *reason = ngx_pimap_token_signed(&parts, rules->keys);
    }

    json_decref(parts.json);

    if (*reason) {
        return NGX_DECLINED;
    }

    token->claims = ngx_pimap_token_json(&parts.claims);
    *reason = ngx_pimap_token_claims(token, rules, now);

    if (*reason) {
        json_decref(token->claims);
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/* header "." claims "." signature */

static ngx_int_t
ngx_pimap_token_split(ngx_str_t *text, ngx_pimap_token_parts_t *parts)
{
    u_char     *dot[2], *last;
    ngx_str_t   signature;

    last = text->data + text->len;

    dot[0] = ngx_strlchr(text->data, last, '.');
    dot[1] = dot[0] ? ngx_strlchr(dot[0] + 1, last, '.') : NULL;

    if (dot[1] == NULL) {
        return NGX_ERROR;
    }

    parts->header.data = text->data;
    parts->header.len = dot[0] - text->data;
    parts->claims.data = dot[0] + 1;
    parts->claims.len = dot[1] - parts->claims.data;
    parts->input.data = text->data;
    parts->input.len = dot[1] - text->data;

    signature.data = dot[1] + 1;
    signature.len = last - signature.data;

    if (!ngx_pimap_token_base64url(&parts->header)
        || !ngx_pimap_token_base64url(&parts->claims)
        || !ngx_pimap_token_base64url(&signature)
        || ngx_base64_decoded_length(signature.len) > sizeof(parts->bytes))
    {
        return NGX_ERROR;
    }

    parts->signature.data = parts->bytes;

    return ngx_decode_base64url(&parts->signature, &signature);
}


/* nginx's decoder stops at a "=" and takes what is before it. */

static ngx_uint_t
ngx_pimap_token_base64url(ngx_str_t *text)
{
    size_t  i;
    u_char  ch;

    for (i = 0; i < text->len; i++) {
        ch = text->data[i];

        if (!isalnum(ch) && ch != '-' && ch != '_') {
            return 0;
        }
    }

    return 1;
}


/* An object; NULL if it is none. */

static json_t *
ngx_pimap_token_json(ngx_str_t *base64)
{
    u_char      bytes[ngx_base64_decoded_length(NGX_PIMAP_TOKEN_MAX)];
    json_t     *json;
    ngx_str_t   text;

    text.data = bytes;

    if (ngx_decode_base64url(&text, base64) != NGX_OK) {
        return NULL;
    }

    json = json_loadb((char *) text.data, text.len, JSON_REJECT_DUPLICATES,
                      NULL);

    if (!json_is_object(json)) {
        json_decref(json);
        return NULL;
    }

    return json;
}


static const char *
ngx_pimap_token_header(ngx_pimap_token_parts_t *parts, ngx_uint_t ticket)
{
    json_t  *id, *typ;

    if (parts->json == NULL) {
        return "malformed";
    }

    /* RFC 7515, 4.1.11: what must be understood, and is not */

    if (json_object_get(parts->json, "crit")) {
        return "has critical headers";
    }

    /* neither is taken for the other, even if they have a common secret */

    typ = json_object_get(parts->json, "typ");

    if (ticket != (json_is_string(typ)
                   && ngx_strcmp(json_string_value(typ),
                                 NGX_PIMAP_TOKEN_TICKET) == 0))
    {
        return ticket ? "no ticket" : "a ticket";
    }

    parts->alg = ngx_pimap_token_alg(parts->json);

    if (parts->alg == NULL) {
        return "its algorithm is not supported";
    }

    ngx_str_null(&parts->id);

    id = json_object_get(parts->json, "kid");

    if (id && !json_is_string(id)) {
        return "malformed";
    }

    if (id) {
        parts->id.data = (u_char *) json_string_value(id);
        parts->id.len = json_string_length(id);
    }

    return NULL;
}


static ngx_pimap_token_alg_t *
ngx_pimap_token_alg(json_t *header)
{
    const char             *name;
    ngx_pimap_token_alg_t  *alg;

    name = json_string_value(json_object_get(header, "alg"));

    if (name == NULL) {
        return NULL;
    }

    for (alg = ngx_pimap_token_algs; alg->name; alg++) {
        if (ngx_strcmp(alg->name, name) == 0) {
            return alg;
        }
    }

    return NULL;
}


/*
 * The keys of the token's id; without one, or where no key has it, those
 * without an id, and all keys if the token has none.
 */

static const char *
ngx_pimap_token_signed(ngx_pimap_token_parts_t *parts, ngx_array_t *keys)
{
    ngx_str_t         none = ngx_null_string;
    ngx_str_t        *id;
    ngx_uint_t        i, tried;
    ngx_pimap_key_t  *key;

    key = keys->elts;
    id = &parts->id;

    for (i = 0; i < keys->nelts && !ngx_pimap_token_named(&key[i], id); i++) {
        /* void */
    }

    if (i == keys->nelts) {
        id = &none;
    }

    for (tried = 0, i = 0; i < keys->nelts; i++) {

        if ((parts->id.len && !ngx_pimap_token_named(&key[i], id))
            || !ngx_pimap_token_fits(&key[i], parts->alg))
        {
            continue;
        }

        if (ngx_pimap_token_check(parts, &key[i])) {
            return NULL;
        }

        tried = 1;
    }

    return tried ? "its signature is wrong" : "no key fits";
}


static ngx_uint_t
ngx_pimap_token_named(ngx_pimap_key_t *key, ngx_str_t *id)
{
    return key->id.len == id->len
           && ngx_memcmp(key->id.data, id->data, id->len) == 0;
}


static ngx_uint_t
ngx_pimap_token_fits(ngx_pimap_key_t *key, ngx_pimap_token_alg_t *alg)
{
    if (key->type != alg->type
        || (key->algorithm.len
            && (key->algorithm.len != ngx_strlen(alg->name)
                || ngx_strncmp(key->algorithm.data, alg->name,
                               key->algorithm.len)
                   != 0)))
    {
        return 0;
    }

    return alg->type == NGX_PIMAP_KEY_EC ? key->bits == alg->bits
                                         : key->bits >= alg->bits;
}


static ngx_uint_t
ngx_pimap_token_check(ngx_pimap_token_parts_t *parts, ngx_pimap_key_t *key)
{
    ngx_uint_t  good;

    switch (key->type) {

    case NGX_PIMAP_KEY_SECRET:
        good = ngx_pimap_token_hmac(parts, key);
        break;

    case NGX_PIMAP_KEY_RSA:
        good = ngx_pimap_token_public(parts, key, parts->signature.data,
                                      parts->signature.len);
        break;

    default:
        good = ngx_pimap_token_ecdsa(parts, key);
    }

    /* nginx would find it at the next connection, and blame that one */

    ERR_clear_error();

    return good;
}


static ngx_uint_t
ngx_pimap_token_hmac(ngx_pimap_token_parts_t *parts, ngx_pimap_key_t *key)
{
    u_char        mac[EVP_MAX_MD_SIZE];
    unsigned int  len;

    return HMAC(parts->alg->md(), key->secret.data, (int) key->secret.len,
                parts->input.data, parts->input.len, mac, &len)
           && len == parts->signature.len
           && CRYPTO_memcmp(mac, parts->signature.data, len) == 0;
}


static ngx_uint_t
ngx_pimap_token_public(ngx_pimap_token_parts_t *parts, ngx_pimap_key_t *key,
    u_char *signature, size_t len)
{
    EVP_MD_CTX  *ctx;
    ngx_uint_t   good;

    ctx = EVP_MD_CTX_new();

    good = ctx
           && EVP_DigestVerifyInit(ctx, NULL, parts->alg->md(), NULL,
                                   key->pkey) == 1
           && EVP_DigestVerify(ctx, signature, len, parts->input.data,
                               parts->input.len) == 1;

    EVP_MD_CTX_free(ctx);

    return good;
}


/* RFC 7518, 3.4: two numbers of fixed length, which OpenSSL wants as DER. */

static ngx_uint_t
ngx_pimap_token_ecdsa(ngx_pimap_token_parts_t *parts, ngx_pimap_key_t *key)
{
    int          len;
    size_t       half;
    BIGNUM      *r, *s;
    u_char       der[256], *p;
    ECDSA_SIG   *sig;

    half = (key->bits + 7) / 8;

    if (parts->signature.len != 2 * half) {
        return 0;
    }

    sig = ECDSA_SIG_new();
    r = BN_bin2bn(parts->signature.data, (int) half, NULL);
    s = BN_bin2bn(parts->signature.data + half, (int) half, NULL);

    if (sig == NULL || r == NULL || s == NULL
        || ECDSA_SIG_set0(sig, r, s) != 1)
    {
        BN_free(r);
        BN_free(s);
        ECDSA_SIG_free(sig);
        return 0;
    }

    p = der;
    len = i2d_ECDSA_SIG(sig, NULL);

    if (len > 0 && len <= (int) sizeof(der)) {
        len = i2d_ECDSA_SIG(sig, &p);

    } else {
        len = 0;
    }

    ECDSA_SIG_free(sig);

    return len > 0 && ngx_pimap_token_public(parts, key, der, len);
}


static const char *
ngx_pimap_token_claims(ngx_pimap_token_t *token,
    ngx_pimap_token_rules_t *rules, time_t now)
{
    time_t   from;
    json_t  *claims;

    claims = token->claims;

    if (claims == NULL) {
        return "malformed";
    }

    if (ngx_pimap_token_time(claims, "exp", &token->expires) != NGX_OK
        || ngx_pimap_token_time(claims, "nbf", &from) != NGX_OK
        || ngx_pimap_token_time(claims, "iat", &token->issued) != NGX_OK)
    {
        return "a time in it is none";
    }

    if (json_object_get(claims, "exp") == NULL) {
        return "never expires";
    }

    if (now >= token->expires + rules->leeway) {
        return "expired";
    }

    /* what comes from the future could outlive its revocation */

    if (from > now + rules->leeway || token->issued > now + rules->leeway) {
        return "not yet valid";
    }

    if (rules->issuer.len
        && !ngx_pimap_token_equal(json_object_get(claims, "iss"),
                                  &rules->issuer))
    {
        return "of another issuer";
    }

    if (!ngx_pimap_token_audience(json_object_get(claims, "aud"),
                                  &rules->audience))
    {
        return "for another audience";
    }

    return NULL;
}


/* RFC 7519, 2: seconds, maybe with a fraction; 0 if it is absent. */

static ngx_int_t
ngx_pimap_token_time(json_t *claims, const char *name, time_t *time)
{
    double   value;
    json_t  *claim;

    *time = 0;

    claim = json_object_get(claims, name);

    if (claim == NULL) {
        return NGX_OK;
    }

    value = json_number_value(claim);

    if (!json_is_number(claim) || value < 0) {
        return NGX_ERROR;
    }

    /* the last second that fits into 32 bits: far enough */

    *time = value < (double) UINT32_MAX ? (time_t) value : UINT32_MAX;

    return NGX_OK;
}


/* RFC 7519, 4.1.3: who is not named by it has to refuse the token. */

static ngx_uint_t
ngx_pimap_token_audience(json_t *aud, ngx_str_t *wanted)
{
    size_t  i;

    if (wanted->len == 0) {
        return aud == NULL;
    }

    for (i = 0; i < json_array_size(aud); i++) {
        if (ngx_pimap_token_equal(json_array_get(aud, i), wanted)) {
            return 1;
        }
    }

    return ngx_pimap_token_equal(aud, wanted);
}


static ngx_uint_t
ngx_pimap_token_equal(json_t *value, ngx_str_t *wanted)
{
    return json_is_string(value)
           && json_string_length(value) == wanted->len
           && ngx_memcmp(json_string_value(value), wanted->data, wanted->len)
              == 0;
}
