
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The account and the device of a request.
 */


#ifndef _NGX_PIMAP_IDENTITY_H_INCLUDED_
#define _NGX_PIMAP_IDENTITY_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_login.h"


/*
 * The login of the request, which has an account.  NGX_OK; an HTTP status with
 * "problem" set; NGX_ERROR if memory is out.
 */
ngx_int_t ngx_pimap_identity_login(ngx_http_request_t *r,
    ngx_pimap_login_t **login, const char **problem);

/* The device, which the login allows; it may be empty; likewise. */
ngx_int_t ngx_pimap_identity_device(ngx_http_request_t *r,
    ngx_str_t *device, const char **problem);


#endif /* _NGX_PIMAP_IDENTITY_H_INCLUDED_ */
