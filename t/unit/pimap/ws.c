
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * WebSocket's frames: valid and invalid frames of a client, in pieces of any
 * size.  t/transport/websocket_conformance.t has the whole list, against a
 * server.
 */


#include <stdlib.h>

#include "pimap_ws.h"
#include "tap.h"


#define LIMIT         300

/* a mask of zeros, so that the payload can be read */
#define Z             "\0\0\0\0"
#define case_of(s)    s, sizeof(s) - 1


typedef struct {
    const char   *name;
    const char   *bytes;
    size_t        len;
    const char   *expected;
} case_t;


static const case_t  cases[] = {
    { "5.7: a masked text", case_of("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d"
      "\x51\x58"), "text(Hello)" },
    { "two texts", case_of("\x81\x81" Z "a" "\x81\x81" Z "b"),
      "text(a) text(b)" },
    { "an empty text", case_of("\x81\x80" Z), "text()" },
    { "5.4: fragments",
      case_of("\x01\x81" Z "a" "\x00\x80" Z "\x80\x81" Z "b"), "text(ab)" },
    { "5.4: a Ping between fragments",
      case_of("\x01\x81" Z "a" "\x89\x81" Z "p" "\x80\x81" Z "b"),
      "ping(p) text(ab)" },
    { "5.4: a Close between fragments",
      case_of("\x01\x81" Z "a" "\x88\x80" Z), "close 1005" },
    { "5.5.3: a Pong", case_of("\x8a\x80" Z), "pong()" },
    { "5.5.1: a Close with a code", case_of("\x88\x84" Z "\x03\xe8ok"),
      "close 1000" },
    { "7.4.2: a code of an application", case_of("\x88\x82" Z "\x0f\xa0"),
      "close 4000" },
    { "5.5.1: half a code", case_of("\x88\x81" Z "\x03"), "fail 1002" },
    { "7.4.1: 1005", case_of("\x88\x82" Z "\x03\xed"), "fail 1002" },
    { "7.4.1: 1006", case_of("\x88\x82" Z "\x03\xee"), "fail 1002" },
    { "7.4.1: 1015", case_of("\x88\x82" Z "\x03\xf7"), "fail 1002" },
    { "7.4.1: 999", case_of("\x88\x82" Z "\x03\xe7"), "fail 1002" },
    { "7.4.2: 2999", case_of("\x88\x82" Z "\x0b\xb7"), "fail 1002" },
    { "7.4.2: 5000", case_of("\x88\x82" Z "\x13\x88"), "fail 1002" },
    { "5.5.1: a reason that is no UTF-8",
      case_of("\x88\x83" Z "\x03\xe8\xff"), "fail 1007" },
    { "5.1: not masked", case_of("\x81\x01" "a"), "fail 1002" },
    { "5.2: RSV1", case_of("\xc1\x80" Z), "fail 1002" },
    { "5.2: RSV2", case_of("\xa1\x80" Z), "fail 1002" },
    { "5.2: RSV3", case_of("\x91\x80" Z), "fail 1002" },
    { "5.2: opcode 3", case_of("\x83\x80" Z), "fail 1002" },
    { "5.2: opcode 11", case_of("\x8b\x80" Z), "fail 1002" },
    { "5.4: nothing to continue", case_of("\x80\x80" Z), "fail 1002" },
    { "5.4: a text within a text", case_of("\x01\x80" Z "\x81\x80" Z),
      "fail 1002" },
    { "5.5: a Ping in fragments", case_of("\x09\x80" Z), "fail 1002" },
    { "5.5: a Ping too long", case_of("\x89\xfe\x00\x7e" Z), "fail 1002" },
    { "5.2: 126 for less", case_of("\x81\xfe\x00\x7d" Z), "fail 1002" },
    { "5.2: 127 for less", case_of("\x81\xff\0\0\0\0\0\0\xff\xff" Z),
      "fail 1002" },
    { "5.2: 2^63 bytes", case_of("\x81\xff\x80\0\0\0\0\0\0\0" Z),
      "fail 1002" },
    { "7.4.1: too large, before it comes",
      case_of("\x81\xff\0\0\0\0\0\x01\0\0" Z), "fail 1009" },
    { "7.4.1: too large by a byte", case_of("\x81\xfe\x01\x2d" Z),
      "fail 1009" },
    { "7.4.1: too large by fragments",
      case_of("\x01\x81" Z "a" "\x80\xfe\x01\x2c" Z), "fail 1009" },
    { "7.4.1: binary", case_of("\x82\x80" Z), "fail 1003" },
    { "8.1: UTF-8", case_of("\x81\x8a" Z "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"
      "."), "text(\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80.)" },
    { "8.1: over fragments",
      case_of("\x01\x81" Z "\xc3" "\x80\x81" Z "\xa9"), "text(\xc3\xa9)" },
    { "8.1: cut", case_of("\x81\x81" Z "\xc3"), "fail 1007" },
    { "8.1: cut by fragments",
      case_of("\x01\x81" Z "\xc3" "\x80\x80" Z), "fail 1007" },
    { "8.1: overlong", case_of("\x81\x82" Z "\xc0\x80"), "fail 1007" },
    { "8.1: overlong, three", case_of("\x81\x83" Z "\xe0\x80\x80"),
      "fail 1007" },
    { "8.1: a surrogate", case_of("\x81\x83" Z "\xed\xa0\x80"), "fail 1007" },
    { "8.1: beyond U+10FFFF", case_of("\x81\x84" Z "\xf4\x90\x80\x80"),
      "fail 1007" },
    { "8.1: refused before the end", case_of("\x01\x85" Z "ab\xff"),
      "fail 1007" },
    { "a frame that is not complete", case_of("\x81\x85" Z "Hel"), "" },
};


