
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * libFuzzer target: however the bytes are cut into pieces, a WebSocket reader
 * returns the same messages, stays valid, and refuses a message that is too
 * long, or that is not compressed and not UTF-8.  The first byte selects how
 * the rest is cut, and its lowest bit whether messages may be compressed.
 *
 * Reaches: fuzz_data, pimap_ws_collect, pimap_ws_closing, pimap_ws_judge.
 */


#include "fuzz.h"

#include "pimap_ws.h"


#define FUZZ_LIMIT          500


typedef struct {
    pimap_ws_t     ws;
    pimap_utf8_t   utf8;
    size_t         size;                /* of the message so far */
    uint32_t       sum;                 /* of all results */
    int            deflate;
    int            over;
} fuzz_reader_t;


static void
fuzz_sum(fuzz_reader_t *reader, const uint8_t *data, size_t len)
{
    size_t  i;

    for (i = 0; i < len; i++) {
        reader->sum = (reader->sum ^ data[i]) * 16777619;
    }
}


static void
fuzz_data(fuzz_reader_t *reader, const pimap_ws_in_t *in)
{
    uint8_t  last = (uint8_t) in->last;

    reader->size += in->len;

    fuzz_check(reader->size <= FUZZ_LIMIT);

    if (in->compressed) {
        fuzz_check(reader->deflate && reader->utf8.need == 0);

    } else {
        fuzz_check(pimap_utf8_check(&reader->utf8, in->data, in->len));
    }

    fuzz_sum(reader, in->data, in->len);

    if (in->last) {
        last += (uint8_t) in->compressed;
        fuzz_check(reader->utf8.need == 0);
        fuzz_check(pimap_ws_idle(&reader->ws));
        fuzz_sum(reader, &last, 1);
        reader->size = 0;
    }
}


/* All results of one piece. */

static void
fuzz_piece(fuzz_reader_t *reader, const uint8_t *data, size_t len)
{
    uint8_t             *piece, what, code[2];
    size_t               at;
    pimap_ws_in_t        in;
    pimap_ws_result_t    rc;

    piece = malloc(len);
    if (piece == NULL) {
        abort();
    }

    memcpy(piece, data, len);
    rc = PIMAP_WS_DATA;

    for (at = 0; rc != PIMAP_WS_AGAIN && !reader->over; at += in.used) {

        rc = pimap_ws_read(&reader->ws, piece + at, len - at, FUZZ_LIMIT,
                           reader->deflate, &in);

        fuzz_check(in.used <= len - at);
        fuzz_check(rc != PIMAP_WS_AGAIN || at + in.used == len);

        if (rc == PIMAP_WS_DATA) {
            fuzz_data(reader, &in);

        } else if (rc == PIMAP_WS_PING || rc == PIMAP_WS_PONG) {
            what = (uint8_t) rc;
            fuzz_check(in.len <= PIMAP_WS_CONTROL_MAX);
            fuzz_sum(reader, &what, 1);
            fuzz_sum(reader, in.data, in.len);

        } else if (rc != PIMAP_WS_AGAIN) {
            fuzz_check(rc == PIMAP_WS_CLOSE || in.why);
            code[0] = (uint8_t) (in.code >> 8);
            code[1] = (uint8_t) in.code;
            fuzz_sum(reader, code, 2);
            reader->over = 1;
        }

        fuzz_check(rc == PIMAP_WS_FAIL
                   || pimap_ws_valid(&reader->ws, reader->deflate));
    }

    free(piece);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t         n, at;
    unsigned       cut;
    fuzz_reader_t  whole, pieces;

    if (size == 0) {
        return 0;
    }

    cut = data[0];
    data++;
    size--;

    memset(&whole, 0, sizeof(fuzz_reader_t));
    memset(&pieces, 0, sizeof(fuzz_reader_t));
    whole.deflate = pieces.deflate = cut & 1;

    fuzz_piece(&whole, data, size);

    for (at = 0; at < size && !pieces.over; at += n) {
        cut = cut * 1103515245 + 12345;
        n = 1 + (cut >> 16) % 7;
        n = n < size - at ? n : size - at;

        fuzz_piece(&pieces, data + at, n);
    }

    /* a failure may be seen before all of a piece has been passed on */

    fuzz_check(whole.over == pieces.over);
    fuzz_check(whole.over || whole.sum == pieces.sum);

    return 0;
}
