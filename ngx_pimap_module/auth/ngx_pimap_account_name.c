
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the value of "pimap_account", its rules, and the names in claims.
 * Called by login, ticket, identity, publish and accounts.  Invariant: the
 * default is $remote_user; for those who publish, and for operators, it is the
 * argument "account".  An account has one spelling, whatever way its name
 * comes in.
 */


#include "ngx_pimap_login.h"
#include "ngx_pimap_http.h"

#include "pimap_account.h"


ngx_conf_enum_t  ngx_pimap_account_name_cases[] = {
    { ngx_string("lower"), 0 },
    { ngx_string("keep"), 1 },
    { ngx_null_string, 0 }
};


static ngx_int_t ngx_pimap_account_name_remote_user(ngx_http_request_t *r,
    ngx_str_t *account);
static ngx_int_t ngx_pimap_account_name_spell(ngx_http_request_t *r,
    ngx_str_t *account);


ngx_int_t
ngx_pimap_account_name(ngx_http_request_t *r, ngx_str_t *account,
    const char **problem)
{
    ngx_int_t              rc;
    ngx_pimap_loc_conf_t  *plcf;

    plcf = ngx_http_get_module_loc_conf(r, ngx_pimap_module);

    if (plcf->account.value) {
        rc = ngx_pimap_account_name_value(r, &plcf->account, account);

    } else if (plcf->endpoint == NGX_PIMAP_PUBLISH
               || plcf->endpoint == NGX_PIMAP_ACCOUNTS)
    {
        rc = ngx_pimap_query_arg(r->pool, &r->args, "account", account);

    } else {
        rc = ngx_pimap_account_name_remote_user(r, account);
    }

    if (rc == NGX_DECLINED) {
        *problem = "the account has an invalid percent-encoding";
        return NGX_HTTP_BAD_REQUEST;
    }

    if (rc != NGX_OK) {
        return rc;
    }

    return ngx_pimap_account_name_check(r, account, problem);
}


ngx_int_t
ngx_pimap_account_name_check(ngx_http_request_t *r, ngx_str_t *account,
    const char **problem)
{
    ngx_pimap_loc_conf_t  *plcf;

    plcf = ngx_http_get_module_loc_conf(r, ngx_pimap_module);

    if (account->len > plcf->max_account_length) {
        *problem = "the account is longer than "
                   "\"pimap_max_account_length\"";
        return NGX_HTTP_BAD_REQUEST;
    }

    if (account->len == 0) {
        return NGX_OK;
    }

    *problem = pimap_account_refusal((char *) account->data, account->len);

    return *problem ? NGX_HTTP_BAD_REQUEST
                    : ngx_pimap_account_name_spell(r, account);
}


/*
 * As Dovecot and the bridge do it: letters of ASCII only.  The name may be
 * nginx's own, so it is copied.
 */

static ngx_int_t
ngx_pimap_account_name_spell(ngx_http_request_t *r, ngx_str_t *account)
{
    u_char                *name;
    ngx_pimap_loc_conf_t  *plcf;

    plcf = ngx_http_get_module_loc_conf(r, ngx_pimap_module);

    if (plcf->account_keep) {
        return NGX_OK;
    }

    name = ngx_pnalloc(r->pool, account->len);
    if (name == NULL) {
        return NGX_ERROR;
    }

    ngx_strlow(name, account->data, account->len);
    account->data = name;

    return NGX_OK;
}


ngx_int_t
ngx_pimap_account_name_value(ngx_http_request_t *r,
    ngx_pimap_name_conf_t *conf, ngx_str_t *value)
{
    ngx_str_t  raw;

    if (ngx_http_complex_value(r, conf->value, &raw) != NGX_OK) {
        return NGX_ERROR;
    }

    if (conf->decode) {
        return ngx_pimap_query_decode(r->pool, &raw, value);
    }

    *value = raw;

    return NGX_OK;
}


ngx_uint_t
ngx_pimap_account_name_is_user(ngx_pimap_loc_conf_t *plcf)
{
    return plcf->account.value == NULL
           || ngx_pimap_is(&plcf->account.text, "$remote_user");
}


static ngx_int_t
ngx_pimap_account_name_remote_user(ngx_http_request_t *r,
    ngx_str_t *account)
{
    ngx_int_t  rc;

    rc = ngx_http_auth_basic_user(r);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc == NGX_DECLINED) {
        ngx_str_null(account);

    } else {
        *account = r->headers_in.user;
    }

    return NGX_OK;
}


ngx_int_t
ngx_pimap_account_name_claims(ngx_http_request_t *r, json_t *claims,
    ngx_str_t *account, ngx_str_t *device, ngx_pimap_login_t *login,
    const char **reason)
{
    json_t                *claim;
    ngx_int_t              rc;
    ngx_pimap_loc_conf_t  *plcf;

    plcf = ngx_http_get_module_loc_conf(r, ngx_pimap_module);

    *reason = "no usable account";

    claim = json_object_get(claims, (char *) account->data);

    rc = ngx_pimap_token_name(r->pool, claim, plcf->max_account_length,
                              &login->account);

    if (rc == NGX_OK
        && pimap_account_refusal((char *) login->account.data,
                                 login->account.len))
    {
        return NGX_DECLINED;
    }

    if (rc == NGX_OK) {
        rc = ngx_pimap_account_name_spell(r, &login->account);
    }

    claim = device->len ? json_object_get(claims, (char *) device->data)
                        : NULL;

    if (rc != NGX_OK || claim == NULL) {
        return rc;
    }

    *reason = "no usable device";

    return ngx_pimap_token_name(r->pool, claim, plcf->max_device_length,
                                &login->device);
}
