
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the frames of WebSocket (RFC 6455), as a server reads and writes them,
 * compressed ones too (RFC 7692).  Called by updates/ and message/.
 * Invariant: it allocates and inflates nothing.
 */


#ifndef _PIMAP_WS_H_INCLUDED_
#define _PIMAP_WS_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>

#include "pimap_utf8.h"


#define PIMAP_WS_CONTROL_MAX   125      /* 5.5: bytes of a control frame */
#define PIMAP_WS_HEAD_MAX      10       /* of a frame that is not masked */
#define PIMAP_WS_RSV1          0x40     /* RFC 7692, 6: it is compressed */


/* RFC 6455, 5.2 */
typedef enum {
    PIMAP_WS_OP_MORE = 0x0,
    PIMAP_WS_OP_TEXT = 0x1,
    PIMAP_WS_OP_BINARY = 0x2,
    PIMAP_WS_OP_CLOSE = 0x8,
    PIMAP_WS_OP_PING = 0x9,
    PIMAP_WS_OP_PONG = 0xa
} pimap_ws_op_t;


/* RFC 6455, 7.4.1, and IANA's registry */
typedef enum {
    PIMAP_WS_NORMAL = 1000,
    PIMAP_WS_GOING_AWAY = 1001,
    PIMAP_WS_PROTOCOL = 1002,
    PIMAP_WS_UNACCEPTABLE = 1003,
    PIMAP_WS_NO_CODE = 1005,            /* never sent */
    PIMAP_WS_NOT_UTF8 = 1007,
    PIMAP_WS_POLICY = 1008,
    PIMAP_WS_TOO_LARGE = 1009,
    PIMAP_WS_INTERNAL = 1011,
    PIMAP_WS_TRY_LATER = 1013
} pimap_ws_code_t;


/*
 * A reader.  Zeroed, or idle: between two messages.  It has no pointers, so
 * that it can go on elsewhere.
 */
typedef struct {
    uint64_t       left;                /* bytes of the frame to come */
    uint64_t       size;                /* of the message so far */

    uint8_t        head[14];
    uint8_t        head_len;
    uint8_t        ready;               /* the head is complete */
    uint8_t        mask_at;
    uint8_t        open;                /* a message has begun ... */
    uint8_t        compressed;          /* ... which is */
    pimap_utf8_t   utf8;

    uint8_t        control_len;
    uint8_t        control[PIMAP_WS_CONTROL_MAX];
} pimap_ws_t;


typedef enum {
    PIMAP_WS_AGAIN = 0,                 /* all has been read */
    PIMAP_WS_DATA,                      /* a piece of a text, maybe empty */
    PIMAP_WS_PING,                      /* to be answered with "data" */
    PIMAP_WS_PONG,
    PIMAP_WS_CLOSE,                     /* with "code", or PIMAP_WS_NO_CODE */
    PIMAP_WS_FAIL                       /* to be closed with "code" */
} pimap_ws_result_t;


typedef struct {
    size_t         used;                /* bytes that have been read */
    uint8_t       *data;                /* in the bytes, or in the reader */
    size_t         len;
    int            last;                /* the message is complete */
    int            compressed;          /* maybe no UTF-8 when inflated */
    int            code;
    const char    *why;                 /* of a failure */
} pimap_ws_in_t;


/*
 * Reads until there is something to say; to be called again with the rest
 * of the bytes until AGAIN.  Payload is unmasked in its place.  A message
 * has "limit" bytes at most, and may be compressed if "deflate" says so.
 * Nothing may be read after CLOSE and FAIL.
 */
pimap_ws_result_t pimap_ws_read(pimap_ws_t *ws, uint8_t *data, size_t len,
    uint64_t limit, int deflate, pimap_ws_in_t *in);

/* True between two messages: the reader remembers nothing. */
int pimap_ws_idle(const pimap_ws_t *ws);

/* True if it may be one that has been read with up to now. */
int pimap_ws_valid(const pimap_ws_t *ws, int deflate);

/* The head of a whole frame of "len" bytes: its length. */
size_t pimap_ws_head(uint8_t *buf, pimap_ws_op_t op, size_t len);

/* A Close frame, in PIMAP_WS_HEAD_MAX + PIMAP_WS_CONTROL_MAX bytes. */
size_t pimap_ws_close(uint8_t *buf, int code, const char *why);


#endif /* _PIMAP_WS_H_INCLUDED_ */
