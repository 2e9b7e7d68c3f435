
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns a string that grows.
 */


#include "bridge_buffer.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <openssl/evp.h>

#include "bridge.h"


#define BRIDGE_BUFFER_FIRST  256


int
bridge_str_equal(const bridge_str_t *s, const char *text, size_t len)
{
    return  s->data && s->len == len && strncasecmp(s->data, text, len) == 0;
}


char *
bridge_buffer_need(bridge_buffer_t *b, size_t len)
{
    char   *data;
    size_t  size;

    if (b->size - b->len >= len) {
        return b->data + b->len;
    }

    size = b->size ? b->size : BRIDGE_BUFFER_FIRST;

    while (size - b->len < len) {
        size *= 2;
    }

    data = bridge_alloc(size);

    if (b->len) {
        memcpy(data, b->data, b->len);
    }

    bridge_wipe_free(b->data, b->size);

    b->data = data;
    b->size = size;

    return b->data + b->len;
}


void
bridge_buffer_add(bridge_buffer_t *b, const void *data, size_t len)
{
    if (len) {
        memcpy(bridge_buffer_need(b, len), data, len);
        b->len += len;
    }
}


void
bridge_buffer_text(bridge_buffer_t *b, const char *text)
{
    bridge_buffer_add(b, text, strlen(text));
}


void
bridge_buffer_char(bridge_buffer_t *b, char c)
{
    *bridge_buffer_need(b, 1) = c;
    b->len++;
}


void
bridge_buffer_number(bridge_buffer_t *b, uint64_t n)
{
    char  text[24];

    bridge_buffer_add(b, text, snprintf(text, sizeof(text), "%llu",
                                   (unsigned long long) n));
}


void
bridge_buffer_base64(bridge_buffer_t *b, const char *data, size_t len)
{
    char  *to;

    to = bridge_buffer_need(b, (len + 2) / 3 * 4 + 1);

    b->len += EVP_EncodeBlock((unsigned char *) to,
                              (const unsigned char *) data, len);
}


void
bridge_buffer_free(bridge_buffer_t *b)
{
    bridge_wipe_free(b->data, b->size);
    memset(b, 0, sizeof(bridge_buffer_t));
}
