
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * An input of WebSocket's frames.
 */


#ifndef _NGX_PIMAP_INPUT_FRAMES_H_INCLUDED_
#define _NGX_PIMAP_INPUT_FRAMES_H_INCLUDED_


#include "ngx_pimap_partial_message.h"


/* Takes bytes as they have come; what is wrong closes the WebSocket. */
void ngx_pimap_input_websocket(ngx_pimap_device_t *d,
    ngx_pimap_partial_t *partial, u_char *data, size_t len);

/* Closes it, as memory is out. */
void ngx_pimap_input_websocket_memory(ngx_pimap_device_t *d);


#endif /* _NGX_PIMAP_INPUT_FRAMES_H_INCLUDED_ */
