
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A message that is not complete: there only while there is one.
 */


#ifndef _NGX_PIMAP_INPUT_PARTIAL_H_INCLUDED_
#define _NGX_PIMAP_INPUT_PARTIAL_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_buffer.h"
#include "ngx_pimap_device.h"

#include "pimap_chunked.h"
#include "pimap_ws.h"


/* The state of the device's input, and what has come. */
struct ngx_pimap_partial_s {

    union {
        pimap_ws_t            ws;
        pimap_chunked_t       chunked;
    } reader;

    ngx_pimap_buffer_t      *text;     /* NULL: nothing */
};


/*
 * A piece of a message.  NGX_OK: it is complete, in "data" if it has come as a
 * whole, or in the text, which the caller frees.  NGX_AGAIN: more is to come.
 * NGX_ERROR: memory is out.
 */
ngx_int_t ngx_pimap_input_collect(ngx_pimap_partial_t *partial, u_char *data,
    size_t len, ngx_uint_t last, ngx_str_t *whole);

/* The same, and what is complete is submitted: NGX_OK, or NGX_ERROR. */
ngx_int_t ngx_pimap_input_piece(ngx_pimap_device_t *d,
    ngx_pimap_partial_t *partial, u_char *data, size_t len, ngx_uint_t last);


#endif /* _NGX_PIMAP_INPUT_PARTIAL_H_INCLUDED_ */
