
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns how the parts of a message become one.  Called by the formats of the
 * input.
 */


#ifndef _NGX_PIMAP_INPUT_MESSAGE_H_INCLUDED_
#define _NGX_PIMAP_INPUT_MESSAGE_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_partial_message.h"


/*
 * A part of a message.  NGX_OK: "whole" is complete; the caller frees the
 * buffer of "partial".  NGX_AGAIN: more is to come.  NGX_ERROR: no memory.
 */
ngx_int_t ngx_pimap_input_message_add(ngx_pimap_partial_t *partial,
    u_char *data, size_t len, ngx_uint_t last, ngx_str_t *whole);

/* The same; a complete message is submitted: NGX_OK, or NGX_ERROR. */
ngx_int_t ngx_pimap_input_message(ngx_pimap_device_t *d,
    ngx_pimap_partial_t *partial, u_char *data, size_t len, ngx_uint_t last);


#endif /* _NGX_PIMAP_INPUT_MESSAGE_H_INCLUDED_ */
