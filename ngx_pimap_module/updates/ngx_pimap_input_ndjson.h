
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * An input of lines, of a request's body that stays open.
 */


#ifndef _NGX_PIMAP_INPUT_LINES_H_INCLUDED_
#define _NGX_PIMAP_INPUT_LINES_H_INCLUDED_


#include "ngx_pimap_partial_message.h"


/* Takes bytes of the body; what is wrong is refused, or ends the device. */
void ngx_pimap_input_ndjson(ngx_pimap_device_t *d,
    ngx_pimap_partial_t *partial, u_char *data, size_t len);

/* The same, in chunks.  After the last one the device has no input. */
void ngx_pimap_input_chunks(ngx_pimap_device_t *d,
    ngx_pimap_partial_t *partial, u_char *data, size_t len);

/* The body is complete; its last line needs no end. */
void ngx_pimap_input_ndjson_end(ngx_pimap_device_t *d,
    ngx_pimap_partial_t *partial);


#endif /* _NGX_PIMAP_INPUT_LINES_H_INCLUDED_ */
