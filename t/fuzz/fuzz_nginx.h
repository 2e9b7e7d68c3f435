
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A request of nginx for fuzzers.  Its functions are those of the system's
 * nginx (misc/nginx_library), except that each piece of memory which the
 * module takes from a pool is an allocation of its own: the sanitizer finds an
 * access beyond its end.  Allocations fail when the fuzzer says so.
 */


#ifndef _FUZZ_NGINX_H_INCLUDED_
#define _FUZZ_NGINX_H_INCLUDED_


#include "fuzz.h"

#include "ngx_pimap.h"
#include "ngx_pimap_conf.h"


#define FUZZ_PIECES         65536


static unsigned              fuzz_memory;   /* until a failure; 0: none */
static void                 *fuzz_pieces[FUZZ_PIECES];
static size_t                fuzz_npieces;

static ngx_log_t             fuzz_log;
static ngx_cycle_t           fuzz_cycle;
static ngx_connection_t      fuzz_connection;
static ngx_pimap_loc_conf_t  fuzz_conf;


static void *
fuzz_piece(size_t size)
{
    void  *p;

    if (fuzz_memory && --fuzz_memory == 0) {
        return NULL;
    }

    fuzz_check(fuzz_npieces < FUZZ_PIECES);

    p = malloc(size ? size : 1);
    fuzz_check(p);

    fuzz_pieces[fuzz_npieces++] = p;

    return p;
}


void *
ngx_palloc(ngx_pool_t *pool, size_t size)
{
    return fuzz_piece(size);
}


void *
ngx_pnalloc(ngx_pool_t *pool, size_t size)
{
    return fuzz_piece(size);
}


void *
ngx_pcalloc(ngx_pool_t *pool, size_t size)
{
    void  *p;

    p = fuzz_piece(size);

    return p ? memset(p, 0, size) : NULL;
}


u_char *
ngx_pstrdup(ngx_pool_t *pool, ngx_str_t *from)
{
    u_char  *p;

    p = fuzz_piece(from->len);

    return p && from->len ? memcpy(p, from->data, from->len) : p;
}


/* Once; then for each input. */

static inline void
fuzz_nginx_init(void)
{
    ngx_pagesize = 4096;
    ngx_cacheline_size = 64;

    ngx_pimap_module.ctx_index = 0;

    fuzz_cycle.log = &fuzz_log;
    ngx_cycle = &fuzz_cycle;
    fuzz_connection.log = &fuzz_log;
}


static inline ngx_pool_t *
fuzz_nginx_pool(void)
{
    ngx_pool_t  *pool;

    pool = ngx_create_pool(4096, &fuzz_log);
    fuzz_check(pool);

    return pool;
}


static inline void
fuzz_nginx_free(ngx_pool_t *pool)
{
    fuzz_memory = 0;
    ngx_destroy_pool(pool);

    while (fuzz_npieces) {
        free(fuzz_pieces[--fuzz_npieces]);
    }
}


/* A request without headers, at a location with fuzz_conf. */

static inline void
fuzz_nginx_request(ngx_http_request_t *r, ngx_pool_t *pool)
{
    static void  *conf[1] = { &fuzz_conf };

    memset(r, 0, sizeof(ngx_http_request_t));

    r->pool = pool;
    r->connection = &fuzz_connection;
    r->main = r;
    r->loc_conf = conf;
    r->main_conf = conf;
    r->srv_conf = conf;
    r->http_version = NGX_HTTP_VERSION_11;
    r->method = NGX_HTTP_GET;

    fuzz_check(ngx_list_init(&r->headers_in.headers, pool, 4,
                             sizeof(ngx_table_elt_t)) == NGX_OK
               && ngx_list_init(&r->headers_out.headers, pool, 4,
                                sizeof(ngx_table_elt_t)) == NGX_OK);
}


static inline ngx_table_elt_t *
fuzz_nginx_header(ngx_http_request_t *r, ngx_str_t *name, ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_in.headers);
    fuzz_check(h);

    memset(h, 0, sizeof(ngx_table_elt_t));
    h->key = *name;
    h->value = *value;
    h->hash = 1;

    return h;
}


#endif /* _FUZZ_NGINX_H_INCLUDED_ */
