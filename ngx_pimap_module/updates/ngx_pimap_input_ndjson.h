
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns updates as lines of JSON, in the body of a request that stays open.
 * nginx reads the bodies of HTTP/2.  The chunks of HTTP/1.1 are read here, so
 * that the device needs no request of nginx.
 */


#ifndef _NGX_PIMAP_INPUT_NDJSON_H_INCLUDED_
#define _NGX_PIMAP_INPUT_NDJSON_H_INCLUDED_


#include "ngx_pimap_partial_message.h"


/* Takes bytes of the body.  Invalid bytes end the device. */
void ngx_pimap_input_ndjson(ngx_pimap_device_t *d,
    ngx_pimap_partial_t *partial, u_char *data, size_t len);

/* The same, in chunks.  After the last chunk the device has no input. */
void ngx_pimap_input_chunks(ngx_pimap_device_t *d,
    ngx_pimap_partial_t *partial, u_char *data, size_t len);

/* The body is complete; its last line needs no line end. */
void ngx_pimap_input_ndjson_end(ngx_pimap_device_t *d,
    ngx_pimap_partial_t *partial);


#endif /* _NGX_PIMAP_INPUT_NDJSON_H_INCLUDED_ */
