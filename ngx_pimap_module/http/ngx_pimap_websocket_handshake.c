
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the handshake of a WebSocket (RFC 6455, 4.2).  Called by events.
 * Invariant: a page of a foreign origin gets no WebSocket.  A browser would
 * let it open one with the user's cookies and read it (10.2).
 */


#include "ngx_pimap_http.h"
#include "ngx_pimap_conf.h"

#include "pimap_ws_offer.h"

#include <ngx_sha1.h>


#define NGX_PIMAP_WEBSOCKET_KEY     24      /* 16 bytes in base64 */
#define NGX_PIMAP_WEBSOCKET_ACCEPT  28      /* 20 bytes in base64 */


static ngx_uint_t ngx_pimap_websocket_handshake_key(ngx_str_t *key);
static ngx_uint_t ngx_pimap_websocket_handshake_allowed(ngx_http_request_t *r);
static ngx_uint_t ngx_pimap_websocket_handshake_same(ngx_str_t *origin,
    ngx_str_t *host);
static void ngx_pimap_websocket_handshake_strip(ngx_str_t *authority,
    const ngx_str_t *port);


ngx_uint_t
ngx_pimap_websocket_handshake_wanted(ngx_http_request_t *r)
{
    return r->method == NGX_HTTP_GET
           && r->http_version == NGX_HTTP_VERSION_11
           && ngx_pimap_header_has(r, "Upgrade", "websocket")
           && ngx_pimap_header_has(r, "Connection", "upgrade");
}


