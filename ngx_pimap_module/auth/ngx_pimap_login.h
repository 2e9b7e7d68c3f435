
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The login of a request: by nginx, by a token or by a ticket.
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
    ngx_str_t     account;      /* empty: nginx knows no user */
    ngx_str_t     device;       /* the only allowed one; empty: any */
    uint32_t      types;        /* allowed ones */
    uint32_t      issued;       /* seconds since the epoch */
    uint32_t      expires;      /* 0: never */
    ngx_uint_t    token;        /* a token or ticket: can be revoked */
} ngx_pimap_login_t;


/*
 * NGX_OK; an HTTP status with "problem" set; NGX_ERROR if memory is out.  The
 * login lives as long as the request, and is checked only once.
 */
ngx_int_t ngx_pimap_login(ngx_http_request_t *r, ngx_pimap_login_t **login,
    const char **problem);

/* The result of an earlier ngx_pimap_login(), or NULL. */
ngx_pimap_login_t *ngx_pimap_login_find(ngx_http_request_t *r);

/*
 * The end of a response that is parked with this login; 0: never.  It is a
 * little before the token's, by chance, so that many don't end together.
 */
uint32_t ngx_pimap_login_end(ngx_pimap_login_t *login, time_t leeway);

/* Answers that the token is revoked, as a content handler does. */
ngx_int_t ngx_pimap_login_revoked(ngx_http_request_t *r);


#endif /* _NGX_PIMAP_LOGIN_H_INCLUDED_ */
