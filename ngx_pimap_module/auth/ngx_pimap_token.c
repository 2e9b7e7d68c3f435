
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Verifies tokens.  Called by login and ticket; pure, without a request.
 * libjwt checks the signature.  Its versions differ in all else, so the header
 * and the claims are read here.  Invariant: the key decides on the algorithm,
 * not the token.  Each algorithm belongs to one type of keys, so a public key
 * is never used as a secret, and the table has no "none" (RFC 8725, 3.1).
 */


#include "ngx_pimap_token.h"
#include "ngx_pimap_http.h"

#include "pimap_json.h"

#include <jwt.h>
#include <openssl/err.h>


typedef struct {
    jwt_alg_t                alg;
    ngx_str_t                name;
    ngx_pimap_key_type_t     type;
    ngx_uint_t               bits;      /* of the key; HMAC, RSA: minimum */
} ngx_pimap_token_alg_t;


typedef struct {
    ngx_pimap_token_alg_t   *alg;
    ngx_str_t                id;        /* of the key; may be empty */
    json_t                  *json;      /* not verified */
    ngx_uint_t               no_memory; /* the token may be valid */
} ngx_pimap_token_header_t;


static ngx_uint_t ngx_pimap_token_well_formed(ngx_str_t *text);
static const char *ngx_pimap_token_header(const char *text,
    ngx_pimap_token_header_t *header);
static const char *ngx_pimap_token_algorithm(ngx_pimap_token_header_t *header);
static const char *ngx_pimap_token_signed(const char *text,
    ngx_pimap_token_header_t *header, ngx_array_t *keys);
static ngx_uint_t ngx_pimap_token_fits(ngx_pimap_key_t *key,
    ngx_pimap_token_alg_t *alg);
static ngx_uint_t ngx_pimap_token_verified(const char *text,
    ngx_pimap_key_t *key, ngx_pimap_token_header_t *header);
static json_t *ngx_pimap_token_part(const char *text,
    ngx_pimap_token_header_t *header);
static const char *ngx_pimap_token_claims(ngx_pimap_token_t *token,
    ngx_pimap_token_rules_t *rules, time_t now);
static ngx_int_t ngx_pimap_token_time(json_t *claims, const char *name,
    time_t *time);
static ngx_uint_t ngx_pimap_token_audience(json_t *aud, ngx_str_t *wanted);
static ngx_uint_t ngx_pimap_token_equal(json_t *value, ngx_str_t *wanted);


static ngx_pimap_token_alg_t  ngx_pimap_token_algs[] = {
    { JWT_ALG_HS256, ngx_string("HS256"), NGX_PIMAP_KEY_SECRET, 256 },
    { JWT_ALG_HS384, ngx_string("HS384"), NGX_PIMAP_KEY_SECRET, 384 },
    { JWT_ALG_HS512, ngx_string("HS512"), NGX_PIMAP_KEY_SECRET, 512 },
    { JWT_ALG_RS256, ngx_string("RS256"), NGX_PIMAP_KEY_RSA, 2048 },
    { JWT_ALG_RS384, ngx_string("RS384"), NGX_PIMAP_KEY_RSA, 2048 },
    { JWT_ALG_RS512, ngx_string("RS512"), NGX_PIMAP_KEY_RSA, 2048 },
    { JWT_ALG_ES256, ngx_string("ES256"), NGX_PIMAP_KEY_EC, 256 },
    { JWT_ALG_ES384, ngx_string("ES384"), NGX_PIMAP_KEY_EC, 384 },
    { JWT_ALG_ES512, ngx_string("ES512"), NGX_PIMAP_KEY_EC, 521 },
    { JWT_ALG_NONE, ngx_null_string, 0, 0 }
};


