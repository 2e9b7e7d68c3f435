
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Bytes that wait to be sent: an empty buffer is NULL.
 */


#ifndef _NGX_PIMAP_BUFFER_H_INCLUDED_
#define _NGX_PIMAP_BUFFER_H_INCLUDED_


#include "ngx_pimap.h"


typedef struct ngx_pimap_buffer_s  ngx_pimap_buffer_t;


/* Adds to the end; on NGX_ERROR (no memory) the buffer is unchanged. */
ngx_int_t ngx_pimap_buffer_add(ngx_pimap_buffer_t **buffer, u_char *data,
    size_t len);

/* The bytes; the buffer is not NULL. */
size_t ngx_pimap_buffer_size(ngx_pimap_buffer_t *buffer);
void ngx_pimap_buffer_rest(ngx_pimap_buffer_t *buffer, ngx_str_t *rest);

/* Removes from the front. */
void ngx_pimap_buffer_take(ngx_pimap_buffer_t **buffer, size_t len);
void ngx_pimap_buffer_free(ngx_pimap_buffer_t **buffer);


#endif /* _NGX_PIMAP_BUFFER_H_INCLUDED_ */
