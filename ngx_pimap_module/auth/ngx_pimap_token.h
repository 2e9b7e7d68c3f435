
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Signed tokens (RFC 7515, RFC 7519): text in, claims out.
 */


#ifndef _NGX_PIMAP_TOKEN_H_INCLUDED_
#define _NGX_PIMAP_TOKEN_H_INCLUDED_


#include "ngx_pimap.h"

#include <jansson.h>


#define NGX_PIMAP_TOKEN_MAX     8192    /* bytes of a token */


/* The rules that a token is checked by. */
typedef struct {
    ngx_array_t   *keys;                /* of ngx_pimap_key_t */
    ngx_str_t      issuer;              /* empty: any */
    ngx_str_t      audience;            /* empty: the token has none */
    time_t         leeway;              /* seconds */
} ngx_pimap_token_rules_t;


typedef struct {
    json_t        *claims;              /* the caller calls json_decref() */
    time_t         expires;
    time_t         issued;              /* 0: unknown */
} ngx_pimap_token_t;


/*
 * NGX_OK; NGX_DECLINED if the token is invalid at this time, with "reason" in
 * ASCII without quotes.
 */
ngx_int_t ngx_pimap_token_verify(ngx_str_t *text,
    ngx_pimap_token_rules_t *rules, time_t now, ngx_pimap_token_t *token,
    const char **reason);

/*
 * A claim that is a name of 1 to "max" bytes, copied.  NGX_DECLINED if it is
 * another value; NGX_ERROR if memory is out.
 */
ngx_int_t ngx_pimap_token_name(ngx_pool_t *pool, json_t *claim, size_t max,
    ngx_str_t *name);


#endif /* _NGX_PIMAP_TOKEN_H_INCLUDED_ */
