
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the claims of a ticket.  Called by login and ticket_location.
 * Invariant: a ticket has the account, the limits, the end and the time
 * ("iat") of its login, so that it is revoked together with it.  It allows no
 * update without a list of them.
 */


#include "ngx_pimap_login.h"
#include "ngx_pimap_conf.h"
#include "ngx_pimap_zone.h"

#include "pimap_types.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>


/* {"alg":"HS256","typ":"JWT"}, and a dot */

#define NGX_PIMAP_TICKET_HEADER  "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."


static json_t *ngx_pimap_ticket_json(ngx_pimap_login_t *login,
    ngx_str_t *updates, uint32_t expires);
static ngx_int_t ngx_pimap_ticket_text(ngx_pool_t *pool, ngx_str_t *secret,
    json_t *claims, ngx_str_t *text);
static ngx_int_t ngx_pimap_ticket_sign(ngx_str_t *text, ngx_str_t *secret);


ngx_int_t
ngx_pimap_ticket_create(ngx_http_request_t *r, ngx_pimap_login_t *login,
    ngx_str_t *ticket, uint32_t *expires)
{
    json_t                *claims;
    ngx_int_t              rc;
    ngx_str_t              updates;
    ngx_array_t            keys;
    ngx_pimap_key_t        key, *first;
    ngx_pimap_loc_conf_t  *plcf;

    plcf = ngx_http_get_module_loc_conf(r, ngx_pimap_module);

    *expires = (uint32_t) (ngx_time() + plcf->ticket_time);

    if (login->expires) {
        *expires = ngx_min(*expires, login->expires);
    }

    if (ngx_pimap_login_updates_both(r->pool, &plcf->ticket_updates,
                                     &login->updates, &updates)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    claims = ngx_pimap_ticket_json(login, &updates, *expires);
    if (claims == NULL) {
        return NGX_ERROR;
    }

    ngx_pimap_ticket_keys(plcf, &keys, &key);
    first = keys.elts;

    rc = ngx_pimap_ticket_text(r->pool, &first->text, claims, ticket);

    json_decref(claims);

    return rc;
}


static json_t *
ngx_pimap_ticket_json(ngx_pimap_login_t *login, ngx_str_t *updates,
    uint32_t expires)
{
    json_t  *claims;

    claims = json_pack("{s:s,s:s%,s:I,s:I}",
                       "aud", NGX_PIMAP_TICKET_AUDIENCE,
                       "sub", (char *) login->account.data,
                       (size_t) login->account.len,
                       "exp", (json_int_t) expires,
                       "iat", (json_int_t) login->issued);
    if (claims == NULL) {
        return NULL;
    }

    if ((login->device.len
         && json_object_set_new(claims, "device",
                json_stringn((char *) login->device.data, login->device.len)))
        || (login->types != PIMAP_TYPES_ALL
            && json_object_set_new(claims, "types",
                                   json_integer(login->types)))
        || (updates->len
            && json_object_set_new(claims, "updates",
                   json_stringn((char *) updates->data, updates->len)))
        || (login->expires
            && json_object_set_new(claims, "end",
                                   json_integer(login->expires))))
    {
        json_decref(claims);
        return NULL;
    }

    return claims;
}


/* NGX_DECLINED: the ticket would be too long. */

static ngx_int_t
ngx_pimap_ticket_text(ngx_pool_t *pool, ngx_str_t *secret, json_t *claims,
    ngx_str_t *text)
{
    size_t     size;
    ngx_int_t  rc;
    ngx_str_t  json, part;

    json.data = (u_char *) json_dumps(claims, JSON_COMPACT);
    if (json.data == NULL) {
        return NGX_ERROR;
    }

    json.len = ngx_strlen(json.data);

    size = sizeof(NGX_PIMAP_TICKET_HEADER ".") - 1
           + ngx_base64_encoded_length(json.len)
           + ngx_base64_encoded_length(EVP_MAX_MD_SIZE);

    rc = NGX_ERROR;
    text->data = ngx_pnalloc(pool, size);

    if (text->data) {
        part.data = ngx_cpymem(text->data, NGX_PIMAP_TICKET_HEADER,
                               sizeof(NGX_PIMAP_TICKET_HEADER) - 1);
        ngx_encode_base64url(&part, &json);
        text->len = part.data + part.len - text->data;

        rc = ngx_pimap_ticket_sign(text, secret);
    }

    free(json.data);

    return rc == NGX_OK && text->len > NGX_PIMAP_TOKEN_MAX ? NGX_DECLINED
                                                           : rc;
}


/* libjwt 1.10 does not notice that it has no memory for a signature. */

static ngx_int_t
ngx_pimap_ticket_sign(ngx_str_t *text, ngx_str_t *secret)
{
    u_char        *p, md[EVP_MAX_MD_SIZE];
    ngx_str_t      hash, part;
    unsigned int   len;

    p = HMAC(EVP_sha256(), secret->data, (int) secret->len, text->data,
             text->len, md, &len);

    ERR_clear_error();

    if (p == NULL) {
        return NGX_ERROR;
    }

    hash.data = md;
    hash.len = len;

    part.data = text->data + text->len;
    *part.data++ = '.';
    ngx_encode_base64url(&part, &hash);
    text->len = part.data + part.len - text->data;

    return NGX_OK;
}


void
ngx_pimap_ticket_keys(ngx_pimap_loc_conf_t *plcf, ngx_array_t *keys,
    ngx_pimap_key_t *key)
{
    if (plcf->ticket_keys) {
        *keys = *plcf->ticket_keys;
        return;
    }

    ngx_memzero(key, sizeof(ngx_pimap_key_t));
    ngx_pimap_zone_ticket_secret(&key->text);
    key->bits = key->text.len * 8;

    ngx_memzero(keys, sizeof(ngx_array_t));
    keys->elts = key;
    keys->nelts = 1;
}


ngx_int_t
ngx_pimap_ticket_claims(ngx_http_request_t *r, ngx_pimap_login_t *login,
    json_t *claims)
{
    json_t      *types, *updates;
    ngx_int_t    rc;
    const char  *reason;

    static ngx_str_t  account = ngx_string("sub");
    static ngx_str_t  device = ngx_string("device");

    types = json_object_get(claims, "types");

    if (types) {
        login->types = (uint32_t) json_integer_value(types);
    }

    /* a ticket is for receiving, unless its issuer says otherwise */

    ngx_str_set(&login->updates, "");
    updates = json_object_get(claims, "updates");

    if (updates) {
        rc = ngx_pimap_login_updates_claim(r->pool, updates, &login->updates);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    login->expires = (uint32_t) json_integer_value(
                                            json_object_get(claims, "end"));

    return ngx_pimap_account_name_claims(r, claims, &account, &device, login,
                                         &reason);
}
