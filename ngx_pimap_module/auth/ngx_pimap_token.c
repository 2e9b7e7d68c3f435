
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * libjwt reads a token and verifies it with a key.  Which key that may be is
 * decided here, by the key and not by the token: each algorithm is for one
 * type of keys, so that nobody signs with a public key as a secret, and "none"
 * is not in the table (RFC 8725, 3.1).
 */


#include "ngx_pimap_token.h"
#include "ngx_pimap_key.h"
#include "ngx_pimap_query.h"

#include <jwt.h>
#include <openssl/err.h>


typedef struct {
    jwt_alg_t                alg;
    const char              *name;
    ngx_pimap_key_type_t     type;
    ngx_uint_t               bits;      /* of the key; HMAC, RSA: at least */
} ngx_pimap_token_alg_t;


typedef struct {
    ngx_pimap_token_alg_t   *alg;
    ngx_str_t                id;        /* of the key; empty: none */
    jwt_t                   *jwt;       /* not verified: its header counts */
} ngx_pimap_token_header_t;


static ngx_uint_t ngx_pimap_token_well_formed(ngx_str_t *text);
static const char *ngx_pimap_token_header(const char *text,
    ngx_pimap_token_header_t *header);
static ngx_pimap_token_alg_t *ngx_pimap_token_alg(jwt_t *jwt);
static const char *ngx_pimap_token_signed(const char *text,
    ngx_pimap_token_header_t *header, ngx_array_t *keys, json_t **claims);
static ngx_uint_t ngx_pimap_token_named(ngx_pimap_key_t *key,
    ngx_str_t *id);
static ngx_uint_t ngx_pimap_token_fits(ngx_pimap_key_t *key,
    ngx_pimap_token_alg_t *alg);
static jwt_t *ngx_pimap_token_decode(const char *text, ngx_str_t *key);
static json_t *ngx_pimap_token_json(jwt_t *jwt);
static const char *ngx_pimap_token_claims(ngx_pimap_token_t *token,
    ngx_pimap_token_rules_t *rules, time_t now);
static ngx_int_t ngx_pimap_token_time(json_t *claims, const char *name,
    time_t *time);
static ngx_uint_t ngx_pimap_token_audience(json_t *aud, ngx_str_t *wanted);
static ngx_uint_t ngx_pimap_token_equal(json_t *value, ngx_str_t *wanted);


static ngx_pimap_token_alg_t  ngx_pimap_token_algs[] = {
    { JWT_ALG_HS256, "HS256", NGX_PIMAP_KEY_SECRET, 256 },
    { JWT_ALG_HS384, "HS384", NGX_PIMAP_KEY_SECRET, 384 },
    { JWT_ALG_HS512, "HS512", NGX_PIMAP_KEY_SECRET, 512 },
    { JWT_ALG_RS256, "RS256", NGX_PIMAP_KEY_RSA, 2048 },
    { JWT_ALG_RS384, "RS384", NGX_PIMAP_KEY_RSA, 2048 },
    { JWT_ALG_RS512, "RS512", NGX_PIMAP_KEY_RSA, 2048 },
    { JWT_ALG_ES256, "ES256", NGX_PIMAP_KEY_EC, 256 },
    { JWT_ALG_ES384, "ES384", NGX_PIMAP_KEY_EC, 384 },
    { JWT_ALG_ES512, "ES512", NGX_PIMAP_KEY_EC, 521 },
    { JWT_ALG_NONE, NULL, 0, 0 }
};


