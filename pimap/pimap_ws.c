
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A frame's head is collected and checked as a whole.  Then the payload of a
 * message is passed on in pieces.  That of a control frame is collected: such
 * a frame may come between the fragments of a message (5.4).
 */


#include <string.h>

#include "pimap_ws.h"


#define PIMAP_WS_FIN        0x80
#define PIMAP_WS_RSV        0x70
#define PIMAP_WS_MASK       0x80
#define PIMAP_WS_MASK_LEN   4

#define pimap_ws_op(ws)     ((ws)->head[0] & 0x0f)
#define pimap_ws_fin(ws)    ((ws)->head[0] & PIMAP_WS_FIN)
#define pimap_ws_control(ws)  (pimap_ws_op(ws) & 0x08)


static size_t pimap_ws_head_size(const pimap_ws_t *ws);
static const char *pimap_ws_judge_start(const pimap_ws_t *ws, int deflate);
static int pimap_ws_reserved(const pimap_ws_t *ws, int deflate);
static pimap_ws_result_t pimap_ws_judge(pimap_ws_t *ws, uint64_t limit,
    pimap_ws_in_t *in);
static void pimap_ws_unmask(pimap_ws_t *ws, uint8_t *data, size_t len);
static pimap_ws_result_t pimap_ws_message(pimap_ws_t *ws, uint8_t *data,
    size_t len, pimap_ws_in_t *in);
static pimap_ws_result_t pimap_ws_collect(pimap_ws_t *ws, uint8_t *data,
    size_t len, pimap_ws_in_t *in);
static pimap_ws_result_t pimap_ws_closing(pimap_ws_in_t *in);
static int pimap_ws_code_valid(int code);
static pimap_ws_result_t pimap_ws_fail(pimap_ws_in_t *in, int code,
    const char *why);


pimap_ws_result_t
pimap_ws_read(pimap_ws_t *ws, uint8_t *data, size_t len, uint64_t limit,
    int deflate, pimap_ws_in_t *in)
{
    size_t              n;
    const char         *why;
    pimap_ws_result_t   rc;

    memset(in, 0, sizeof(pimap_ws_in_t));

    while (!ws->ready) {

        if (in->used == len) {
            return PIMAP_WS_AGAIN;
        }

        ws->head[ws->head_len++] = data[in->used++];

        /* an error is reported before more bytes are awaited */

        if (ws->head_len == 2) {
            why = pimap_ws_judge_start(ws, deflate);

            if (why) {
                return pimap_ws_fail(in, PIMAP_WS_PROTOCOL, why);
            }
        }

        if (ws->head_len >= 2 && ws->head_len == pimap_ws_head_size(ws)) {
            rc = pimap_ws_judge(ws, limit, in);

            if (rc != PIMAP_WS_AGAIN) {
                return rc;
            }
        }
    }

    n = len - in->used;

    if (n > ws->left) {
        n = (size_t) ws->left;
    }

    if (n == 0 && ws->left) {
        return PIMAP_WS_AGAIN;
    }

    data += in->used;
    in->used += n;
    ws->left -= n;

    pimap_ws_unmask(ws, data, n);

    return pimap_ws_control(ws) ? pimap_ws_collect(ws, data, n, in)
                                : pimap_ws_message(ws, data, n, in);
}


static size_t
pimap_ws_head_size(const pimap_ws_t *ws)
{
    switch (ws->head[1] & 0x7f) {
    case 126:
        return 2 + 2 + PIMAP_WS_MASK_LEN;
    case 127:
        return 2 + 8 + PIMAP_WS_MASK_LEN;
    default:
        return 2 + PIMAP_WS_MASK_LEN;
    }
}


/* What the first two bytes tell (5.2): NULL if nothing is wrong. */

static const char *
pimap_ws_judge_start(const pimap_ws_t *ws, int deflate)
{
    if (pimap_ws_reserved(ws, deflate)) {
        return "reserved bits";
    }

    switch (pimap_ws_op(ws)) {

    case PIMAP_WS_OP_MORE:

        if (!ws->open) {
            return "nothing to continue";
        }

        break;

    case PIMAP_WS_OP_TEXT:
    case PIMAP_WS_OP_BINARY:

        /* 5.4: fragments of two messages don't mix */

        if (ws->open) {
            return "a message within a message";
        }

        break;

    case PIMAP_WS_OP_CLOSE:
    case PIMAP_WS_OP_PING:
    case PIMAP_WS_OP_PONG:

        /* 5.5: at most 125 bytes, and not fragmented */

        if (!pimap_ws_fin(ws)) {
            return "a control frame in fragments";
        }

        if ((ws->head[1] & 0x7f) > PIMAP_WS_CONTROL_MAX) {
            return "a control frame too long";
        }

        break;

    default:
        return "unknown opcode";
    }

    /* 5.1: "a client MUST mask all frames" */

    return ws->head[1] & PIMAP_WS_MASK ? NULL : "not masked";
}


