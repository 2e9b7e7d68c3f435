
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * What a parked device says, whatever the transport that it comes by.
 */


#ifndef _NGX_PIMAP_INPUT_H_INCLUDED_
#define _NGX_PIMAP_INPUT_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_device.h"


/*
 * Takes bytes as they have come, and changes them.  Whatever is wrong dooms
 * the device; NGX_ERROR: it says what it may not, and gets no answer.
 */
ngx_int_t ngx_pimap_input(ngx_pimap_device_t *d, u_char *data, size_t len);

/* No more of it comes. */
void ngx_pimap_input_end(ngx_pimap_device_t *d);

/*
 * What there is of a message that is not complete, for a record, and back:
 * NGX_ERROR for what can't be that, or if memory is out.
 */
void ngx_pimap_input_save(ngx_pimap_device_t *d, ngx_str_t *state,
    ngx_str_t *text);
ngx_int_t ngx_pimap_input_restore(ngx_pimap_device_t *d, ngx_str_t *state,
    ngx_str_t *text);

/* From the registry, when the device goes. */
void ngx_pimap_input_free(ngx_pimap_device_t *d);


#endif /* _NGX_PIMAP_INPUT_H_INCLUDED_ */
