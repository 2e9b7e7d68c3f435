
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * libFuzzer target: a file of keys, as JSON or PEM.  Each accepted key is long
 * enough, is public or a secret of JSON, and a public one is PEM that OpenSSL
 * reads to a key of the same type and size.  The first byte chooses how the
 * file is read, the second when memory runs out.
 *
 * Reaches: ngx_pimap_jwk_secret, ngx_pimap_jwk_rsa, ngx_pimap_jwk_ec,
 *     ngx_pimap_key_curve, ngx_pimap_key_file_block, fuzz_public,
 *     fuzz_secret.
 */


#include "fuzz_nginx.h"

#include <sys/mman.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "ngx_pimap_token.h"


#define FUZZ_KEYS           64

#define FUZZ_SECRET         0x01        /* the file is a secret */
#define FUZZ_ID             0x02        /* "kid=" */


static int       fuzz_fd = -1;
static char      fuzz_name[64];


static void
fuzz_file(const uint8_t *data, size_t size)
{
    if (fuzz_fd == -1) {
        fuzz_fd = memfd_create("keys", 0);
        fuzz_check(fuzz_fd != -1);
        snprintf(fuzz_name, sizeof(fuzz_name), "/proc/self/fd/%d", fuzz_fd);
    }

    fuzz_check(ftruncate(fuzz_fd, 0) == 0
               && pwrite(fuzz_fd, data, size, 0) == (ssize_t) size);
}


static void
fuzz_secret(ngx_pimap_key_t *key)
{
    fuzz_check(key->text.len >= 32 && key->bits == key->text.len * 8);
}


static void
fuzz_public(ngx_pimap_key_t *key)
{
    BIO       *bio;
    EVP_PKEY  *pkey;

    bio = BIO_new_mem_buf(key->text.data, (int) key->text.len);
    pkey = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    fuzz_check(pkey);

    fuzz_check(EVP_PKEY_get_base_id(pkey)
               == (key->type == NGX_PIMAP_KEY_RSA ? EVP_PKEY_RSA
                                                  : EVP_PKEY_EC));
    fuzz_check((ngx_uint_t) EVP_PKEY_get_bits(pkey) == key->bits);
    fuzz_check(key->type == NGX_PIMAP_KEY_RSA ? key->bits >= 2048
               : key->bits == 256 || key->bits == 384 || key->bits == 521);

    EVP_PKEY_free(pkey);
    BIO_free(bio);
}


static void
fuzz_key(ngx_pimap_key_t *key, unsigned set)
{
    switch (key->type) {

    case NGX_PIMAP_KEY_SECRET:
        fuzz_secret(key);
        break;

    case NGX_PIMAP_KEY_RSA:
    case NGX_PIMAP_KEY_EC:
        fuzz_check(!(set & FUZZ_SECRET));
        fuzz_public(key);
        break;

    default:
        abort();
    }
}


static void
fuzz_read(ngx_pool_t *pool, const uint8_t *data, size_t size, unsigned set,
    unsigned memory)
{
    char             *rc;
    ngx_str_t         name, id = ngx_null_string;
    ngx_conf_t        cf;
    ngx_uint_t        i;
    ngx_array_t       keys;
    ngx_pimap_key_t  *key;

    memset(&cf, 0, sizeof(ngx_conf_t));
    cf.pool = pool;
    cf.log = &fuzz_log;
    cf.cycle = &fuzz_cycle;

    fuzz_file(data, size);
    name.data = (u_char *) fuzz_name;
    name.len = strlen(fuzz_name);

    if (set & FUZZ_ID) {
        ngx_str_set(&id, "k1");
    }

    fuzz_check(ngx_array_init(&keys, pool, 4, sizeof(ngx_pimap_key_t))
               == NGX_OK);

    fuzz_memory = memory < 32 ? memory : 0;

    rc = set & FUZZ_SECRET
         ? ngx_pimap_key_file_read_secret(&cf, &name, &keys)
         : ngx_pimap_key_file_read(&cf, &name, &id, &keys);

    if (rc != NGX_CONF_OK) {
        return;
    }

    fuzz_check(keys.nelts >= 1 && keys.nelts <= FUZZ_KEYS);

    key = keys.elts;

    for (i = 0; i < keys.nelts; i++) {
        fuzz_key(&key[i], set);
    }

    fuzz_check(!(set & FUZZ_ID) || (set & FUZZ_SECRET)
               || ngx_pimap_is(&key[0].id, "k1"));
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ngx_pool_t  *pool;

    if (size < 2) {
        return 0;
    }

    fuzz_nginx_init();
    pool = fuzz_nginx_pool();

    fuzz_read(pool, data + 2, size - 2, data[0], data[1]);

    fuzz_check(ERR_peek_error() == 0);
    fuzz_nginx_free(pool);

    return 0;
}
