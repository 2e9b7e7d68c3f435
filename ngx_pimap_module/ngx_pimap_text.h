
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Bytes that are sent to devices: encoded once, shared by all who get them,
 * reference counted.
 */


#ifndef _NGX_PIMAP_TEXT_H_INCLUDED_
#define _NGX_PIMAP_TEXT_H_INCLUDED_


#include "ngx_pimap.h"


struct ngx_pimap_text_s {
    ngx_uint_t    refs;
    size_t        len;
    u_char        data[1];
};


/* One reference, owned by the caller; NULL if memory is out. */
ngx_pimap_text_t *ngx_pimap_text_create(size_t size, ngx_log_t *log);

ngx_pimap_text_t *ngx_pimap_text_ref(ngx_pimap_text_t *text);
void ngx_pimap_text_unref(ngx_pimap_text_t *text);


#endif /* _NGX_PIMAP_TEXT_H_INCLUDED_ */
