
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the parameters of a query (docs/protocol.md).  Called by the rooms auth
 * and locations.  Invariant: a parameter that is malformed is refused.
 */


#ifndef _NGX_PIMAP_QUERY_H_INCLUDED_
#define _NGX_PIMAP_QUERY_H_INCLUDED_


#include "ngx_pimap.h"


#define NGX_PIMAP_QUERY_MAX_NAMES   64      /* of each list */

typedef struct {
    uint32_t       types;                   /* PIMAP_TYPE_* */
    ngx_array_t   *mailboxes;               /* of ngx_str_t; NULL: any */
    ngx_array_t   *collections;
    ngx_array_t   *events;
    ngx_int_t      ping;                    /* seconds, or NGX_CONF_UNSET */
    ngx_int_t      wait;                    /* likewise */
    ngx_uint_t     closeafter;
    ngx_int_t      format;                  /* NGX_CONF_UNSET */
} ngx_pimap_query_t;

/*
 * NGX_OK; NGX_DECLINED with "problem" set if a parameter is malformed;
 * NGX_ERROR if memory is out.  Unknown parameters are ignored.
 */
ngx_int_t ngx_pimap_query_parse(ngx_pool_t *pool, ngx_str_t *args,
    ngx_pimap_query_t *query, const char **problem);

/* The first parameter of that name, decoded; likewise. */
ngx_int_t ngx_pimap_query_arg(ngx_pool_t *pool, ngx_str_t *args,
    const char *name, ngx_str_t *value);

/* Decodes %XX and "+"; NGX_DECLINED: "%" without two digits. */
ngx_int_t ngx_pimap_query_decode(ngx_pool_t *pool, ngx_str_t *from,
    ngx_str_t *to);

/* True if it is UTF-8 without control characters. */
ngx_uint_t ngx_pimap_query_printable(ngx_str_t *text);


#endif /* _NGX_PIMAP_QUERY_H_INCLUDED_ */
