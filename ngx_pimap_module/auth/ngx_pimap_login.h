
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * How a request is logged in: by nginx, by a token or by a ticket.
 */


#ifndef _NGX_PIMAP_LOGIN_H_INCLUDED_
#define _NGX_PIMAP_LOGIN_H_INCLUDED_


#include "ngx_pimap.h"

#include <jansson.h>


/* "pimap_login" */
#define NGX_PIMAP_LOGIN_NGINX   0x0002
#define NGX_PIMAP_LOGIN_TOKEN   0x0004
#define NGX_PIMAP_LOGIN_TICKET  0x0008


typedef struct {
    ngx_str_t     account;      /* empty: nginx names none */
    ngx_str_t     device;       /* the only name it may have; empty: any */
    uint32_t      types;        /* that it may see */
    uint32_t      issued;       /* seconds since the epoch */
    uint32_t      expires;      /* of the token, 0: never */
    ngx_uint_t    token;        /* by a token or ticket: may be revoked */
} ngx_pimap_login_t;


/*
 * NGX_OK; an HTTP status with "problem" set; NGX_ERROR if memory is out.  The
 * login lives as long as the request, and is looked at once only.
 */
ngx_int_t ngx_pimap_login(ngx_http_request_t *r, ngx_pimap_login_t **login,
    const char **problem);

/* What ngx_pimap_login() has found before, or NULL. */
ngx_pimap_login_t *ngx_pimap_login_find(ngx_http_request_t *r);

/*
 * When a response that is parked with it ends, 0 for never: a little before
 * the token does, so that tokens of one time don't end together.
 */
uint32_t ngx_pimap_login_end(ngx_pimap_login_t *login, time_t leeway);

/* Answers that the token is revoked, as a content handler does. */
ngx_int_t ngx_pimap_login_revoked(ngx_http_request_t *r);


#endif /* _NGX_PIMAP_LOGIN_H_INCLUDED_ */
