
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the "pimap_accounts" location.  Called by nginx as its content handler.
 * Invariant: all parameters are checked before a worker is asked.
 */


#include "ngx_pimap_accounts.h"
#include "ngx_pimap_conf.h"
#include "ngx_pimap_device_list.h"
#include "ngx_pimap_http.h"
#include "ngx_pimap_login.h"


#define NGX_PIMAP_ACCOUNTS_EVENTS  10       /* of the log, by default */
#define NGX_PIMAP_ACCOUNTS_MAX     100      /* devices, and events */


static ngx_int_t ngx_pimap_accounts_check(ngx_pimap_accounts_request_t *ar,
    const char **problem);
static ngx_int_t ngx_pimap_accounts_device(ngx_pimap_accounts_request_t *ar,
    const char **problem);
static ngx_int_t ngx_pimap_accounts_page(ngx_pimap_accounts_request_t *ar,
    const char **problem);
static ngx_int_t ngx_pimap_accounts_number(ngx_http_request_t *r,
    const char *name, ngx_uint_t *n);


ngx_int_t
ngx_pimap_accounts_handler(ngx_http_request_t *r)
{
    ngx_int_t                      rc;
    const char                    *problem;
    ngx_pimap_accounts_request_t  *ar;

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD|NGX_HTTP_DELETE))) {
        return ngx_pimap_problem_method(r, "GET, HEAD, DELETE");
    }

    ar = ngx_pimap_accounts_request_create(r);
    if (ar == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_pimap_accounts_check(ar, &problem);

    if (rc != NGX_OK) {
        return ngx_pimap_problem(r, rc, problem);
    }

    return ngx_pimap_accounts_request_start(ar);
}


/* All functions below: NGX_OK, or a status and the problem. */

static ngx_int_t
ngx_pimap_accounts_check(ngx_pimap_accounts_request_t *ar,
    const char **problem)
{
    ngx_int_t            rc;
    ngx_http_request_t  *r;

    r = ar->request;

    rc = r->method == NGX_HTTP_DELETE ? ngx_pimap_origin(r, problem) : NGX_OK;

    if (rc == NGX_OK) {
        rc = ngx_pimap_account_name(r, &ar->account, problem);
    }

    if (rc != NGX_OK) {
        return rc;
    }

    if (ar->account.len == 0) {
        *problem = "no account, see \"pimap_account\"";
        return NGX_HTTP_BAD_REQUEST;
    }

    return r->method == NGX_HTTP_DELETE
           ? ngx_pimap_accounts_device(ar, problem)
           : ngx_pimap_accounts_page(ar, problem);
}


/* "~" begins the name of a device that has given none. */

static ngx_int_t
ngx_pimap_accounts_device(ngx_pimap_accounts_request_t *ar,
    const char **problem)
{
    ngx_int_t              rc;
    ngx_http_request_t    *r;
    ngx_pimap_loc_conf_t  *plcf;

    r = ar->request;
    plcf = ngx_http_get_module_loc_conf(r, ngx_pimap_module);

    rc = ngx_pimap_query_arg(r->pool, &r->args, "device", &ar->device);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc == NGX_DECLINED) {
        *problem = "the device has an invalid percent-encoding";

    } else if (ar->device.len == 0) {
        *problem = "no device: name the one to end";

    } else if (ar->device.len > plcf->max_device_length) {
        *problem = "the device is longer than \"pimap_max_device_length\"";

    } else if (!ngx_pimap_query_printable(&ar->device)) {
        *problem = "the device has control characters or is not UTF-8";

    } else {
        return NGX_OK;
    }

    return NGX_HTTP_BAD_REQUEST;
}


static ngx_int_t
ngx_pimap_accounts_page(ngx_pimap_accounts_request_t *ar,
    const char **problem)
{
    ngx_int_t            rc;
    ngx_str_t            before;
    ngx_http_request_t  *r;

    r = ar->request;

    ar->limit = NGX_PIMAP_ACCOUNTS_MAX;
    ar->tail.count = NGX_PIMAP_ACCOUNTS_EVENTS;

    rc = ngx_pimap_accounts_number(r, "devices", &ar->limit);

    if (rc == NGX_OK) {
        rc = ngx_pimap_accounts_number(r, "events", &ar->tail.count);
    }

    if (rc == NGX_DECLINED) {
        *problem = "\"devices\" and \"events\" must be numbers up to 100";
        return NGX_HTTP_BAD_REQUEST;
    }

    if (rc == NGX_OK) {
        rc = ngx_pimap_query_arg(r->pool, &r->args, "after", &ar->after);
    }

    if (rc == NGX_DECLINED
        || (rc == NGX_OK && ar->after.data
            && !ngx_pimap_device_list_is_id(&ar->after)))
    {
        *problem = "\"after\" must be the \"id\" of a device";
        return NGX_HTTP_BAD_REQUEST;
    }

    if (rc == NGX_OK) {
        rc = ngx_pimap_query_arg(r->pool, &r->args, "before", &before);
    }

    if (rc == NGX_DECLINED
        || (rc == NGX_OK && before.data
            && (pimap_event_id_parse(&ar->tail.before, before.data, before.len)
                != 0
                || ar->tail.before.epoch == 0)))
    {
        *problem = "\"before\" must be the id of an event";
        return NGX_HTTP_BAD_REQUEST;
    }

    return rc;
}


/* NGX_DECLINED: it is no number, or too large. */

static ngx_int_t
ngx_pimap_accounts_number(ngx_http_request_t *r, const char *name,
    ngx_uint_t *n)
{
    ngx_int_t  rc, number;
    ngx_str_t  value;

    rc = ngx_pimap_query_arg(r->pool, &r->args, name, &value);

    if (rc != NGX_OK || value.data == NULL) {
        return rc;
    }

    number = ngx_atoi(value.data, value.len);

    if (number == NGX_ERROR || number > NGX_PIMAP_ACCOUNTS_MAX) {
        return NGX_DECLINED;
    }

    *n = number;

    return NGX_OK;
}
