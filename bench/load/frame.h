/*
 * Copyright (C) ngx_pimap_module authors
 */

/*
 * Units with a head that tells their length: TLS records and HTTP/2 frames.
 * A stream may be cut anywhere; the state is small.  Pure.
 */

#ifndef BENCH_FRAME_H
#define BENCH_FRAME_H

#include <stddef.h>
#include <stdint.h>


#define FRAME_TLS_HEAD       5     /* RFC 8446, 5.1 */
#define FRAME_H2_HEAD        9     /* RFC 9113, 4.1 */

/* inner content type and AEAD tag of a TLS 1.3 record, RFC 8446, 5.2 */
#define FRAME_TLS_OVERHEAD   17

#define FRAME_H2_DATA        0
#define FRAME_H2_HEADERS     1
#define FRAME_H2_RST_STREAM  3
#define FRAME_H2_SETTINGS    4
#define FRAME_H2_GOAWAY      7

#define FRAME_H2_ACK         1     /* flag of SETTINGS */


typedef struct {
    uint32_t   left;               /* of the unit's body */
    uint8_t    head[FRAME_H2_HEAD];
    uint8_t    have;               /* bytes of the head */
} frame_t;


typedef enum {
    FRAME_MORE = 0,                /* all bytes read, no body among them */
    FRAME_HEAD,                    /* a head is complete */
    FRAME_BODY                     /* bytes of a body: *body, *len */
} frame_rc_t;


/* head is FRAME_TLS_HEAD or FRAME_H2_HEAD, the same for a whole stream */
frame_rc_t frame_next(frame_t *frame, uint8_t head, const unsigned char **p,
    const unsigned char *last, const unsigned char **body, size_t *len);

/* true between two units */
int frame_boundary(const frame_t *frame, uint8_t head);

/* preface, SETTINGS, a window that never closes, and GET; 0: no room */
size_t frame_h2_request(unsigned char *buf, size_t size, const char *scheme,
    const char *authority, const char *path);

#define FRAME_H2_SETTINGS_ACK  "\0\0\0\4\1\0\0\0\0"


#endif /* BENCH_FRAME_H */
