
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The account that nginx has logged the request in for.
 */


#ifndef _NGX_PIMAP_ACCOUNT_NAME_H_INCLUDED_
#define _NGX_PIMAP_ACCOUNT_NAME_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_conf.h"


/*
 * NGX_OK, with an empty name if nginx knows no user; an HTTP status with
 * "problem" set; NGX_ERROR if memory is out.
 */
ngx_int_t ngx_pimap_account_name(ngx_http_request_t *r, ngx_str_t *account,
    const char **problem);

/* Checks an account from another place, such as a body; likewise. */
ngx_int_t ngx_pimap_account_name_check(ngx_http_request_t *r,
    ngx_str_t *account, const char **problem);

/* The value of a setting; NGX_DECLINED: invalid percent-encoding. */
ngx_int_t ngx_pimap_account_name_value(ngx_http_request_t *r,
    ngx_pimap_name_conf_t *conf, ngx_str_t *value);


#endif /* _NGX_PIMAP_ACCOUNT_NAME_H_INCLUDED_ */
