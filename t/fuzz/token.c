
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * libFuzzer target: tokens and tickets.  A token with any header and claims is
 * signed with a secret, and accepted only if that is ours, the header names
 * our algorithm, and the claims are of now and for us.  A signature with the
 * text of a public key, or none, is never accepted.  The claims of an accepted
 * ticket give a login with a name in UTF-8.
 *
 * The first byte chooses the signature, the second settings.  The next line is
 * the header, the rest the claims; or all of it is the token.
 *
 * Reaches: ngx_pimap_token_header, ngx_pimap_token_signed,
 *     ngx_pimap_token_claims, ngx_pimap_token_audience,
 *     ngx_pimap_token_name, ngx_pimap_ticket_claims, fuzz_accepted,
 *     fuzz_login.
 */


#include "fuzz_nginx.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

#include "ngx_pimap_login.h"
#include "ngx_pimap_token.h"


#define FUZZ_NOW            1764000000
#define FUZZ_MAX            (NGX_PIMAP_TOKEN_MAX + 1024)

#define FUZZ_ISSUER         0x01
#define FUZZ_AUDIENCE       0x02

/* How a token is signed. */

enum {
    FUZZ_RAW = 0,                       /* the input is the token */
    FUZZ_OURS,                          /* by the header's algorithm */
    FUZZ_HS256,
    FUZZ_HS512,
    FUZZ_OTHER,                         /* a secret that is not ours */
    FUZZ_PUBLIC,                        /* HMAC with a public key's text */
    FUZZ_NONE,                          /* an empty signature */
    FUZZ_WAYS
};


static ngx_pimap_key_t   fuzz_keys[4];
static ngx_array_t       fuzz_array = { fuzz_keys, 4, sizeof(ngx_pimap_key_t),
                                        4, NULL };
static u_char            fuzz_pem[2][4096];

static u_char  fuzz_secrets[3][65] = {
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210",
    "ghijklmnopqrstuvghijklmnopqrstuvghijklmnopqrstuvghijklmnopqrstuv"
};


static void
fuzz_public_key(ngx_pimap_key_t *key, ngx_pimap_key_type_t type,
    EVP_PKEY *pkey, u_char *text)
{
    BIO  *bio;

    bio = BIO_new(BIO_s_mem());
    fuzz_check(pkey && PEM_write_bio_PUBKEY(bio, pkey) == 1);

    key->type = type;
    key->bits = EVP_PKEY_get_bits(pkey);
    key->text.data = text;
    key->text.len = BIO_read(bio, text, 4096 - 1);

    BIO_free(bio);
    EVP_PKEY_free(pkey);
}


/* A secret, a secret with an id and an algorithm, and two public keys. */

static void
fuzz_init(void)
{
    int  i;

    if (fuzz_keys[0].text.len) {
        return;
    }

    for (i = 0; i < 2; i++) {
        fuzz_keys[i].type = NGX_PIMAP_KEY_SECRET;
        fuzz_keys[i].text.data = fuzz_secrets[i];
        fuzz_keys[i].text.len = 64;
        fuzz_keys[i].bits = 512;
    }

    ngx_str_set(&fuzz_keys[1].id, "k1");
    ngx_str_set(&fuzz_keys[1].algorithm, "HS256");

    fuzz_public_key(&fuzz_keys[2], NGX_PIMAP_KEY_RSA, EVP_RSA_gen(2048),
                    fuzz_pem[0]);
    fuzz_public_key(&fuzz_keys[3], NGX_PIMAP_KEY_EC, EVP_EC_gen("P-256"),
                    fuzz_pem[1]);

    ngx_str_set(&fuzz_conf.token_claim, "sub");
    fuzz_conf.max_account_length = 255;
    fuzz_conf.max_device_length = 255;
}


static size_t
fuzz_base64url(char *to, const void *data, size_t len)
{
    size_t     i;
    ngx_str_t  src, dst;

    src.data = (u_char *) data;
    src.len = len;
    dst.data = (u_char *) to;

    ngx_encode_base64url(&dst, &src);

    for (i = 0; i < dst.len; i++) {
        fuzz_check(to[i] != '+' && to[i] != '/' && to[i] != '=');
    }

    return dst.len;
}


static const EVP_MD *
fuzz_digest(const char *header, size_t len, unsigned way)
{
    if (way == FUZZ_HS512 || (way == FUZZ_OURS && memmem(header, len, "512",
                                                         3)))
    {
        return EVP_sha512();
    }

    return way == FUZZ_OURS && memmem(header, len, "384", 3) ? EVP_sha384()
                                                             : EVP_sha256();
}


/* Signs the header and the claims; returns the length of the token. */