ngx_int_t
ngx_pimap_token_verify(ngx_str_t *text, ngx_pimap_token_rules_t *rules,
    time_t now, ngx_pimap_token_t *token, const char **reason)
{
    char                      copy[NGX_PIMAP_TOKEN_MAX + 1];
    ngx_pimap_token_header_t  header;

    if (text->len > NGX_PIMAP_TOKEN_MAX) {
        *reason = "longer than 8k";
        return NGX_DECLINED;
    }

    if (!ngx_pimap_token_well_formed(text)) {
        *reason = "malformed";
        return NGX_DECLINED;
    }

    ngx_cpystrn((u_char *) copy, text->data, text->len + 1);

    *reason = ngx_pimap_token_header(copy, &header);

    token->claims = ngx_pimap_token_part(ngx_strchr(copy, '.') + 1, &header);

    if (*reason == NULL && token->claims == NULL) {
        *reason = "malformed";
    }

    if (*reason == NULL) {
        *reason = ngx_pimap_token_signed(copy, &header, rules->keys);
    }

    json_decref(header.json);

    if (*reason == NULL) {
        *reason = ngx_pimap_token_claims(token, rules, now);
    }

    if (*reason) {
        json_decref(token->claims);
        return header.no_memory ? NGX_ERROR : NGX_DECLINED;
    }

    return NGX_OK;
}


/* Three parts in base64url (RFC 7515, 3.1); libjwt accepts more. */

static ngx_uint_t
ngx_pimap_token_well_formed(ngx_str_t *text)
{
    size_t      i;
    ngx_uint_t  dots;

    for (dots = 0, i = 0; i < text->len; i++) {

        if (text->data[i] == '.') {
            dots++;

        } else if (!isalnum(text->data[i]) && text->data[i] != '-'
                   && text->data[i] != '_')
        {
            return 0;
        }
    }

    return dots == 2;
}


static const char *
ngx_pimap_token_header(const char *text, ngx_pimap_token_header_t *header)
{
    json_t  *typ, *id;

    header->no_memory = 0;
    header->json = ngx_pimap_token_part(text, header);

    if (header->json == NULL) {
        return "malformed";
    }

    /* RFC 7515, 4.1.11: extensions that must be understood */

    if (json_object_get(header->json, "crit")) {
        return "critical headers are not supported";
    }

    /* RFC 8725, 3.11: a JWS of another type is no token for us */

    typ = json_object_get(header->json, "typ");

    if (typ && (!json_is_string(typ)
                || json_string_length(typ) != 3
                || ngx_strcasecmp((u_char *) json_string_value(typ),
                                  (u_char *) "JWT") != 0))
    {
        return "unsupported type";
    }

    id = json_object_get(header->json, "kid");

    header->id.data = (u_char *) json_string_value(id);
    header->id.len = json_string_length(id);

    return ngx_pimap_token_algorithm(header);
}


static const char *
ngx_pimap_token_algorithm(ngx_pimap_token_header_t *header)
{
    json_t                 *name;
    ngx_pimap_token_alg_t  *alg;

    name = json_object_get(header->json, "alg");

    for (alg = ngx_pimap_token_algs; alg->name.len; alg++) {
        if (ngx_pimap_token_equal(name, &alg->name)) {
            header->alg = alg;
            return NULL;
        }
    }

    return "unsupported algorithm";
}


/*
 * Tries the keys with the token's id.  If no key has this id, tries the keys
 * without an id.  If the token has no id, tries all keys.
 */

static const char *
ngx_pimap_token_signed(const char *text, ngx_pimap_token_header_t *header,
    ngx_array_t *keys)
{
    ngx_str_t         none = ngx_null_string;
    ngx_str_t        *id;
    ngx_uint_t        i, tried;
    ngx_pimap_key_t  *key;

    key = keys->elts;
    id = &header->id;

    for (i = 0; i < keys->nelts && !ngx_pimap_equal(&key[i].id, id); i++) {
        /* void */
    }

    if (i == keys->nelts) {
        id = &none;
    }

    for (tried = 0, i = 0; i < keys->nelts; i++) {

        if ((header->id.len && !ngx_pimap_equal(&key[i].id, id))
            || !ngx_pimap_token_fits(&key[i], header->alg))
        {
            continue;
        }

        if (ngx_pimap_token_verified(text, &key[i], header)) {
            return NULL;
        }

        tried = 1;
    }

    return tried ? "wrong signature" : "no matching key";
}


