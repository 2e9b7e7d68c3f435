
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Who asks: the account and the device of a request.
 */


#ifndef _NGX_PIMAP_IDENTITY_H_INCLUDED_
#define _NGX_PIMAP_IDENTITY_H_INCLUDED_


#include "ngx_pimap.h"


/*
 * The account that the request is logged in for, and the value of
 * "pimap_device", within what the login allows.  NGX_OK; an HTTP status
 * with "problem" set if a value can't be one; NGX_ERROR if memory is out.
 * An empty value is NGX_OK: the caller knows whether it may be.
 */
ngx_int_t ngx_pimap_identity_account(ngx_http_request_t *r,
    ngx_str_t *account, const char **problem);
ngx_int_t ngx_pimap_identity_device(ngx_http_request_t *r,
    ngx_str_t *device, const char **problem);


#endif /* _NGX_PIMAP_IDENTITY_H_INCLUDED_ */
