
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the device's name and its rules.  Called by the content handlers of
 * locations.  Invariant: a token for one device allows no other name.
 */


#include "ngx_pimap_login.h"
#include "ngx_pimap_http.h"


ngx_int_t
ngx_pimap_identity_login(ngx_http_request_t *r, ngx_pimap_login_t **login,
    const char **problem)
{
    ngx_int_t  rc;

    rc = ngx_pimap_login(r, login, problem);

    if (rc == NGX_OK && (*login)->account.len == 0) {
        *problem = "no account: the request is not logged in";
        return ngx_pimap_login_missing(r);
    }

    return rc;
}


ngx_int_t
ngx_pimap_identity_device(ngx_http_request_t *r, ngx_str_t *device,
    const char **problem)
{
    ngx_int_t              rc;
    ngx_pimap_login_t     *login;
    ngx_pimap_loc_conf_t  *plcf;

    login = ngx_pimap_login_find(r);
    plcf = ngx_http_get_module_loc_conf(r, ngx_pimap_module);

    if (plcf->device.value) {
        rc = ngx_pimap_account_name_value(r, &plcf->device, device);

    } else {
        rc = ngx_pimap_query_arg(r->pool, &r->args, "device", device);
    }

    if (rc == NGX_DECLINED) {
        *problem = "the device has an invalid percent-encoding";
        return NGX_HTTP_BAD_REQUEST;
    }

    if (rc != NGX_OK) {
        return rc;
    }

    if (device->len == 0 && login) {
        *device = login->device;
    }

    if (device->len == 0) {
        ngx_str_set(device, "");
        return NGX_OK;
    }

    if (login && login->device.len && !ngx_pimap_equal(&login->device, device))
    {
        *problem = "the token is for another device";
        return NGX_HTTP_FORBIDDEN;
    }

    if (device->len > plcf->max_device_length) {
        *problem = "the device is longer than \"pimap_max_device_length\"";
        return NGX_HTTP_BAD_REQUEST;
    }

    if (!ngx_pimap_query_printable(device)) {
        *problem = "the device has control characters or is not UTF-8";
        return NGX_HTTP_BAD_REQUEST;
    }

    if (device->data[0] == '~') {
        *problem = "the device begins with \"~\", which is reserved";
        return NGX_HTTP_BAD_REQUEST;
    }

    return NGX_OK;
}