static size_t
fuzz_sign(char *token, const char *header, size_t header_len,
    const char *claims, size_t claims_len, unsigned way)
{
    int         secret_len;
    size_t      n;
    u_char      mac[EVP_MAX_MD_SIZE], *secret;
    unsigned    mac_len;

    n = fuzz_base64url(token, header, header_len);
    token[n++] = '.';
    n += fuzz_base64url(token + n, claims, claims_len);

    secret = way == FUZZ_OTHER ? fuzz_secrets[2]
             : way == FUZZ_PUBLIC ? fuzz_keys[2 + claims_len % 2].text.data
             : memmem(header, header_len, "k1", 2) ? fuzz_secrets[1]
             : fuzz_secrets[0];
    secret_len = way == FUZZ_PUBLIC
                 ? (int) fuzz_keys[2 + claims_len % 2].text.len : 64;

    fuzz_check(HMAC(fuzz_digest(header, header_len, way), secret, secret_len,
                    (u_char *) token, n, mac, &mac_len));

    token[n++] = '.';

    return way == FUZZ_NONE ? n : n + fuzz_base64url(token + n, mac, mac_len);
}


static void
fuzz_login(ngx_http_request_t *r, json_t *claims)
{
    ngx_int_t          rc;
    ngx_pimap_login_t  login;

    memset(&login, 0, sizeof(login));

    rc = ngx_pimap_ticket_claims(r, &login, claims);
    fuzz_check(rc == NGX_OK || rc == NGX_DECLINED);

    if (rc == NGX_OK) {
        fuzz_check(login.account.len && login.account.len <= 255);
        fuzz_check(fuzz_is_utf8((char *) login.account.data,
                                login.account.len));
        fuzz_check(login.device.len <= 255);
        fuzz_check(fuzz_is_utf8((char *) login.device.data,
                                login.device.len));
    }
}


static int
fuzz_names_us(json_t *value, ngx_str_t *us)
{
    size_t  i;

    for (i = 0; i < json_array_size(value); i++) {
        if (fuzz_names_us(json_array_get(value, i), us)) {
            return 1;
        }
    }

    return json_is_string(value)
           && json_string_length(value) == us->len
           && memcmp(json_string_value(value), us->data, us->len) == 0;
}


static void
fuzz_accepted(ngx_http_request_t *r, ngx_pimap_token_t *token,
    ngx_pimap_token_rules_t *rules, unsigned way)
{
    json_t  *claims = token->claims;

    fuzz_check(way != FUZZ_OTHER && way != FUZZ_PUBLIC && way != FUZZ_NONE);
    fuzz_check(json_is_object(claims));
    fuzz_check(json_is_number(json_object_get(claims, "exp"))
               && token->expires + rules->leeway > FUZZ_NOW
               && token->issued <= FUZZ_NOW + rules->leeway);
    fuzz_check(rules->issuer.len == 0
               || fuzz_names_us(json_object_get(claims, "iss"),
                                &rules->issuer));
    fuzz_check(rules->audience.len
               ? fuzz_names_us(json_object_get(claims, "aud"),
                               &rules->audience)
               : json_object_get(claims, "aud") == NULL);

    fuzz_login(r, claims);
    json_decref(claims);
}


static void
fuzz_token(ngx_http_request_t *r, const char *text, size_t len, unsigned set,
    unsigned way)
{
    size_t                    i;
    ngx_int_t                 rc;
    ngx_str_t                 str;
    const char               *reason;
    ngx_pimap_token_t         token;
    ngx_pimap_token_rules_t   rules;

    memset(&rules, 0, sizeof(rules));
    rules.keys = &fuzz_array;
    rules.leeway = set >> 4;

    if (set & FUZZ_ISSUER) {
        ngx_str_set(&rules.issuer, "us");
    }

    if (set & FUZZ_AUDIENCE) {
        ngx_str_set(&rules.audience, NGX_PIMAP_TICKET_AUDIENCE);
    }

    str.data = fuzz_copy(text, len);
    str.len = len;
    reason = NULL;

    rc = ngx_pimap_token_verify(&str, &rules, FUZZ_NOW, &token, &reason);

    if (rc == NGX_OK) {
        fuzz_accepted(r, &token, &rules, way);

    } else {
        fuzz_check(rc == NGX_DECLINED && reason && reason[0]);

        for (i = 0; reason[i]; i++) {
            fuzz_check(reason[i] >= ' ' && reason[i] < 127
                       && reason[i] != '"');
        }
    }

    free(str.data);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t              len;
    unsigned            way, set;
    fuzz_in_t           in = { data, data + size };
    ngx_pool_t         *pool;
    const uint8_t      *header;
    ngx_http_request_t  r;

    static char  token[4 * FUZZ_MAX];

    if (size > FUZZ_MAX) {
        return 0;
    }

    fuzz_nginx_init();
    fuzz_init();
    pool = fuzz_nginx_pool();
    fuzz_nginx_request(&r, pool);

    way = fuzz_byte(&in) % FUZZ_WAYS;
    set = fuzz_byte(&in);

    if (way == FUZZ_RAW) {
        fuzz_token(&r, (char *) in.p, in.last - in.p, set, way);

    } else {
        len = fuzz_until(&in, '\n', &header);
        len = fuzz_sign(token, (char *) header, len, (char *) in.p,
                        in.last - in.p, way);
        fuzz_token(&r, token, len, set, way);
    }

    fuzz_nginx_free(pool);

    return 0;
}
