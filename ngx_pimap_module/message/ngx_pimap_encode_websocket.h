
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Single WebSocket frames.
 */


#ifndef _NGX_PIMAP_ENCODE_WEBSOCKET_H_INCLUDED_
#define _NGX_PIMAP_ENCODE_WEBSOCKET_H_INCLUDED_


#include "ngx_pimap_message.h"

#include "pimap_ws.h"


/* New messages; NULL if memory is out. */
ngx_pimap_message_t *ngx_pimap_encode_frame(pimap_ws_op_t op, u_char *data,
    size_t len, ngx_log_t *log);
ngx_pimap_message_t *ngx_pimap_encode_close(int code, const char *why,
    ngx_log_t *log);


#endif /* _NGX_PIMAP_ENCODE_WEBSOCKET_H_INCLUDED_ */
