
/*
 * Copyright (C) ngx_pimap_module authors
 */


#include "imap_buf.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "bridge.h"


#define IMAP_BUF_FIRST  256


int
imap_str_equal(const imap_str_t *s, const char *text, size_t len)
{
    return s->data && s->len == len && strncasecmp(s->data, text, len) == 0;
}


char *
imap_buf_need(imap_buf_t *b, size_t len)
{
    char    *data;
    size_t   size;

    if (b->size - b->len >= len) {
        return b->data + b->len;
    }

    size = b->size ? b->size : IMAP_BUF_FIRST;

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
imap_buf_add(imap_buf_t *b, const void *data, size_t len)
{
    if (len) {
        memcpy(imap_buf_need(b, len), data, len);
        b->len += len;
    }
}


void
imap_buf_text(imap_buf_t *b, const char *text)
{
    imap_buf_add(b, text, strlen(text));
}


void
imap_buf_char(imap_buf_t *b, char c)
{
    *imap_buf_need(b, 1) = c;
    b->len++;
}


void
imap_buf_number(imap_buf_t *b, uint64_t n)
{
    char  text[24];

    imap_buf_add(b, text, snprintf(text, sizeof(text), "%llu",
                                   (unsigned long long) n));
}


void
imap_buf_base64(imap_buf_t *b, const char *data, size_t len)
{
    size_t    i;
    uint32_t  bits;

    static const char  digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (i = 0; i < len; i += 3) {
        bits = (uint32_t) (unsigned char) data[i] << 16;
        bits |= i + 1 < len ? (unsigned char) data[i + 1] << 8 : 0;
        bits |= i + 2 < len ? (unsigned char) data[i + 2] : 0;

        imap_buf_char(b, digits[bits >> 18]);
        imap_buf_char(b, digits[bits >> 12 & 63]);
        imap_buf_char(b, i + 1 < len ? digits[bits >> 6 & 63] : '=');
        imap_buf_char(b, i + 2 < len ? digits[bits & 63] : '=');
    }
}


void
imap_buf_free(imap_buf_t *b)
{
    bridge_wipe_free(b->data, b->size);
    memset(b, 0, sizeof(imap_buf_t));
}
