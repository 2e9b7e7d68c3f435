
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns updates in WebSocket frames: a message is an update, a Ping gets its
 * Pong, and an invalid frame closes the WebSocket.
 */


#ifndef _NGX_PIMAP_INPUT_WEBSOCKET_H_INCLUDED_
#define _NGX_PIMAP_INPUT_WEBSOCKET_H_INCLUDED_


#include "ngx_pimap_partial_message.h"


/* Takes bytes as they have come. */
void ngx_pimap_input_websocket(ngx_pimap_device_t *d,
    ngx_pimap_partial_t *partial, u_char *data, size_t len);

/* Closes the WebSocket: there is no memory. */
void ngx_pimap_input_websocket_memory(ngx_pimap_device_t *d);


#endif /* _NGX_PIMAP_INPUT_WEBSOCKET_H_INCLUDED_ */
