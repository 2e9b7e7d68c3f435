
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Shared bytes: life and death.
 */


#include "ngx_pimap_text.h"


ngx_pimap_text_t *
ngx_pimap_text_create(size_t size, ngx_log_t *log)
{
    size_t             n;
    u_char             head[NGX_SIZE_T_LEN + 2];
    ngx_pimap_text_t  *text;

    text = ngx_alloc(offsetof(ngx_pimap_text_t, bytes) + NGX_PIMAP_TEXT_CHUNK
                     + size + 2, log);
    if (text == NULL) {
        return NULL;
    }

    text->refs = 1;
    text->len = (uint32_t) size;
    text->kind = NGX_PIMAP_TEXT_CONTROL;
    text->placed = 0;
    text->data = text->bytes + NGX_PIMAP_TEXT_CHUNK;

    n = ngx_sprintf(head, "%xz" CRLF, size) - head;

    text->chunk = text->data - n;
    text->chunk_len = (uint32_t) (n + size + 2);

    ngx_memcpy(text->chunk, head, n);
    ngx_memcpy(text->data + size, CRLF, 2);

    return text;
}


void
ngx_pimap_text_mark(ngx_pimap_text_t *text, ngx_pimap_text_kind_t kind,
    ngx_pimap_position_t *position)
{
    text->kind = kind;

    if (position) {
        text->placed = 1;
        text->position = *position;
    }
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
