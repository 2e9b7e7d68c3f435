
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns buffers of unsent bytes.  Called by the room transport.  Invariant: a
 * buffer is one block of memory, which doubles when it is full.
 */


#include "ngx_pimap_buffer.h"


#define NGX_PIMAP_BUFFER_MIN  1024


struct ngx_pimap_buffer_s {
    size_t    size;
    size_t    pos;
    size_t    last;
    u_char    data[1];
};


ngx_int_t
ngx_pimap_buffer_add(ngx_pimap_buffer_t **buffer, u_char *data, size_t len)
{
    size_t               size, used;
    ngx_pimap_buffer_t  *old, *b;

    old = *buffer;
    b = old;

    if (b == NULL || b->size - b->last < len) {

        used = old ? ngx_pimap_buffer_size(old) : 0;

        for (size = NGX_PIMAP_BUFFER_MIN; size < used + len; size *= 2) {
            /* void */
        }

        b = ngx_alloc(offsetof(ngx_pimap_buffer_t, data) + size,
                      ngx_cycle->log);
        if (b == NULL) {
            return NGX_ERROR;
        }

        b->size = size;
        b->pos = 0;
        b->last = used;

        if (old) {
            ngx_memcpy(b->data, old->data + old->pos, used);
            ngx_free(old);
        }

        *buffer = b;
    }

    ngx_memcpy(b->data + b->last, data, len);
    b->last += len;

    return NGX_OK;
}


size_t
ngx_pimap_buffer_size(ngx_pimap_buffer_t *buffer)
{
    return buffer->last - buffer->pos;
}


void
ngx_pimap_buffer_rest(ngx_pimap_buffer_t *buffer, ngx_str_t *rest)
{
    rest->data = buffer->data + buffer->pos;
    rest->len = ngx_pimap_buffer_size(buffer);
}


void
ngx_pimap_buffer_take(ngx_pimap_buffer_t **buffer, size_t len)
{
    (*buffer)->pos += len;

    if ((*buffer)->pos == (*buffer)->last) {
        ngx_pimap_buffer_free(buffer);
    }
}


void
ngx_pimap_buffer_free(ngx_pimap_buffer_t **buffer)
{
    if (*buffer) {
        ngx_free(*buffer);
        *buffer = NULL;
    }
}
