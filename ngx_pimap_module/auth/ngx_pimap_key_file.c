
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Reads files of keys.  Called by login_conf in the configuration phase.
 * Invariant: PEM is never a shared secret, because a public key is no secret.
 */


#include "ngx_pimap_token.h"
#include "ngx_pimap_conf.h"

#include <openssl/err.h>
#include <openssl/pem.h>


#define NGX_PIMAP_KEY_FILE_SIZE  65536     /* bytes */
#define NGX_PIMAP_KEY_FILE_KEYS  64        /* of a location */


static char *ngx_pimap_key_file_file(ngx_conf_t *cf, ngx_str_t *file,
    ngx_str_t *text);
static const char *ngx_pimap_key_file_pem(ngx_conf_t *cf, ngx_str_t *text,
    ngx_str_t *id, ngx_array_t *keys);
static const char *ngx_pimap_key_file_block(ngx_conf_t *cf, char *name,
    u_char *data, long len, ngx_str_t *id, ngx_array_t *keys);


char *
ngx_pimap_key_file_read(ngx_conf_t *cf, ngx_str_t *file, ngx_str_t *id,
    ngx_array_t *keys)
{
    ngx_str_t    text;
    ngx_uint_t   before;
    const char  *problem;

    if (ngx_pimap_key_file_file(cf, file, &text) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    before = keys->nelts;

    while (text.len && isspace(text.data[0])) {
        text.data++;
        text.len--;
    }

    if (text.len && text.data[0] == '{') {
        problem = id->len ? "\"kid=\" is not for a JWKS, whose keys have a "
                            "\"kid\""
                          : ngx_pimap_jwk_read(cf, &text, keys);

    } else {
        problem = ngx_pimap_key_file_pem(cf, &text, id, keys);
    }

    ngx_explicit_memzero(text.data, text.len);
    ERR_clear_error();

    if (problem == NULL && keys->nelts == before) {
        problem = "it has no key that can verify";
    }

    if (problem == NULL && keys->nelts > NGX_PIMAP_KEY_FILE_KEYS) {
        problem = "the location has more than 64 keys";
    }

    if (problem) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "key file \"%V\": %s", file,
                           problem);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


char *
ngx_pimap_key_file_read_secret(ngx_conf_t *cf, ngx_str_t *file,
    ngx_array_t *keys)
{
    ngx_str_t         text;
    ngx_pimap_key_t  *key;

    if (ngx_pimap_key_file_file(cf, file, &text) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    if (text.len < NGX_PIMAP_KEY_MIN_SECRET) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "key file \"%V\": the secret has less than "
                           "32 bytes", file);
        return NGX_CONF_ERROR;
    }

    key = ngx_pimap_key_add(cf, keys);
    if (key == NULL) {
        return NGX_CONF_ERROR;
    }

    key->text = text;
    key->bits = text.len * 8;

    return NGX_CONF_OK;
}


static char *
ngx_pimap_key_file_file(ngx_conf_t *cf, ngx_str_t *file, ngx_str_t *text)
{
    ssize_t  n;

    n = ngx_pimap_conf_file(cf, file, text, NGX_PIMAP_KEY_FILE_SIZE + 1);

    if (n > NGX_PIMAP_KEY_FILE_SIZE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "key file \"%V\": larger than 64k", file);
    }

    return n == NGX_ERROR || n > NGX_PIMAP_KEY_FILE_SIZE ? NGX_CONF_ERROR
                                                         : NGX_CONF_OK;
}


static const char *
ngx_pimap_key_file_pem(ngx_conf_t *cf, ngx_str_t *text, ngx_str_t *id,
    ngx_array_t *keys)
{
    BIO         *bio;
    char        *name, *header;
    long         len;
    u_char      *data;
    ngx_uint_t   n;
    const char  *problem;

    bio = BIO_new_mem_buf(text->data, (int) text->len);
    if (bio == NULL) {
        return "out of memory";
    }

    problem = NULL;
    ERR_clear_error();

    for (n = 0; problem == NULL; n++) {

        if (PEM_read_bio(bio, &name, &header, &data, &len) != 1) {

            if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
                problem = "malformed PEM";

            } else if (n == 0) {
                problem = "it is neither a JWKS nor PEM";
            }

            break;
        }

        problem = ngx_pimap_key_file_block(cf, name, data, len, id, keys);

        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_clear_free(data, len);
    }

    BIO_free(bio);

    return problem;
}


static const char *
ngx_pimap_key_file_block(ngx_conf_t *cf, char *name, u_char *data, long len,
    ngx_str_t *id, ngx_array_t *keys)
{
    X509          *cert;
    EVP_PKEY      *pkey;
    ngx_str_t      any = ngx_null_string;
    const u_char  *p;

    p = data;

    if (ngx_strcmp(name, PEM_STRING_PUBLIC) == 0) {
        pkey = d2i_PUBKEY(NULL, &p, len);

    } else if (ngx_strcmp(name, PEM_STRING_RSA_PUBLIC) == 0) {
        pkey = d2i_PublicKey(EVP_PKEY_RSA, NULL, &p, len);

    } else if (ngx_strcmp(name, PEM_STRING_X509) == 0) {
        cert = d2i_X509(NULL, &p, len);
        pkey = cert ? X509_get_pubkey(cert) : NULL;
        X509_free(cert);

    } else if (ngx_strstr(name, "PRIVATE KEY")) {
        return "it has a private key, use the public key";

    } else {
        return "its PEM is neither a public key nor a certificate";
    }

    if (pkey == NULL) {
        return "malformed PEM";
    }

    return ngx_pimap_key_public(cf, keys, pkey, id, &any);
}