/* RFC 7692, with permessage-deflate */

static const case_t  deflate_cases[] = {
    { "7.2.3.1: a compressed text",
      case_of("\xc1\x87" Z "\xf2\x48\xcd\xc9\xc9\x07" "."),
      "packed(\xf2\x48\xcd\xc9\xc9\x07.)" },
    { "7.2.3.1: compressed fragments", case_of("\x41\x83" Z "\xf2\x48\xcd"
      "\x80\x84" Z "\xc9\xc9\x07."),
      "packed(\xf2\x48\xcd\xc9\xc9\x07.)" },
    { "6.1: a Ping between fragments", case_of("\x41\x81" Z "\xff" "\x89\x81" Z
      "p" "\x80\x81" Z "\xfe"), "ping(p) packed(\xff\xfe)" },
    { "6.1: a plain text after a compressed text",
      case_of("\xc1\x81" Z "\xff" "\x81\x82" Z "\xc3\xa9"),
      "packed(\xff) text(\xc3\xa9)" },
    { "a plain text, not UTF-8, after a compressed text",
      case_of("\xc1\x81" Z "\xff" "\x81\x81" Z "\xff"),
      "packed(\xff) fail 1007" },
    { "6.1: RSV1 of a later fragment",
      case_of("\x41\x81" Z "a" "\xc0\x81" Z "b"), "fail 1002" },
    { "RSV1 of a later fragment, not of the first",
      case_of("\x01\x81" Z "a" "\xc0\x81" Z "b"), "fail 1002" },
    { "6.1: RSV1 of a Ping", case_of("\xc9\x80" Z), "fail 1002" },
    { "RSV1 of a Close", case_of("\xc8\x80" Z), "fail 1002" },
    { "RSV1 and RSV2", case_of("\xe1\x80" Z), "fail 1002" },
    { "RSV2", case_of("\xa1\x80" Z), "fail 1002" },
    { "binary", case_of("\xc2\x81" Z "\xff"), "fail 1003" },
    { "a compressed text that is too large",
      case_of("\xc1\xfe\x01\x2d" Z), "fail 1009" },
    { "a compressed frame that is not complete",
      case_of("\xc1\x85" Z "\xff"), "" },
};


static int  deflate;


/* The result of reading these bytes, "step" of them at a time. */

static const char *
read_all(const char *bytes, size_t len, size_t step)
{
    size_t              n, at, used;
    uint8_t             text[512], *piece;
    pimap_ws_t          ws;
    pimap_ws_in_t       in;
    pimap_ws_result_t   rc;

    static char         out[1024];

    memset(&ws, 0, sizeof(pimap_ws_t));
    out[0] = '\0';
    used = 0;

    for (at = 0; at < len; at += n) {
        n = len - at < step ? len - at : step;

        piece = malloc(n);
        if (piece == NULL) {
            return "no memory";
        }

        memcpy(piece, bytes + at, n);

        for (size_t done = 0; ; done += in.used) {
            rc = pimap_ws_read(&ws, piece + done, n - done, LIMIT,
                               deflate, &in);

            if (!pimap_ws_valid(&ws, deflate) && rc != PIMAP_WS_FAIL) {
                strcat(out, " not valid");
            }

            if (rc == PIMAP_WS_DATA) {

                if (in.len) {
                    memcpy(text + used, in.data, in.len);
                    used += in.len;
                }

                if (in.last) {
                    sprintf(out + strlen(out), " %s(%.*s)",
                            in.compressed ? "packed" : "text", (int) used,
                            (char *) text);
                    used = 0;
                }

            } else if (rc == PIMAP_WS_PING || rc == PIMAP_WS_PONG) {
                sprintf(out + strlen(out), " %s(%.*s)",
                        rc == PIMAP_WS_PING ? "ping" : "pong", (int) in.len,
                        (char *) in.data);

            } else if (rc != PIMAP_WS_AGAIN) {
                sprintf(out + strlen(out), " %s %d",
                        rc == PIMAP_WS_CLOSE ? "close" : "fail", in.code);
                free(piece);
                return out + 1;

            } else {
                break;
            }
        }

        free(piece);
    }

    return out[0] ? out + 1 : out;
}


