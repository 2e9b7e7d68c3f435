
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The chunked transfer coding: valid and invalid bytes of a client, in pieces
 * of any size.
 */


#include <stdlib.h>

#include "pimap_chunked.h"
#include "tap.h"


static const struct {
    const char   *name;
    const char   *bytes;
    const char   *expected;
} cases[] = {
    { "chunks", "5\r\nHello\r\n1\r\n!\r\n0\r\n\r\n", "Hello! end" },
    { "no chunk", "0\r\n\r\n", " end" },
    { "zeros", "0005\r\nHello\r\n00\r\n\r\n", "Hello end" },
    { "digits of both cases",
      "a\r\n0123456789\r\nA\r\n0123456789\r\n", "01234567890123456789" },
    { "line ends in a chunk", "4\r\n\r\n\r\n\r\n0\r\n\r\n", "\r\n\r\n end" },
    { "an extension", "1;a=b\r\nx\r\n0;c\r\n\r\n", "x end" },
    { "an extension with blanks", "1 ;a = \"b\"\r\nx\r\n1\t\r\ny\r\n", "xy" },
    { "trailers", "1\r\nx\r\n0\r\nA: b\r\nC: d\r\n\r\n", "x end" },
    { "bytes after the end", "0\r\n\r\nGET", " end" },
    { "not complete", "5\r\nHel", "Hel" },
    { "no size", "\r\nx", " no size of a chunk" },
    { "no digit", "g\r\nx", " no size of a chunk" },
    { "a sign", "-1\r\nx", " no size of a chunk" },
    { "hexadecimal as in C", "0x1\r\nx", " no size of a chunk" },
    { "a blank before the size", " 1\r\nx", " no size of a chunk" },
    { "a lone LF after a size", "1\nx", " no size of a chunk" },
    { "a lone LF after an extension", "1;a\nx", " no size of a chunk" },
    { "a lone CR", "1\rx", " no size of a chunk" },
    { "LF after a chunk", "1\r\nx\n1\r\ny\r\n", "x a chunk is longer than its "
      "size" },
    { "a chunk that is longer", "1\r\nxy\r\n", "x a chunk is longer than its "
      "size" },
    { "a CR and no LF", "1\r\nx\r1", "x a chunk is longer than its size" },
    { "a trailer with a lone LF", "0\r\nA: b\n\r\n", " no trailer" },
    { "a trailer with a lone CR", "0\r\nA: b\rx", " no trailer" },
    { "a lone LF at the end", "0\r\n\n", " no trailer" },
    { "a lone CR at the end", "0\r\n\rx", " no trailer" },
    { "the largest size", "ffffffffffffffff\r\nx", "x" },
    { "larger", "10000000000000000\r\nx", " a chunk is too large" },
};


/*
 * The result of reading these bytes, "step" of them at a time.  All but the
 * first "take" bytes of each piece are given back.
 */

static const char *
read_all(const char *bytes, size_t len, size_t step, size_t take)
{
    size_t                  n, at, done, back;
    uint8_t                *piece;
    pimap_chunked_t         chunked;
    pimap_chunked_in_t      in;
    pimap_chunked_result_t  rc;

    static char             out[1024];

    memset(&chunked, 0, sizeof(pimap_chunked_t));
    out[0] = '\0';

    for (at = 0; at < len; at += n) {
        n = len - at < step ? len - at : step;

        piece = malloc(n);
        if (piece == NULL) {
            return "no memory";
        }

        memcpy(piece, bytes + at, n);
        done = 0;

        do {
            rc = pimap_chunked_read(&chunked, piece + done, n - done, &in);

            if (!pimap_chunked_valid(&chunked) && rc != PIMAP_CHUNKED_FAIL) {
                strcat(out, " not valid");
            }

            if (rc == PIMAP_CHUNKED_DATA) {
                back = in.len > take ? in.len - take : 0;
                strncat(out, (char *) in.data, in.len - back);

                pimap_chunked_unread(&chunked, back);
                in.used -= back;
            }

            if (rc == PIMAP_CHUNKED_END) {
                strcat(out, " end");
            }

            if (rc == PIMAP_CHUNKED_FAIL) {
                strcat(strcat(out, " "), in.why);
            }

            done += in.used;

        } while (rc == PIMAP_CHUNKED_DATA);

        free(piece);

        if (rc != PIMAP_CHUNKED_AGAIN) {
            break;
        }
    }

    return out;
}


