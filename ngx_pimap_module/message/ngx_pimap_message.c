
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Shared bytes: life and death.
 */


#include "ngx_pimap_message.h"


#define NGX_PIMAP_MESSAGE_FORMS  16        /* more are not kept */


struct ngx_pimap_packed_s {
    ngx_pimap_packed_t    *next;
    ngx_pimap_message_key_t   key;
    ngx_pimap_message_t      *text;
};


ngx_pimap_message_t *
ngx_pimap_message_create(size_t size, ngx_log_t *log)
{
    size_t             n;
    u_char             head[NGX_SIZE_T_LEN + 2];
    ngx_pimap_message_t  *text;

    text = ngx_alloc(offsetof(ngx_pimap_message_t,
                              bytes) + NGX_PIMAP_MESSAGE_CHUNK
                     + size + 2, log);
    if (text == NULL) {
        return NULL;
    }

    text->refs = 1;
    text->len = (uint32_t) size;
    text->plain = 0;
    text->kind = NGX_PIMAP_MESSAGE_CONTROL;
    text->placed = 0;
    text->packed = NULL;
    text->trails = 0;
    text->data = text->bytes + NGX_PIMAP_MESSAGE_CHUNK;

    n = ngx_sprintf(head, "%xz" CRLF, size) - head;

    text->chunk = text->data - n;
    text->chunk_len = (uint32_t) (n + size + 2);

    ngx_memcpy(text->chunk, head, n);
    ngx_memcpy(text->data + size, CRLF, 2);

    return text;
}


void
ngx_pimap_message_mark(ngx_pimap_message_t *text,
    ngx_pimap_message_kind_t kind, pimap_event_id_t *position)
{
    text->kind = kind;

    if (position) {
        text->placed = 1;
        text->position = *position;
    }
}


ngx_pimap_message_t *
ngx_pimap_message_packed(ngx_pimap_message_t *text,
    ngx_pimap_message_key_t *key)
{
    ngx_pimap_packed_t  *packed;

    for (packed = text->packed; packed; packed = packed->next) {
        if (ngx_memcmp(&packed->key, key,
                       sizeof(ngx_pimap_message_key_t)) == 0) {
            return packed->text;
        }
    }

    return NULL;
}


/* Without memory it is compressed once more. */

void
ngx_pimap_message_pack(ngx_pimap_message_t *text, ngx_pimap_message_key_t *key,
    ngx_pimap_message_t *form)
{
    ngx_uint_t            n;
    ngx_pimap_packed_t  **last, *packed;

    n = 0;

    for (last = &text->packed; *last; last = &(*last)->next) {
        n++;
    }

    if (n == NGX_PIMAP_MESSAGE_FORMS) {
        return;
    }

    packed = ngx_alloc(sizeof(ngx_pimap_packed_t), ngx_cycle->log);
    if (packed == NULL) {
        return;
    }

    packed->next = NULL;
    packed->key = *key;
    packed->text = ngx_pimap_message_ref(form);

    *last = packed;
}


void
ngx_pimap_message_unpack(ngx_pimap_message_t *text)
{
    ngx_pimap_packed_t  *packed;

    while (text->packed) {
        packed = text->packed;
        text->packed = packed->next;

        ngx_pimap_message_unref(packed->text);
        ngx_free(packed);
    }
}


ngx_pimap_message_t *
ngx_pimap_message_ref(ngx_pimap_message_t *text)
{
    text->refs++;

    return text;
}


void
ngx_pimap_message_unref(ngx_pimap_message_t *text)
{
    if (--text->refs == 0) {
        ngx_pimap_message_unpack(text);
        ngx_free(text);
    }
}