static ngx_uint_t
ngx_pimap_token_fits(ngx_pimap_key_t *key, ngx_pimap_token_alg_t *alg)
{
    if (key->type != alg->type
        || (key->algorithm.len && !ngx_pimap_equal(&key->algorithm,
                                                   &alg->name)))
    {
        return 0;
    }

    return alg->type == NGX_PIMAP_KEY_EC ? key->bits == alg->bits
                                         : key->bits >= alg->bits;
}


/*
 * With an empty key libjwt would verify nothing.  It has one result for a
 * wrong signature and for no memory, so "errno" tells.  Without memory for the
 * key libjwt 1.10 even returns a token, not verified.
 */

static ngx_uint_t
ngx_pimap_token_verified(const char *text, ngx_pimap_key_t *key,
    ngx_pimap_token_header_t *header)
{
    int          rc;
    jwt_t       *jwt;
    ngx_uint_t   verified;

    if (key->text.len == 0) {
        return 0;
    }

    ngx_set_errno(0);

    rc = jwt_decode(&jwt, text, key->text.data, (int) key->text.len);

    if (rc == NGX_ENOMEM || ngx_errno == NGX_ENOMEM) {
        header->no_memory = 1;
    }

    /* nginx would log them as errors of the next connection */

    ERR_clear_error();

    verified = (rc == 0 && !header->no_memory
                && jwt_get_alg(jwt) == header->alg->alg);

    jwt_free(rc == 0 ? jwt : NULL);

    return verified;
}


/*
 * The object in the part of a token, up to the next dot.  NULL: it is no
 * object, or a member is there twice (RFC 7515, 4; RFC 7519, 4), or no memory.
 */

static json_t *
ngx_pimap_token_part(const char *text, ngx_pimap_token_header_t *header)
{
    char                  json[NGX_PIMAP_TOKEN_MAX], *p;
    json_t               *object;
    ngx_str_t             part, decoded;
    pimap_json_error_t    error;
    pimap_json_status_t   status;

    part.data = (u_char *) text;
    part.len = strcspn(text, ".");
    decoded.data = (u_char *) json;

    if (ngx_decode_base64url(&decoded, &part) != NGX_OK) {
        return NULL;
    }

    p = json;

    status = pimap_json_check(&p, &decoded.len, sizeof(json), NULL, 0,
                              &error);

    if (status != PIMAP_JSON_OK) {
        header->no_memory = (status == PIMAP_JSON_NO_MEMORY);
        return NULL;
    }

    /* jansson does not tell that memory is out, and may go on without */

    errno = 0;
    object = json_loadb(p, decoded.len, JSON_ALLOW_NUL, NULL);

    if (errno == ENOMEM) {
        header->no_memory = 1;
        json_decref(object);
        return NULL;
    }

    return object;
}


static const char *
ngx_pimap_token_claims(ngx_pimap_token_t *token,
    ngx_pimap_token_rules_t *rules, time_t now)
{
    time_t   from;
    json_t  *claims;

    claims = token->claims;

    if (ngx_pimap_token_time(claims, "exp", &token->expires) != NGX_OK
        || ngx_pimap_token_time(claims, "nbf", &from) != NGX_OK
        || ngx_pimap_token_time(claims, "iat", &token->issued) != NGX_OK)
    {
        return "a time that is not a number";
    }

    if (json_object_get(claims, "exp") == NULL) {
        return "no expiry time";
    }

    if (now >= token->expires + rules->leeway) {
        return "expired";
    }

    /* a token of the future could survive its revocation */

    if (from > now + rules->leeway || token->issued > now + rules->leeway) {
        return "not yet valid";
    }

    if (rules->issuer.len
        && !ngx_pimap_token_equal(json_object_get(claims, "iss"),
                                  &rules->issuer))
    {
        return "wrong issuer";
    }

    if (!ngx_pimap_token_audience(json_object_get(claims, "aud"),
                                  &rules->audience))
    {
        return "wrong audience";
    }

    return NULL;
}


/* RFC 7519, 2: seconds, maybe with a fraction; absent: 0. */

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

    /* the last second that fits into 32 bits is far enough */

    *time = value < (double) UINT32_MAX ? (time_t) value : UINT32_MAX;

    return NGX_OK;
}


/* RFC 7519, 4.1.3: it must name us. */

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

    return ngx_pimap_copy(pool, name, text.data, text.len);
}
