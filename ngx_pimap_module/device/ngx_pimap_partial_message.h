
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the memory of a message that a device has sent in part.  It is there
 * only until the message is complete.
 */


#ifndef _NGX_PIMAP_PARTIAL_MESSAGE_H_INCLUDED_
#define _NGX_PIMAP_PARTIAL_MESSAGE_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_buffer.h"
#include "ngx_pimap_device.h"

#include "pimap_chunked.h"
#include "pimap_ws.h"


struct ngx_pimap_partial_s {

    /* the state of the device's input */
    union {
        pimap_ws_t            ws;
        pimap_chunked_t       chunked;
    } reader;

    ngx_pimap_buffer_t       *data;     /* what has come; NULL: nothing */
};


void ngx_pimap_partial_message_free(ngx_pimap_device_t *d);


#endif /* _NGX_PIMAP_PARTIAL_MESSAGE_H_INCLUDED_ */
