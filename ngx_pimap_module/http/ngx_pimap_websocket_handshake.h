
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * WebSocket's handshake.
 */


#ifndef _NGX_PIMAP_UPGRADE_H_INCLUDED_
#define _NGX_PIMAP_UPGRADE_H_INCLUDED_


#include "ngx_pimap.h"


#define NGX_PIMAP_WEBSOCKET_HANDSHAKE_REQUIRED  426


/* True if the request asks for a WebSocket. */
ngx_uint_t ngx_pimap_websocket_handshake_wanted(ngx_http_request_t *r);

/* NGX_OK, or a status and what is wrong. */
ngx_int_t ngx_pimap_websocket_handshake_check(ngx_http_request_t *r,
    const char **problem);

/* What to answer to an offer of permessage-deflate; NULL: there is none. */
const char *ngx_pimap_websocket_handshake_deflate(ngx_http_request_t *r);

/* The head of the answer, which is not sent here; extensions: as above. */
ngx_int_t ngx_pimap_websocket_handshake_head(ngx_http_request_t *r,
    const char *extensions);

/* setter of "pimap_origin" */
char *ngx_pimap_websocket_handshake_origin(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


#endif /* _NGX_PIMAP_UPGRADE_H_INCLUDED_ */
