
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns TLS to Redis: the handshake, and the name in the certificate.
 */


#include "ngx_pimap_redis.h"

#include <openssl/x509v3.h>


static ngx_int_t ngx_pimap_redis_expect(ngx_pimap_redis_t *redis,
    ngx_connection_t *c);
static void ngx_pimap_redis_handshaked(ngx_connection_t *c);
static void ngx_pimap_redis_distrust(ngx_pimap_redis_t *redis);


void
ngx_pimap_redis_handshake(ngx_pimap_redis_t *redis)
{
    ngx_connection_t  *c;

    c = redis->connection;

    if (ngx_ssl_create_connection(redis->conf->ssl, c,
                                  NGX_SSL_BUFFER|NGX_SSL_CLIENT)
        != NGX_OK
        || ngx_pimap_redis_expect(redis, c) != NGX_OK)
    {
        ngx_pimap_redis_fail(redis, "TLS failed");
        return;
    }

    /* what is not sent at once comes again from another address, longer */

    SSL_set_mode(c->ssl->connection, SSL_MODE_ENABLE_PARTIAL_WRITE
                                     |SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);

    c->ssl->handler = ngx_pimap_redis_handshaked;

    if (ngx_ssl_handshake(c) != NGX_AGAIN) {
        ngx_pimap_redis_handshaked(c);
    }
}


/*
 * The certificate must be the host's, by name or by address.  That of a
 * sentinel, or of the master that it names, is checked by address.
 */

static ngx_int_t
ngx_pimap_redis_expect(ngx_pimap_redis_t *redis, ngx_connection_t *c)
{
    char                host[256];
    ngx_str_t          *name;
    X509_VERIFY_PARAM  *param;

    name = redis->conf->master.len ? &redis->host : &redis->server->host;

    if (name->len >= sizeof(host)) {
        return NGX_ERROR;
    }

    (void) ngx_cpystrn((u_char *) host, name->data, name->len + 1);

    param = SSL_get0_param(c->ssl->connection);

    if (X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1) {
        return NGX_OK;
    }

    ERR_clear_error();

    if (X509_VERIFY_PARAM_set1_host(param, host, 0) != 1
        || SSL_set_tlsext_host_name(c->ssl->connection, host) != 1)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_pimap_redis_handshaked(ngx_connection_t *c)
{
    ngx_pimap_redis_t  *redis;

    redis = c->data;

    if (!c->ssl->handshaked) {
        ngx_pimap_redis_distrust(redis);
        return;
    }

    c->write->handler = ngx_pimap_redis_write_handler;

    ngx_pimap_redis_greet(redis);
}


static void
ngx_pimap_redis_distrust(ngx_pimap_redis_t *redis)
{
    long    rc;
    u_char  why[128];

    rc = SSL_get_verify_result(redis->connection->ssl->connection);

    *ngx_snprintf(why, sizeof(why) - 1, "TLS handshake failed%s%s",
                  rc == X509_V_OK ? "" : ", ",
                  rc == X509_V_OK ? "" : X509_verify_cert_error_string(rc))
        = '\0';

    ngx_pimap_redis_fail(redis, (char *) why);
}
