
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns messages: reference-counted bytes for devices.  Called by all rooms
 * that send.  Invariant: the last unref() frees a message and its compressed
 * forms.
 */


#include "ngx_pimap_message.h"


#define NGX_PIMAP_MESSAGE_FORMS  16     /* compressed; more are not kept */


struct ngx_pimap_message_compressed_s {
    ngx_pimap_message_compressed_t  *next;
    ngx_pimap_message_key_t          key;
    ngx_pimap_message_t             *message;
};


ngx_pimap_message_t *
ngx_pimap_message_create(size_t size, ngx_log_t *log)
{
    size_t                n;
    u_char                head[NGX_SIZE_T_LEN + 2];
    ngx_pimap_message_t  *message;

    message = ngx_alloc(offsetof(ngx_pimap_message_t, bytes)
                        + NGX_PIMAP_MESSAGE_CHUNK + size + 2, log);
    if (message == NULL) {
        return NULL;
    }

    ngx_memzero(message, offsetof(ngx_pimap_message_t, bytes));

    message->refs = 1;
    message->len = (uint32_t) size;
    message->data = message->bytes + NGX_PIMAP_MESSAGE_CHUNK;

    n = ngx_sprintf(head, "%xz" CRLF, size) - head;

    message->chunk = message->data - n;
    message->chunk_len = (uint32_t) (n + size + 2);

    ngx_memcpy(message->chunk, head, n);
    ngx_memcpy(message->data + size, CRLF, 2);

    return message;
}


ngx_pimap_message_t *
ngx_pimap_message_copy(u_char *data, size_t len, ngx_log_t *log)
{
    ngx_pimap_message_t  *message;

    message = ngx_pimap_message_create(len, log);

    if (message) {
        ngx_memcpy(message->data, data, len);
    }

    return message;
}


void
ngx_pimap_message_mark(ngx_pimap_message_t *message,
    ngx_pimap_message_kind_t kind, pimap_event_id_t *id)
{
    message->kind = kind;

    if (id) {
        message->has_id = 1;
        message->id = *id;
    }
}


ngx_pimap_message_t *
ngx_pimap_message_compressed_find(ngx_pimap_message_t *message,
    ngx_pimap_message_key_t *key)
{
    ngx_pimap_message_compressed_t  *form;

    for (form = message->compressed; form; form = form->next) {
        if (ngx_memcmp(&form->key, key, sizeof(ngx_pimap_message_key_t)) == 0)
        {
            return form->message;
        }
    }

    return NULL;
}


/* Without memory the next device compresses the message again. */

void
ngx_pimap_message_compressed_add(ngx_pimap_message_t *message,
    ngx_pimap_message_key_t *key, ngx_pimap_message_t *compressed)
{
    ngx_uint_t                        n;
    ngx_pimap_message_compressed_t  **last, *form;

    n = 0;

    for (last = &message->compressed; *last; last = &(*last)->next) {
        n++;
    }

    if (n == NGX_PIMAP_MESSAGE_FORMS) {
        return;
    }

    form = ngx_alloc(sizeof(ngx_pimap_message_compressed_t), ngx_cycle->log);
    if (form == NULL) {
        return;
    }

    form->next = NULL;
    form->key = *key;
    form->message = ngx_pimap_message_ref(compressed);

    *last = form;
}


void
ngx_pimap_message_compressed_free(ngx_pimap_message_t *message)
{
    ngx_pimap_message_compressed_t  *form;

    while (message->compressed) {
        form = message->compressed;
        message->compressed = form->next;

        ngx_pimap_message_unref(form->message);
        ngx_free(form);
    }
}


ngx_pimap_message_t *
ngx_pimap_message_ref(ngx_pimap_message_t *message)
{
    message->refs++;

    return message;
}


void
ngx_pimap_message_unref(ngx_pimap_message_t *message)
{
    if (--message->refs == 0) {
        ngx_pimap_message_compressed_free(message);
        ngx_free(message);
    }
}
