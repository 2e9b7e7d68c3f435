
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the handshake of a WebSocket (RFC 6455, 4.2).  Called by events.
 * Invariant: a page of a foreign origin gets no WebSocket.  A browser would
 * let it open one with the user's cookies and read it (10.2).
 */


#include "ngx_pimap_http.h"

#include "pimap_ws_offer.h"

#include <ngx_sha1.h>


#define NGX_PIMAP_WEBSOCKET_KEY     24      /* 16 bytes in base64 */
#define NGX_PIMAP_WEBSOCKET_ACCEPT  28      /* 20 bytes in base64 */


static ngx_uint_t ngx_pimap_websocket_handshake_key(ngx_str_t *key);


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

    return ngx_pimap_origin(r, problem);
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