/* A body with a length, and what comes after it. */

static void
test_length(void)
{
    uint8_t              bytes[] = "Hello\r\n";
    pimap_chunked_t      chunked;
    pimap_chunked_in_t   in;

    memset(&chunked, 0, sizeof(pimap_chunked_t));
    pimap_chunked_length(&chunked, 5);

    tap_ok(pimap_chunked_read(&chunked, bytes, 7, &in) == PIMAP_CHUNKED_DATA
           && in.used == 5 && in.len == 5, "a body with a length");
    pimap_chunked_unread(&chunked, 2);
    tap_ok(pimap_chunked_valid(&chunked) && !pimap_chunked_idle(&chunked)
           && pimap_chunked_read(&chunked, bytes + 3, 4, &in)
              == PIMAP_CHUNKED_DATA && in.len == 2, "a part given back");
    tap_ok(pimap_chunked_valid(&chunked), "all is read");
    tap_ok(pimap_chunked_read(&chunked, bytes + 5, 0, &in)
           == PIMAP_CHUNKED_END && in.used == 0, "then it ends");
}


/* Lines that never end. */

static void
test_long(void)
{
    char  bytes[PIMAP_CHUNKED_TRAILERS_MAX + 10];

    memset(bytes, 'x', sizeof(bytes));

    bytes[0] = '1';
    bytes[1] = ';';
    tap_is_str(read_all(bytes, PIMAP_CHUNKED_LINE_MAX, 7, 100), "",
               "a long extension");
    tap_is_str(read_all(bytes, PIMAP_CHUNKED_LINE_MAX + 1, 7, 100),
               " the line with a chunk's size is too long",
               "an extension that is too long");

    memset(bytes, '0', PIMAP_CHUNKED_LINE_MAX + 1);
    tap_is_str(read_all(bytes, PIMAP_CHUNKED_LINE_MAX + 1, 7, 100),
               " the line with a chunk's size is too long",
               "a size with too many zeros");

    memset(bytes, 'x', sizeof(bytes));
    memcpy(bytes, "0\r\n", 3);
    tap_is_str(read_all(bytes, 3 + PIMAP_CHUNKED_TRAILERS_MAX, 7, 100), "",
               "a long trailer");
    tap_is_str(read_all(bytes, 4 + PIMAP_CHUNKED_TRAILERS_MAX, 7, 100),
               " the trailers are too long", "trailers that are too long");
}


static void
test_states(void)
{
    pimap_chunked_t  chunked;

    memset(&chunked, 0, sizeof(pimap_chunked_t));
    tap_ok(pimap_chunked_idle(&chunked) && pimap_chunked_valid(&chunked),
           "a new reader is idle");

    chunked.line = 1;
    tap_ok(!pimap_chunked_idle(&chunked), "a reader in a line is not idle");

    memset(&chunked, 0, sizeof(pimap_chunked_t));
    chunked.state = 4;
    tap_ok(!pimap_chunked_valid(&chunked),
           "invalid state: a chunk without bytes left");
    chunked.left = 1;
    tap_ok(pimap_chunked_valid(&chunked),
           "valid state: a chunk with a byte left");
    chunked.state = 5;
    tap_ok(!pimap_chunked_valid(&chunked),
           "invalid state: a byte is left after the chunk");

    memset(&chunked, 0, sizeof(pimap_chunked_t));
    chunked.state = 12;
    tap_ok(!pimap_chunked_valid(&chunked), "invalid state: an unknown state");
    chunked.state = 8;
    chunked.line = PIMAP_CHUNKED_TRAILERS_MAX + 1;
    tap_ok(!pimap_chunked_valid(&chunked),
           "invalid state: trailers that are too long");
}


int
main(void)
{
    size_t       i, step, len;
    const char  *got;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        len = strlen(cases[i].bytes);
        got = "nothing";

        for (step = 1; step <= len; step++) {
            got = read_all(cases[i].bytes, len, step, 1 + step % 2 * 100);

            if (strcmp(got, cases[i].expected) != 0) {
                break;
            }
        }

        tap_is_str(got, cases[i].expected, cases[i].name);
    }

    test_long();
    test_length();
    test_states();

    return tap_done();
}
