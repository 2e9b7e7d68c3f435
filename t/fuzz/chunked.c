
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * libFuzzer target: however the bytes are cut into pieces, a reader of chunks
 * returns the same body, stays valid, and returns only bytes of the input.
 * The first byte selects how the rest is cut.
 *
 * Reaches: pimap_chunked_byte, pimap_chunked_digit, pimap_chunked_valid.
 */


#include "fuzz.h"

#include "pimap_chunked.h"


typedef struct {
    pimap_chunked_t         chunked;
    size_t                  size;       /* of the body so far */
    uint32_t                sum;
    pimap_chunked_result_t  rc;
} fuzz_reader_t;


static void
fuzz_piece(fuzz_reader_t *reader, const uint8_t *data, size_t len)
{
    size_t               i, at;
    uint8_t             *piece;
    pimap_chunked_in_t   in;

    piece = malloc(len);
    if (piece == NULL) {
        abort();
    }

    memcpy(piece, data, len);
    at = 0;

    do {
        reader->rc = pimap_chunked_read(&reader->chunked, piece + at, len - at,
                                        &in);

        fuzz_check(in.used <= len - at);
        fuzz_check(reader->rc != PIMAP_CHUNKED_AGAIN || at + in.used == len);
        fuzz_check(reader->rc != PIMAP_CHUNKED_FAIL || in.why);
        fuzz_check(reader->rc == PIMAP_CHUNKED_FAIL
                   || pimap_chunked_valid(&reader->chunked));

        if (reader->rc == PIMAP_CHUNKED_DATA) {
            fuzz_check(in.len && in.data >= piece + at
                       && in.data + in.len == piece + at + in.used);

            for (i = 0; i < in.len; i++) {
                reader->sum = (reader->sum ^ in.data[i]) * 16777619;
            }

            reader->size += in.len;
        }

        at += in.used;

    } while (reader->rc == PIMAP_CHUNKED_DATA);

    free(piece);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t         n, at;
    unsigned       cut;
    fuzz_reader_t  whole, pieces;

    if (size < 2) {
        return 0;
    }

    cut = data[0];
    data++;
    size--;

    memset(&whole, 0, sizeof(fuzz_reader_t));
    memset(&pieces, 0, sizeof(fuzz_reader_t));

    fuzz_piece(&whole, data, size);

    for (at = 0; at < size && pieces.rc == PIMAP_CHUNKED_AGAIN; at += n) {
        cut = cut * 1103515245 + 12345;
        n = 1 + (cut >> 16) % 7;
        n = n < size - at ? n : size - at;

        fuzz_piece(&pieces, data + at, n);
    }

    fuzz_check(whole.rc == pieces.rc);
    fuzz_check(whole.size == pieces.size && whole.sum == pieces.sum);

    return 0;
}
