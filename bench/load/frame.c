/*
 * Copyright (C) ngx_pimap_module authors
 */

/*
 * The splitter for TLS records and HTTP/2 frames, and the few HTTP/2 frames
 * of a client that sends one request and then only listens.
 */

#include <string.h>

#include "frame.h"


/* RFC 9113, 6.5.2: no push; a stream's window of 2^31 - 1 */

static const unsigned char  frame_preface[] =
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    "\0\0\14\4\0\0\0\0\0" "\0\2\0\0\0\0" "\0\4\177\377\377\377"
    "\0\0\4\10\0\0\0\0\0" "\177\377\0\0";


static size_t frame_h2_literal(unsigned char *p, unsigned index,
    const char *value);


frame_rc_t
frame_next(frame_t *frame, uint8_t head, const unsigned char **p,
    const unsigned char *last, const unsigned char **body, size_t *len)
{
    if (frame->have == head && frame->left == 0) {
        frame->have = 0;
    }

    if (frame->have == head) {

        *body = *p;
        *len = (size_t) (last - *p);

        if (*len == 0) {
            return FRAME_MORE;
        }

        if (*len > frame->left) {
            *len = frame->left;
        }

        *p += *len;
        frame->left -= (uint32_t) *len;

        return FRAME_BODY;
    }

    while (*p < last) {
        frame->head[frame->have++] = *(*p)++;

        if (frame->have < head) {
            continue;
        }

        if (head == FRAME_TLS_HEAD) {
            frame->left = (uint32_t) (frame->head[3] << 8 | frame->head[4]);

        } else {
            frame->left = (uint32_t) (frame->head[0] << 16
                                      | frame->head[1] << 8
                                      | frame->head[2]);
        }

        return FRAME_HEAD;
    }

    return FRAME_MORE;
}


int
frame_boundary(const frame_t *frame, uint8_t head)
{
    return frame->have == 0 || (frame->have == head && frame->left == 0);
}


size_t
frame_h2_request(unsigned char *buf, size_t size, const char *scheme,
    const char *authority, const char *path)
{
    size_t          len;
    unsigned char  *head, *p;

    /* one byte a length, no continuation: RFC 7541, 5.1 */

    if (strlen(authority) > 126 || strlen(path) > 126) {
        return 0;
    }

    len = sizeof(frame_preface) - 1 + FRAME_H2_HEAD + strlen(authority)
          + strlen(path) + 64;

    if (len > size) {
        return 0;
    }

    memcpy(buf, frame_preface, sizeof(frame_preface) - 1);

    head = buf + sizeof(frame_preface) - 1;
    p = head + FRAME_H2_HEAD;

    /* RFC 7541, appendix A: indices of the static table */

    *p++ = 0x82;                                   /* :method GET */
    *p++ = strcmp(scheme, "https") ? 0x86 : 0x87;  /* :scheme */
    p += frame_h2_literal(p, 1, authority);
    p += frame_h2_literal(p, 4, path);
    p += frame_h2_literal(p, 19, "text/event-stream");

    len = (size_t) (p - head) - FRAME_H2_HEAD;

    head[0] = 0;
    head[1] = (unsigned char) (len >> 8);
    head[2] = (unsigned char) len;
    head[3] = FRAME_H2_HEADERS;
    head[4] = 0x05;                                /* END_STREAM, _HEADERS */
    head[5] = 0;
    head[6] = 0;
    head[7] = 0;
    head[8] = 1;                                   /* stream */

    return (size_t) (p - buf);
}


/* RFC 7541, 6.2.2: without indexing, the name by its index, no Huffman */

static size_t
frame_h2_literal(unsigned char *p, unsigned index, const char *value)
{
    size_t          len;
    unsigned char  *start;

    start = p;
    len = strlen(value);

    if (index < 15) {
        *p++ = (unsigned char) index;

    } else {
        *p++ = 15;
        *p++ = (unsigned char) (index - 15);
    }

    *p++ = (unsigned char) len;
    memcpy(p, value, len);

    return (size_t) (p - start) + len;
}
