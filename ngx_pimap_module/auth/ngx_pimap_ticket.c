
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the claims of a ticket.  Called by login and ticket_location.
 * Invariant: a ticket has the account, the limits, the end and the time
 * ("iat") of its login, so that it is revoked together with it.
 */


#include "ngx_pimap_login.h"
#include "ngx_pimap_conf.h"
#include "ngx_pimap_zone.h"

#include "pimap_types.h"

#include <jwt.h>
#include <openssl/err.h>


static json_t *ngx_pimap_ticket_json(ngx_pimap_login_t *login,
    uint32_t expires);
static ngx_int_t ngx_pimap_ticket_sign(ngx_pool_t *pool, ngx_str_t *secret,
    json_t *claims, ngx_str_t *text);


ngx_int_t
ngx_pimap_ticket_create(ngx_http_request_t *r, ngx_pimap_login_t *login,
    ngx_str_t *ticket, uint32_t *expires)
{
    json_t                *claims;
    ngx_int_t              rc;
    ngx_array_t            keys;
    ngx_pimap_key_t        key, *first;
    ngx_pimap_loc_conf_t  *plcf;

    plcf = ngx_http_get_module_loc_conf(r, ngx_pimap_module);

    *expires = (uint32_t) (ngx_time() + plcf->ticket_time);

    if (login->expires) {
        *expires = ngx_min(*expires, login->expires);
    }

    claims = ngx_pimap_ticket_json(login, *expires);
    if (claims == NULL) {
        return NGX_ERROR;
    }

    ngx_pimap_ticket_keys(plcf, &keys, &key);
    first = keys.elts;

    rc = ngx_pimap_ticket_sign(r->pool, &first->text, claims, ticket);

    json_decref(claims);

    return rc;
}


static json_t *
ngx_pimap_ticket_json(ngx_pimap_login_t *login, uint32_t expires)
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
        || (login->expires
            && json_object_set_new(claims, "end",
                                   json_integer(login->expires))))
    {
        json_decref(claims);
        return NULL;
    }

    return claims;
}


static ngx_int_t
ngx_pimap_ticket_sign(ngx_pool_t *pool, ngx_str_t *secret, json_t *claims,
    ngx_str_t *text)
{
    char       *json, *token;
    jwt_t      *jwt;
    ngx_int_t   rc;

    if (jwt_new(&jwt) != 0) {
        return NGX_ERROR;
    }

    rc = NGX_ERROR;
    token = NULL;
    json = json_dumps(claims, JSON_COMPACT);

    if (json
        && jwt_set_alg(jwt, JWT_ALG_HS256, secret->data, (int) secret->len)
           == 0
        && jwt_add_grants_json(jwt, json) == 0)
    {
        token = jwt_encode_str(jwt);
    }

    ERR_clear_error();

    if (token) {
        rc = ngx_pimap_copy(pool, text, token, ngx_strlen(token));

        if (text->len > NGX_PIMAP_TOKEN_MAX) {
            rc = NGX_DECLINED;
        }
    }

    free(token);
    free(json);
    jwt_free(jwt);

    return rc;
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
    json_t      *types;
    const char  *reason;

    static ngx_str_t  account = ngx_string("sub");
    static ngx_str_t  device = ngx_string("device");

    types = json_object_get(claims, "types");

    if (types) {
        login->types = (uint32_t) json_integer_value(types);
    }

    login->expires = (uint32_t) json_integer_value(
                                            json_object_get(claims, "end"));

    return ngx_pimap_account_name_claims(r, claims, &account, &device, login,
                                         &reason);
}
