
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the value of "pimap_account", its rules, and the names in claims.
 * Called by login, ticket, identity and publish.  Invariant: the default is
 * $remote_user, and the argument "account" of a publish request.
 */


#include "ngx_pimap_login.h"
#include "ngx_pimap_http.h"


static ngx_int_t ngx_pimap_account_name_remote_user(ngx_http_request_t *r,
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

    } else if (plcf->endpoint == NGX_PIMAP_PUBLISH) {
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

    if (!ngx_pimap_query_printable(account)) {
        *problem = "the account has control characters or is not UTF-8";
        return NGX_HTTP_BAD_REQUEST;
    }

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

    claim = device->len ? json_object_get(claims, (char *) device->data)
                        : NULL;

    if (rc != NGX_OK || claim == NULL) {
        return rc;
    }

    *reason = "no usable device";

    return ngx_pimap_token_name(r->pool, claim, plcf->max_device_length,
                                &login->device);
}
