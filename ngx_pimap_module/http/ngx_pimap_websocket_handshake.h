
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The handshake of a WebSocket.
 */


#ifndef _NGX_PIMAP_WEBSOCKET_HANDSHAKE_H_INCLUDED_
#define _NGX_PIMAP_WEBSOCKET_HANDSHAKE_H_INCLUDED_


#include "ngx_pimap.h"


/* True if the request asks for a WebSocket. */
ngx_uint_t ngx_pimap_websocket_handshake_wanted(ngx_http_request_t *r);

/* NGX_OK, or a status and the problem. */
ngx_int_t ngx_pimap_websocket_handshake_check(ngx_http_request_t *r,
    const char **problem);

/* The answer to an offer of permessage-deflate; NULL: no offer. */
const char *ngx_pimap_websocket_handshake_deflate(ngx_http_request_t *r);

/* Sets the head of the answer; "extensions" as above. */
ngx_int_t ngx_pimap_websocket_handshake_head(ngx_http_request_t *r,
    const char *extensions);

/* for the command table: "pimap_origin" */
char *ngx_pimap_websocket_handshake_origin(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


#endif /* _NGX_PIMAP_WEBSOCKET_HANDSHAKE_H_INCLUDED_ */
