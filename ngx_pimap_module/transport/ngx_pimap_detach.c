
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The order matters: first all that can fail, then the request's end, then
 * the connection is stripped, and adopted as any other one.
 */


#include "ngx_pimap_transport.h"
#include "ngx_pimap_conf.h"
#include "ngx_pimap_transport_connection.h"
#include "ngx_pimap_heap.h"
#include "ngx_pimap_hibernate.h"


static ngx_int_t ngx_pimap_detach_keep_ssl(ngx_connection_t *c,
    ngx_pool_t **kept);
static void ngx_pimap_detach_strip(ngx_connection_t *c, ngx_pool_t *kept);


ngx_uint_t
ngx_pimap_detach_possible(ngx_http_request_t *r, ngx_uint_t coded)
{
    ngx_pimap_loc_conf_t  *plcf;

    plcf = ngx_http_get_module_loc_conf(r, ngx_pimap_module);

    if (!plcf->detach || r != r->main || r->http_version > NGX_HTTP_VERSION_11)
    {
        return 0;
    }

    /* filters that were asked to change the body have said so in the head */

    if ((r->headers_out.content_encoding && !coded) || r->filter_need_in_memory
        || r->filter_need_temporary || r->expect_trailers)
    {
        return 0;
    }

    /* (nginx sets this one for each request by TLS) */

    if (r->main_filter_need_in_memory && r->connection->ssl == NULL) {
        return 0;
    }

    return !r->discard_body && r->header_in->pos == r->header_in->last;
}


ngx_int_t
ngx_pimap_detach(ngx_http_request_t *r, ngx_pimap_device_t *d)
{
    ngx_uint_t               chunked;
    ngx_pool_t              *kept;
    const char              *refusal;
    ngx_connection_t        *c;
    ngx_pimap_tls13_t        tls;
    ngx_pimap_loc_conf_t    *plcf;
    ngx_pimap_connection_t  *pc;

    c = r->connection;

    if (c->error || c->buffered || r->buffered || r->main->count != 1) {
        return NGX_DECLINED;
    }

    plcf = ngx_http_get_module_loc_conf(r, ngx_pimap_module);

    chunked = r->chunked;
    refusal = "not asked for";
    kept = NULL;

    pc = ngx_pimap_connection_create(c->ssl && plcf->hibernate, c->log);
    if (pc == NULL) {
        return NGX_ERROR;
    }

    if (c->ssl && ngx_pimap_detach_keep_ssl(c, &kept) != NGX_OK) {
        ngx_pimap_connection_free(pc);
        return NGX_ERROR;
    }

    /* the access log may ask for what OpenSSL's object knows */

    ngx_http_free_request(r, 0);

    if (c->ssl && plcf->hibernate) {
        refusal = ngx_pimap_hibernate_take(c, &tls);

        if (refusal) {
            ngx_pimap_hibernate_refused(c->log, refusal);

        } else {
            ngx_destroy_pool(kept);
            kept = NULL;
        }
    }

    ngx_pimap_detach_strip(c, kept);

    ngx_pimap_connection_adopt(pc, c, d, chunked, refusal ? NULL : &tls);

    return NGX_OK;
}


/* nginx has its part of a TLS connection in the pool that is to go. */

static ngx_int_t
ngx_pimap_detach_keep_ssl(ngx_connection_t *c, ngx_pool_t **kept)
{
    ngx_pool_t            *pool;
    ngx_ssl_connection_t  *ssl;

    pool = ngx_create_pool(sizeof(ngx_pool_t) + sizeof(ngx_ssl_connection_t)
                           + NGX_ALIGNMENT, ngx_cycle->log);
    if (pool == NULL) {
        return NGX_ERROR;
    }

    ssl = ngx_palloc(pool, sizeof(ngx_ssl_connection_t));
    if (ssl == NULL) {
        ngx_destroy_pool(pool);
        return NGX_ERROR;
    }

    ngx_ssl_ocsp_cleanup(c);

    *ssl = *c->ssl;
    ssl->buf = NULL;
    ssl->ocsp = NULL;
    c->ssl = ssl;

    /* what is not sent at once comes again from another address, longer */

    SSL_set_mode(ssl->connection, SSL_MODE_ENABLE_PARTIAL_WRITE
                                  |SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);

    *kept = pool;

    return NGX_OK;
}


/* Everything of the connection that is in its pool. */

static void
ngx_pimap_detach_strip(ngx_connection_t *c, ngx_pool_t *kept)
{
    ngx_pool_t  *pool;

    if (c->read->timer_set) {
        ngx_del_timer(c->read);
    }

    if (c->write->timer_set) {
        ngx_del_timer(c->write);
    }

    ngx_reusable_connection(c, 0);

    pool = c->pool;

    c->pool = kept;
    c->log = ngx_cycle->log;
    c->read->log = c->log;
    c->write->log = c->log;
    c->log_error = NGX_ERROR_INFO;

    c->listening = NULL;
    c->sockaddr = NULL;
    c->socklen = 0;
    c->local_sockaddr = NULL;
    c->local_socklen = 0;
    c->proxy_protocol = NULL;
    c->buffer = NULL;
    ngx_str_null(&c->addr_text);

    c->destroyed = 0;
    c->idle = 0;

    ngx_destroy_pool(pool);
    ngx_pimap_heap_trim_later();
}