/*
 * 5.2: "MUST be 0 unless an extension is negotiated".  RFC 7692, 6.1: it is
 * set on the first frame of a message only.
 */

static int
pimap_ws_reserved(const pimap_ws_t *ws, int deflate)
{
    int  rsv;

    rsv = ws->head[0] & PIMAP_WS_RSV;

    if (rsv == PIMAP_WS_RSV1 && deflate) {
        return pimap_ws_control(ws) || pimap_ws_op(ws) == PIMAP_WS_OP_MORE;
    }

    return rsv != 0;
}


/* The head is complete. */

static pimap_ws_result_t
pimap_ws_judge(pimap_ws_t *ws, uint64_t limit, pimap_ws_in_t *in)
{
    uint8_t      i, n;
    uint64_t     len;

    n = ws->head_len - 2 - PIMAP_WS_MASK_LEN;
    len = n ? 0 : ws->head[1] & 0x7f;

    for (i = 0; i < n; i++) {
        len = len << 8 | ws->head[2 + i];
    }

    /* 5.2: "the minimal number of bytes", "the most significant bit MUST
       be 0" */

    if ((n == 2 && len < 126) || (n == 8 && len <= 0xffff)) {
        return pimap_ws_fail(in, PIMAP_WS_PROTOCOL, "length too long");
    }

    if (len >> 63) {
        return pimap_ws_fail(in, PIMAP_WS_PROTOCOL, "length out of range");
    }

    /* 7.4.1: "a type of data it cannot accept" */

    if (pimap_ws_op(ws) == PIMAP_WS_OP_BINARY) {
        return pimap_ws_fail(in, PIMAP_WS_UNACCEPTABLE, "binary message");
    }

    if (!pimap_ws_control(ws)) {

        if (len > limit || ws->size > limit - len) {
            return pimap_ws_fail(in, PIMAP_WS_TOO_LARGE, "message too large");
        }

        if (!ws->open) {
            ws->open = 1;
            ws->compressed = (ws->head[0] & PIMAP_WS_RSV1) != 0;
        }

        ws->size += len;
    }

    ws->left = len;
    ws->mask_at = 0;
    ws->control_len = 0;
    ws->ready = 1;

    return PIMAP_WS_AGAIN;
}


/* 5.3 */

static void
pimap_ws_unmask(pimap_ws_t *ws, uint8_t *data, size_t len)
{
    size_t         i;
    const uint8_t  *mask;

    mask = ws->head + ws->head_len - PIMAP_WS_MASK_LEN;

    for (i = 0; i < len; i++) {
        data[i] ^= mask[(ws->mask_at + i) & 3];
    }

    ws->mask_at = (uint8_t) ((ws->mask_at + len) & 3);
}


static pimap_ws_result_t
pimap_ws_message(pimap_ws_t *ws, uint8_t *data, size_t len,
    pimap_ws_in_t *in)
{
    /* 8.1: also a character that is cut by the message's end */

    if (!ws->compressed && !pimap_utf8_check(&ws->utf8, data, len)) {
        return pimap_ws_fail(in, PIMAP_WS_NOT_UTF8, "not UTF-8");
    }

    in->compressed = ws->compressed;
    in->data = data;
    in->len = len;

    if (ws->left) {
        return PIMAP_WS_DATA;
    }

    ws->ready = 0;
    ws->head_len = 0;

    if (!pimap_ws_fin(ws)) {
        return PIMAP_WS_DATA;
    }

    if (ws->utf8.need) {
        return pimap_ws_fail(in, PIMAP_WS_NOT_UTF8, "not UTF-8");
    }

    ws->open = 0;
    ws->compressed = 0;
    ws->size = 0;
    in->last = 1;

    return PIMAP_WS_DATA;
}


