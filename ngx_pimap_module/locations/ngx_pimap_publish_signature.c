
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the signature of a publish request.  Called by publish.  Invariant: in
 * a location with a key no body without a valid signature is read as JSON.
 *
 * It is the form of Stalwart's webhooks: base64 of the HMAC-SHA256 of the
 * body, in the header X-Signature.
 */


#include "ngx_pimap_locations.h"
#include "ngx_pimap_publish.h"
#include "ngx_pimap_conf.h"
#include "ngx_pimap_http.h"
#include "ngx_pimap_token.h"

#include <openssl/err.h>
#include <openssl/hmac.h>


static ngx_int_t ngx_pimap_publish_signature_verify(ngx_str_t *secret,
    ngx_str_t *body, ngx_str_t *signature);


/* NGX_OK, or a status and the problem. */

ngx_int_t
ngx_pimap_publish_signature(ngx_http_request_t *r, ngx_str_t *body,
    const char **problem)
{
    ngx_int_t              rc;
    ngx_str_t              signature;
    ngx_uint_t             i;
    ngx_pimap_key_t       *key;
    ngx_pimap_loc_conf_t  *plcf;

    plcf = ngx_http_get_module_loc_conf(r, ngx_pimap_module);

    if (plcf->signature_keys == NULL) {
        return NGX_OK;
    }

    *problem = "the header X-Signature is missing";

    if (!ngx_pimap_header(r, "X-Signature", &signature)) {
        return NGX_HTTP_FORBIDDEN;
    }

    key = plcf->signature_keys->elts;

    for (i = 0; i < plcf->signature_keys->nelts; i++) {

        rc = ngx_pimap_publish_signature_verify(&key[i].text, body,
                                                &signature);

        if (rc != NGX_DECLINED) {
            return rc;
        }
    }

    *problem = "the header X-Signature does not fit the body and the key";

    return NGX_HTTP_FORBIDDEN;
}


static ngx_int_t
ngx_pimap_publish_signature_verify(ngx_str_t *secret, ngx_str_t *body,
    ngx_str_t *signature)
{
    u_char        *p, md[EVP_MAX_MD_SIZE];
    u_char         buf[ngx_base64_encoded_length(EVP_MAX_MD_SIZE)];
    ngx_str_t      hash, text;
    unsigned int   len;

    /* an empty body has no address */

    p = HMAC(EVP_sha256(), secret->data, (int) secret->len,
             body->len ? body->data : (u_char *) "", body->len, md, &len);

    ERR_clear_error();

    if (p == NULL) {
        return NGX_ERROR;
    }

    hash.data = md;
    hash.len = len;
    text.data = buf;

    ngx_encode_base64(&text, &hash);

    return text.len == signature->len
           && CRYPTO_memcmp(text.data, signature->data, text.len) == 0
           ? NGX_OK : NGX_DECLINED;
}