ngx_int_t
ngx_pimap_websocket_handshake_check(ngx_http_request_t *r,
    const char **problem)
{
    ngx_str_t  value;

    /* 4.4 */

    if (!ngx_pimap_header(r, "Sec-WebSocket-Version", &value)
        || !ngx_pimap_is(&value, "13"))
    {
        *problem = "\"Sec-WebSocket-Version\" must be 13";

        if (ngx_pimap_add_header(r, "Sec-WebSocket-Version", "13") != NGX_OK) {
            return NGX_ERROR;
        }

        return NGX_PIMAP_UPGRADE_REQUIRED;
    }

    if (!ngx_pimap_header(r, "Sec-WebSocket-Key", &value)
        || !ngx_pimap_websocket_handshake_key(&value))
    {
        *problem = "\"Sec-WebSocket-Key\" must be 16 bytes in base64";
        return NGX_HTTP_BAD_REQUEST;
    }

    if (!ngx_pimap_websocket_handshake_allowed(r)) {
        *problem = "the page's origin is not allowed, see \"pimap_origin\"";
        return NGX_HTTP_FORBIDDEN;
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_pimap_websocket_handshake_key(ngx_str_t *key)
{
    u_char     buf[ngx_base64_decoded_length(NGX_PIMAP_WEBSOCKET_KEY)];
    ngx_str_t  decoded;

    decoded.data = buf;

    return key->len == NGX_PIMAP_WEBSOCKET_KEY
           && ngx_decode_base64(&decoded, key) == NGX_OK
           && decoded.len == 16;
}


/* Only browsers send an origin. */

static ngx_uint_t
ngx_pimap_websocket_handshake_allowed(ngx_http_request_t *r)
{
    ngx_str_t              origin, *allowed;
    ngx_uint_t             i;
    ngx_pimap_loc_conf_t  *plcf;

    if (!ngx_pimap_header(r, "Origin", &origin)) {
        return 1;
    }

    plcf = ngx_http_get_module_loc_conf(r, ngx_pimap_module);

    if (plcf->origins == NULL) {
        return r->headers_in.host
               && ngx_pimap_websocket_handshake_same(&origin,
                                                 &r->headers_in.host->value);
    }

    allowed = plcf->origins->elts;

    for (i = 0; i < plcf->origins->nelts; i++) {

        if (allowed[i].len == 1             /* "*" */
            || (allowed[i].len == origin.len
                && ngx_strncasecmp(allowed[i].data, origin.data, origin.len)
                   == 0))
        {
            return 1;
        }
    }

    return 0;
}


/* Compares host and port: a proxy in front may have ended TLS. */

static ngx_uint_t
ngx_pimap_websocket_handshake_same(ngx_str_t *origin, ngx_str_t *host)
{
    ngx_str_t    a, b;
    ngx_uint_t   i;

    static const struct {
        ngx_str_t   name;
        ngx_str_t   port;
    } schemes[] = {
        { ngx_string("https://"), ngx_string(":443") },
        { ngx_string("http://"), ngx_string(":80") }
    };

    for (i = 0; i < 2; i++) {
        a = *origin;
        b = *host;

        if (a.len > schemes[i].name.len
            && ngx_strncasecmp(a.data, schemes[i].name.data,
                               schemes[i].name.len)
               == 0)
        {
            a.data += schemes[i].name.len;
            a.len -= schemes[i].name.len;

            ngx_pimap_websocket_handshake_strip(&a, &schemes[i].port);
            ngx_pimap_websocket_handshake_strip(&b, &schemes[i].port);

            return a.len == b.len
                   && ngx_strncasecmp(a.data, b.data, a.len) == 0;
        }
    }

    return 0;
}


static void
ngx_pimap_websocket_handshake_strip(ngx_str_t *authority,
    const ngx_str_t *port)
{
    if (authority->len > port->len
        && ngx_strncmp(authority->data + authority->len - port->len,
                       port->data, port->len)
           == 0)
    {
        authority->len -= port->len;
    }
}


/* RFC 6455, 9.1: several headers are one list. */

const char *
ngx_pimap_websocket_handshake_deflate(ngx_http_request_t *r)
{
    ngx_str_t               value;
    const char             *answer;
    ngx_pimap_header_at_t   at;

    ngx_memzero(&at, sizeof(ngx_pimap_header_at_t));

    while (ngx_pimap_header_next(r, &at, "Sec-WebSocket-Extensions", &value)) {

        answer = pimap_ws_offer((char *) value.data, value.len);

        if (answer) {
            return answer;
        }
    }

    return NULL;
}


ngx_int_t
ngx_pimap_websocket_handshake_head(ngx_http_request_t *r,
    const char *extensions)
{
    u_char      *p, digest[20];
    ngx_str_t    key, hash, accept;
    ngx_sha1_t   sha1;

    static u_char     guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    static ngx_str_t  line = ngx_string("101 Switching Protocols");

    (void) ngx_pimap_header(r, "Sec-WebSocket-Key", &key);

    p = ngx_pnalloc(r->pool, NGX_PIMAP_WEBSOCKET_ACCEPT + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    /* 4.2.2, step 5.4 */

    ngx_sha1_init(&sha1);
    ngx_sha1_update(&sha1, key.data, key.len);
    ngx_sha1_update(&sha1, guid, sizeof(guid) - 1);
    ngx_sha1_final(digest, &sha1);

    hash.data = digest;
    hash.len = sizeof(digest);
    accept.data = p;

    ngx_encode_base64(&accept, &hash);
    accept.data[accept.len] = '\0';

    if (ngx_pimap_add_header(r, "Upgrade", "websocket") != NGX_OK
        || ngx_pimap_add_header(r, "Sec-WebSocket-Accept", (char *) p)
           != NGX_OK
        || (ngx_pimap_header_has(r, "Sec-WebSocket-Protocol", "pimap")
            && ngx_pimap_add_header(r, "Sec-WebSocket-Protocol", "pimap")
               != NGX_OK)
        || (extensions
            && ngx_pimap_add_header(r, "Sec-WebSocket-Extensions", extensions)
               != NGX_OK))
    {
        return NGX_ERROR;
    }

    r->headers_out.status = NGX_HTTP_SWITCHING_PROTOCOLS;
    r->headers_out.status_line = line;

    return NGX_OK;
}


char *
ngx_pimap_websocket_handshake_origin(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_pimap_loc_conf_t  *plcf = conf;

    u_char      *p;
    ngx_str_t   *value;
    ngx_uint_t   i, n;

    if (plcf->origins != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    n = cf->args->nelts - 1;
    value = cf->args->elts;

    plcf->origins = ngx_array_create(cf->pool, n, sizeof(ngx_str_t));
    if (plcf->origins == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memcpy(ngx_array_push_n(plcf->origins, n), &value[1],
               n * sizeof(ngx_str_t));

    for (i = 1; i <= n; i++) {

        p = (u_char *) ngx_strstr(value[i].data, "://");

        if (ngx_strcmp(value[i].data, "*") != 0
            && (p == NULL || p[3] == '\0' || ngx_strchr(p + 3, '/')))
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid origin \"%V\", "
                               "it must be \"scheme://host[:port]\" or \"*\"",
                               &value[i]);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}
