
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Shared bytes: life and death.
 */


#include "ngx_pimap_text.h"


ngx_pimap_text_t *
ngx_pimap_text_create(size_t size, ngx_log_t *log)
{
    ngx_pimap_text_t  *text;

    text = ngx_alloc(offsetof(ngx_pimap_text_t, data) + size, log);
    if (text == NULL) {
        return NULL;
    }

    text->refs = 1;
    text->len = size;

    return text;
}


ngx_pimap_text_t *
ngx_pimap_text_ref(ngx_pimap_text_t *text)
{
    text->refs++;

    return text;
}


void
ngx_pimap_text_unref(ngx_pimap_text_t *text)
{
    if (--text->refs == 0) {
        ngx_free(text);
    }
}