static void
test_long(void)
{
    char        bytes[4 + 4 + LIMIT];
    pimap_ws_t  ws;

    memcpy(bytes, "\x81\xfe\x01\x2c" Z, 8);
    memset(bytes + 8, 'x', LIMIT);

    tap_is_int(strlen(read_all(bytes, sizeof(bytes), sizeof(bytes))),
               LIMIT + 6, "a message of the largest size");

    memset(&ws, 0, sizeof(pimap_ws_t));
    tap_ok(pimap_ws_idle(&ws) && pimap_ws_valid(&ws, 0),
           "a new reader is idle and valid");

    ws.ready = 1;
    tap_ok(!pimap_ws_valid(&ws, 0), "invalid state: ready without a head");

    memset(&ws, 0, sizeof(pimap_ws_t));
    ws.head_len = 6;
    ws.ready = 1;
    memcpy(ws.head, "\x89\x85" Z, 6);
    ws.left = 5;
    tap_ok(pimap_ws_valid(&ws, 0), "valid state: in a Ping");
    ws.left = 126;
    tap_ok(!pimap_ws_valid(&ws, 0),
           "invalid state: in a Ping that is too long");

    ws.head[0] = 0x81;
    tap_ok(!pimap_ws_valid(&ws, 0),
           "invalid state: in a text that has not begun");

    ws.head[0] = 0xc1;
    ws.left = ws.size = 5;
    ws.open = ws.compressed = 1;
    tap_ok(pimap_ws_valid(&ws, 1), "valid state: in a compressed text");
    tap_ok(!pimap_ws_valid(&ws, 0),
           "invalid state: compressed, but not negotiated");
    ws.compressed = 2;
    tap_ok(!pimap_ws_valid(&ws, 1), "invalid state: an unknown flag");

    memset(&ws, 0, sizeof(pimap_ws_t));
    ws.compressed = 1;
    tap_ok(!pimap_ws_valid(&ws, 1), "invalid state: compressed, but no text");
}


static void
test_write(void)
{
    uint8_t  buf[PIMAP_WS_HEAD_MAX + PIMAP_WS_CONTROL_MAX];
    char     why[200];

    tap_is_mem((char *) buf, pimap_ws_head(buf, PIMAP_WS_OP_TEXT, 125),
               "\x81\x7d", "a head of two bytes");
    tap_is_int(pimap_ws_head(buf, PIMAP_WS_OP_TEXT, 126), 4,
               "a head of four bytes");
    tap_ok(memcmp(buf, "\x81\x7e\x00\x7e", 4) == 0, "its bytes");
    tap_is_int(pimap_ws_head(buf, PIMAP_WS_OP_TEXT, 65535), 4,
               "the largest head of four bytes");
    tap_is_int(pimap_ws_head(buf, PIMAP_WS_OP_TEXT, 65536), 10,
               "a head of ten bytes");
    tap_ok(memcmp(buf, "\x81\x7f\0\0\0\0\0\x01\0\0", 10) == 0, "its bytes");

    tap_is_mem((char *) buf, pimap_ws_close(buf, 1001, "bye"),
               "\x88\x05\x03\xe9" "bye", "a Close");

    memset(why, 'x', sizeof(why) - 1);
    why[sizeof(why) - 1] = '\0';
    tap_is_int(pimap_ws_close(buf, 1001, why), 2 + PIMAP_WS_CONTROL_MAX,
               "a Close with a reason that is too long");
}


static void
test_cases(const case_t *c, size_t n)
{
    size_t       step;
    const char  *got;

    for ( ; n; n--, c++) {
        got = "nothing";

        for (step = 1; step <= c->len; step++) {
            got = read_all(c->bytes, c->len, step);

            if (strcmp(got, c->expected) != 0) {
                break;
            }
        }

        tap_is_str(got, c->expected, c->name);
    }
}


int
main(void)
{
    size_t  i, n;

    n = sizeof(cases) / sizeof(cases[0]);

    test_cases(cases, n);

    /* plain frames are the same; RSV1 has its own cases there */

    deflate = 1;

    for (i = 0; i < n; i++) {
        if (strcmp(cases[i].name, "5.2: RSV1") != 0) {
            test_cases(&cases[i], 1);
        }
    }

    test_cases(deflate_cases,
               sizeof(deflate_cases) / sizeof(deflate_cases[0]));
    deflate = 0;

    test_long();
    test_write();

    return tap_done();
}
