
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Files of keys.  Text in PEM is never a secret: who knows a public key could
 * sign with it then.
 */


#include "ngx_pimap_key_file.h"
#include "ngx_pimap_jwk.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>


#define NGX_PIMAP_KEY_FILE_MAX_FILE  65536
#define NGX_PIMAP_KEY_FILE_MAX       64     /* keys of a location */
#define NGX_PIMAP_KEY_MIN_RSA   2048   /* bits (RFC 7518, 3.3) */


static char *ngx_pimap_key_file_file(ngx_conf_t *cf, ngx_str_t *file,
    ngx_str_t *text);
static ssize_t ngx_pimap_key_file_load(ngx_conf_t *cf, ngx_str_t *file,
    u_char *buf, size_t size);
static const char *ngx_pimap_key_file_pem(ngx_conf_t *cf, ngx_str_t *text,
    ngx_str_t *id, ngx_array_t *keys);
static const char *ngx_pimap_key_file_block(ngx_conf_t *cf, char *name,
    u_char *data, long len, ngx_str_t *id, ngx_array_t *keys);
static const char *ngx_pimap_key_type(EVP_PKEY *pkey, ngx_pimap_key_t *key);
static ngx_int_t ngx_pimap_key_text(ngx_conf_t *cf, EVP_PKEY *pkey,
    ngx_str_t *text);
static ngx_uint_t ngx_pimap_key_curve(EVP_PKEY *pkey);


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
        problem = id->len ? "a JWKS has its own \"kid\""
                          : ngx_pimap_jwk_read(cf, &text, keys);

    } else {
        problem = ngx_pimap_key_file_pem(cf, &text, id, keys);
    }

    ngx_explicit_memzero(text.data, text.len);
    ERR_clear_error();

    if (problem == NULL && keys->nelts == before) {
        problem = "no key that can verify is in it";
    }

    if (problem == NULL && keys->nelts > NGX_PIMAP_KEY_FILE_MAX) {
        problem = "there are more than 64 keys";
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
                           "key file \"%V\": it has less than 32 bytes", file);
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
    u_char  *buf;

    if (ngx_conf_full_name(cf->cycle, file, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    buf = ngx_pnalloc(cf->pool, NGX_PIMAP_KEY_FILE_MAX_FILE + 1);
    if (buf == NULL) {
        return NGX_CONF_ERROR;
    }

    n = ngx_pimap_key_file_load(cf, file, buf,
                                NGX_PIMAP_KEY_FILE_MAX_FILE + 1);

    if (n == NGX_ERROR) {
        return NGX_CONF_ERROR;
    }

    if (n > NGX_PIMAP_KEY_FILE_MAX_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "key file \"%V\": it is over 64k", file);
        return NGX_CONF_ERROR;
    }

    text->data = buf;
    text->len = n;

    return NGX_CONF_OK;
}


static ssize_t
ngx_pimap_key_file_load(ngx_conf_t *cf, ngx_str_t *file, u_char *buf,
    size_t size)
{
    size_t    len;
    ssize_t   n;
    ngx_fd_t  fd;

    fd = ngx_open_file(file->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_open_file_n " \"%V\" failed", file);
        return NGX_ERROR;
    }

    for (len = 0; len < size; len += n) {
        n = ngx_read_fd(fd, buf + len, size - len);

        if (n == NGX_ERROR) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                               ngx_read_fd_n " \"%V\" failed", file);
            break;
        }

        if (n == 0) {
            break;
        }
    }

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_ALERT, cf, ngx_errno,
                           ngx_close_file_n " \"%V\" failed", file);
    }

    return n == NGX_ERROR ? NGX_ERROR : (ssize_t) len;
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
        return "no memory";
    }

    problem = NULL;
    ERR_clear_error();

    for (n = 0; problem == NULL; n++) {

        if (PEM_read_bio(bio, &name, &header, &data, &len) != 1) {

            if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
                problem = "its PEM is malformed";

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
    X509           *cert;
    EVP_PKEY       *pkey;
    ngx_str_t       any = ngx_null_string;
    const u_char   *p;

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
        return "it has a private key, where the public one is enough";

    } else {
        return "its PEM has neither a public key nor a certificate";
    }

    if (pkey == NULL) {
        return "its PEM is malformed";
    }

    return ngx_pimap_key_public(cf, keys, pkey, id, &any);
}


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
        return "no memory";
    }

    key->id = *id;
    key->algorithm = *algorithm;

    problem = ngx_pimap_key_type(pkey, key);

    if (problem == NULL && ngx_pimap_key_text(cf, pkey, &key->text) != NGX_OK)
    {
        problem = "no memory";
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
               ? NULL : "a key's curve is none of P-256, P-384 and P-521";

    default:
        return "a key is neither RSA nor EC";
    }
}


/* As libjwt takes it. */

static ngx_int_t
ngx_pimap_key_text(ngx_conf_t *cf, EVP_PKEY *pkey, ngx_str_t *text)
{
    BIO        *bio;
    char       *data;
    ngx_str_t   pem;

    bio = BIO_new(BIO_s_mem());

    if (bio == NULL || PEM_write_bio_PUBKEY(bio, pkey) != 1) {
        BIO_free(bio);
        return NGX_ERROR;
    }

    pem.len = BIO_get_mem_data(bio, &data);
    pem.data = (u_char *) data;

    text->len = pem.len;
    text->data = ngx_pstrdup(cf->pool, &pem);

    BIO_free(bio);

    return text->data ? NGX_OK : NGX_ERROR;
}


/* secp256k1 has 256 bits, too, but is no curve of ES256 (RFC 7518, 3.4). */

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
