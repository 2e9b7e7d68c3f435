
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns a message of a device while it comes in pieces.
 */


#include "ngx_pimap_updates.h"


ngx_int_t
ngx_pimap_input_message(ngx_pimap_device_t *d, ngx_pimap_partial_t *partial,
    u_char *data, size_t len, ngx_uint_t last)
{
    ngx_int_t  rc;
    ngx_str_t  whole;

    rc = ngx_pimap_input_message_add(partial, data, len, last, &whole);

    if (rc != NGX_OK) {
        return rc == NGX_AGAIN ? NGX_OK : rc;
    }

    rc = ngx_pimap_submit(d, whole.data, whole.len, whole.len);

    ngx_pimap_buffer_free(&partial->data);

    return rc;
}


ngx_int_t
ngx_pimap_input_message_add(ngx_pimap_partial_t *partial, u_char *data,
    size_t len, ngx_uint_t last, ngx_str_t *whole)
{
    if (last && partial->data == NULL) {
        whole->data = data;
        whole->len = len;

        return NGX_OK;
    }

    if (len && ngx_pimap_buffer_add(&partial->data, data, len) != NGX_OK) {
        return NGX_ERROR;
    }

    if (!last) {
        return NGX_AGAIN;
    }

    ngx_pimap_buffer_rest(partial->data, whole);

    return NGX_OK;
}