static pimap_ws_result_t
pimap_ws_collect(pimap_ws_t *ws, uint8_t *data, size_t len,
    pimap_ws_in_t *in)
{
    if (len) {
        memcpy(ws->control + ws->control_len, data, len);
        ws->control_len = (uint8_t) (ws->control_len + len);
    }

    if (ws->left) {
        return PIMAP_WS_AGAIN;
    }

    ws->ready = 0;
    ws->head_len = 0;

    in->data = ws->control;
    in->len = ws->control_len;
    ws->control_len = 0;

    switch (pimap_ws_op(ws)) {
    case PIMAP_WS_OP_PING:
        return PIMAP_WS_PING;
    case PIMAP_WS_OP_PONG:
        return PIMAP_WS_PONG;
    default:
        return pimap_ws_closing(in);
    }
}


/* 5.5.1: nothing, or a code and maybe a text */

static pimap_ws_result_t
pimap_ws_closing(pimap_ws_in_t *in)
{
    pimap_utf8_t  utf8;

    if (in->len == 0) {
        in->code = PIMAP_WS_NO_CODE;
        return PIMAP_WS_CLOSE;
    }

    if (in->len == 1) {
        return pimap_ws_fail(in, PIMAP_WS_PROTOCOL, "half a close code");
    }

    in->code = in->data[0] << 8 | in->data[1];

    if (!pimap_ws_code_valid(in->code)) {
        return pimap_ws_fail(in, PIMAP_WS_PROTOCOL, "invalid close code");
    }

    memset(&utf8, 0, sizeof(pimap_utf8_t));

    if (!pimap_utf8_check(&utf8, in->data + 2, in->len - 2) || utf8.need) {
        return pimap_ws_fail(in, PIMAP_WS_NOT_UTF8, "not UTF-8");
    }

    return PIMAP_WS_CLOSE;
}


/*
 * 7.4: 1004 is reserved; 1005, 1006 and 1015 are never sent; below 3000 IANA
 * has registered up to 1014; from 5000 on there are none.
 */

static int
pimap_ws_code_valid(int code)
{
    if (code >= 3000) {
        return code < 5000;
    }

    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
}


static pimap_ws_result_t
pimap_ws_fail(pimap_ws_in_t *in, int code, const char *why)
{
    in->data = NULL;
    in->len = 0;
    in->last = 0;
    in->code = code;
    in->why = why;

    return PIMAP_WS_FAIL;
}


int
pimap_ws_idle(const pimap_ws_t *ws)
{
    return ws->head_len == 0 && !ws->open;
}


int
pimap_ws_valid(const pimap_ws_t *ws, int deflate)
{
    pimap_ws_t  start;

    if (ws->head_len > sizeof(ws->head)
        || ws->ready > 1
        || ws->mask_at > 3
        || ws->open > 1
        || ws->compressed > (ws->open && deflate)
        || ws->utf8.need > 3
        || ws->control_len > PIMAP_WS_CONTROL_MAX)
    {
        return 0;
    }

    if (ws->head_len < 2) {
        return !ws->ready;
    }

    /* the frame was judged when the message was not yet open */

    start = *ws;
    start.open = (pimap_ws_op(ws) == PIMAP_WS_OP_MORE
                  || (ws->open && pimap_ws_control(ws)));

    if (pimap_ws_judge_start(&start, deflate)
        || ws->head_len > pimap_ws_head_size(ws)
        || ws->ready != (ws->head_len == pimap_ws_head_size(ws)))
    {
        return 0;
    }

    if (!ws->ready) {
        return 1;
    }

    return pimap_ws_control(ws)
           ? ws->left + ws->control_len <= PIMAP_WS_CONTROL_MAX
           : ws->open && ws->left <= ws->size;
}


size_t
pimap_ws_head(uint8_t *buf, pimap_ws_op_t op, size_t len)
{
    size_t    i, n;
    uint64_t  size;

    buf[0] = (uint8_t) (PIMAP_WS_FIN | op);

    if (len < 126) {
        buf[1] = (uint8_t) len;
        return 2;
    }

    n = len <= 0xffff ? 2 : 8;
    buf[1] = n == 2 ? 126 : 127;
    size = len;

    for (i = 0; i < n; i++) {
        buf[2 + i] = (uint8_t) (size >> 8 * (n - 1 - i));
    }

    return 2 + n;
}


size_t
pimap_ws_close(uint8_t *buf, int code, const char *why)
{
    size_t    n, len;
    uint8_t  *p;

    len = strlen(why);

    if (len > PIMAP_WS_CONTROL_MAX - 2) {
        len = PIMAP_WS_CONTROL_MAX - 2;
    }

    n = pimap_ws_head(buf, PIMAP_WS_OP_CLOSE, 2 + len);
    p = buf + n;

    p[0] = (uint8_t) (code >> 8);
    p[1] = (uint8_t) code;
    memcpy(p + 2, why, len);

    return n + 2 + len;
}
