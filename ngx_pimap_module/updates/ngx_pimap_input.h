
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the bytes that a parked device sends.  Called by the transports.  The
 * way of an update: input (format), input_websocket or input_ndjson,
 * input_message (parts), submit (parse, Redis).
 */


#ifndef _NGX_PIMAP_INPUT_H_INCLUDED_
#define _NGX_PIMAP_INPUT_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_device.h"


/*
 * Takes bytes as they have come, and changes them.  Invalid bytes end the
 * device.  NGX_ERROR: a device without an input has sent something.
 */
ngx_int_t ngx_pimap_input(ngx_pimap_device_t *d, u_char *data, size_t len);

/* The input is complete. */
void ngx_pimap_input_end(ngx_pimap_device_t *d);

/*
 * A message that is not complete, for a record, and back.  NGX_ERROR: the
 * bytes are invalid, or no memory.
 */
void ngx_pimap_input_save(ngx_pimap_device_t *d, ngx_str_t *state,
    ngx_str_t *data);
ngx_int_t ngx_pimap_input_restore(ngx_pimap_device_t *d, ngx_str_t *state,
    ngx_str_t *data);


#endif /* _NGX_PIMAP_INPUT_H_INCLUDED_ */