ngx_int_t
ngx_pimap_token_verify(ngx_str_t *text, ngx_pimap_token_rules_t *rules,
    time_t now, ngx_pimap_token_t *token, const char **reason)
{
    char                      copy[NGX_PIMAP_TOKEN_MAX + 1];
    ngx_pimap_token_header_t  header;

    if (text->len > NGX_PIMAP_TOKEN_MAX) {
        *reason = "over 8k";
        return NGX_DECLINED;
    }

    if (!ngx_pimap_token_well_formed(text)) {
        *reason = "malformed";
        return NGX_DECLINED;
    }

    ngx_cpystrn((u_char *) copy, text->data, text->len + 1);

    *reason = ngx_pimap_token_header(copy, &header);

    if (*reason == NULL) {
        *reason = ngx_pimap_token_signed(copy, &header, rules->keys,
                                         &token->claims);
    }

    jwt_free(header.jwt);

    if (*reason) {
        return NGX_DECLINED;
    }

    *reason = ngx_pimap_token_claims(token, rules, now);

    if (*reason) {
        json_decref(token->claims);
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/* Three parts in base64url (RFC 7515, 3.1); libjwt takes more than that. */

static ngx_uint_t
ngx_pimap_token_well_formed(ngx_str_t *text)
{
    size_t      i;
    u_char      ch;
    ngx_uint_t  dots;

    dots = 0;

    for (i = 0; i < text->len; i++) {
        ch = text->data[i];

        if (ch == '.') {
            dots++;

        } else if (!isalnum(ch) && ch != '-' && ch != '_') {
            return 0;
        }
    }

    return dots == 2;
}


static const char *
ngx_pimap_token_header(const char *text, ngx_pimap_token_header_t *header)
{
    char       *json;
    jwt_t      *jwt;
    ngx_str_t   none = ngx_null_string;

    jwt = ngx_pimap_token_decode(text, &none);
    header->jwt = jwt;

    if (jwt == NULL) {
        return "malformed";
    }

    /* RFC 7515, 4.1.11: what must be understood, and is not */

    json = jwt_get_headers_json(jwt, "crit");

    if (json) {
        free(json);
        return "has critical headers";
    }

    header->alg = ngx_pimap_token_alg(jwt);

    if (header->alg == NULL) {
        return "its algorithm is not supported";
    }

    header->id.data = (u_char *) jwt_get_header(jwt, "kid");
    header->id.len = header->id.data ? ngx_strlen(header->id.data) : 0;

    return NULL;
}


static ngx_pimap_token_alg_t *
ngx_pimap_token_alg(jwt_t *jwt)
{
    const char             *name;
    ngx_pimap_token_alg_t  *alg;

    name = jwt_get_header(jwt, "alg");

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
ngx_pimap_token_signed(const char *text, ngx_pimap_token_header_t *header,
    ngx_array_t *keys, json_t **claims)
{
    jwt_t            *jwt;
    ngx_str_t         none = ngx_null_string;
    ngx_str_t        *id;
    ngx_uint_t        i, tried;
    ngx_pimap_key_t  *key;

    key = keys->elts;
    id = &header->id;

    for (i = 0; i < keys->nelts && !ngx_pimap_token_named(&key[i], id); i++) {
        /* void */
    }

    if (i == keys->nelts) {
        id = &none;
    }

    for (tried = 0, i = 0; i < keys->nelts; i++) {

        if ((header->id.len && !ngx_pimap_token_named(&key[i], id))
            || !ngx_pimap_token_fits(&key[i], header->alg))
        {
            continue;
        }

        jwt = ngx_pimap_token_decode(text, &key[i].text);

        /* the header that was looked at is the one that was verified */

        if (jwt && jwt_get_alg(jwt) == header->alg->alg) {
            *claims = ngx_pimap_token_json(jwt);
            jwt_free(jwt);
            return *claims ? NULL : "malformed";
        }

        jwt_free(jwt);
        tried = 1;
    }

    return tried ? "its signature is wrong" : "no key fits";
}


static ngx_uint_t
ngx_pimap_token_named(ngx_pimap_key_t *key, ngx_str_t *id)
{
    return key->id.len == id->len
           && (id->len == 0
               || ngx_memcmp(key->id.data, id->data, id->len) == 0);
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


/* Verified with the key, if it is not empty.  NULL: it is not good. */

static jwt_t *
ngx_pimap_token_decode(const char *text, ngx_str_t *key)
{
    int     rc;
    jwt_t  *jwt;

    rc = jwt_decode(&jwt, text, key->data, (int) key->len);

    /* nginx would find them at the next connection, and blame that one */

    ERR_clear_error();

    return rc == 0 ? jwt : NULL;
}


/* An object; NULL if it is none. */

static json_t *
ngx_pimap_token_json(jwt_t *jwt)
{
    char    *text;
    json_t  *json;

    text = jwt_get_grants_json(jwt, NULL);

    if (text == NULL) {
        return NULL;
    }

    json = json_loads(text, 0, NULL);

    free(text);

    if (!json_is_object(json)) {
        json_decref(json);
        return NULL;
    }

    return json;
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


ngx_int_t
ngx_pimap_token_name(ngx_pool_t *pool, json_t *claim, size_t max,
    ngx_str_t *name)
{
    ngx_str_t  text;

    if (!json_is_string(claim)) {
        return NGX_DECLINED;
    }

    text.data = (u_char *) json_string_value(claim);
    text.len = json_string_length(claim);

    if (text.len == 0 || text.len > max || !ngx_pimap_query_printable(&text)) {
        return NGX_DECLINED;
    }

    name->data = ngx_pstrdup(pool, &text);
    if (name->data == NULL) {
        return NGX_ERROR;
    }

    name->len = text.len;

    return NGX_OK;
}
