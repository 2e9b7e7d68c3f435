
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A line ends in CR LF and in nothing else.  A proxy may read a lone CR or LF
 * in another way, and would see other chunks than we do.
 */


#include "pimap_chunked.h"


#define PIMAP_CHUNKED_LEFT_MAX  (UINT64_MAX >> 4)   /* one more digit fits */


enum {
    SIZE_START = 0,
    SIZE,
    EXTENSION,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER_START,
    TRAILER,
    TRAILER_LF,
    END_LF,
    NSTATES
};


static pimap_chunked_result_t pimap_chunked_byte(pimap_chunked_t *chunked,
    uint8_t ch, const char **why);
static pimap_chunked_result_t pimap_chunked_size(pimap_chunked_t *chunked,
    uint8_t ch, const char **why);
static pimap_chunked_result_t pimap_chunked_trailer(pimap_chunked_t *chunked,
    uint8_t ch, const char **why);
static int pimap_chunked_digit(uint8_t ch);


pimap_chunked_result_t
pimap_chunked_read(pimap_chunked_t *chunked, uint8_t *data, size_t len,
    pimap_chunked_in_t *in)
{
    size_t                  i;
    pimap_chunked_result_t  rc;

    for (i = 0; i < len; i++) {

        if (chunked->state == DATA) {
            in->data = data + i;
            in->len = len - i < chunked->left ? len - i
                                              : (size_t) chunked->left;
            in->used = i + in->len;

            chunked->left -= in->len;

            if (chunked->left == 0) {
                chunked->state = DATA_CR;
            }

            return PIMAP_CHUNKED_DATA;
        }

        rc = pimap_chunked_byte(chunked, data[i], &in->why);

        if (rc != PIMAP_CHUNKED_AGAIN) {
            in->used = i + 1;
            return rc;
        }
    }

    in->used = len;

    return PIMAP_CHUNKED_AGAIN;
}


static pimap_chunked_result_t
pimap_chunked_byte(pimap_chunked_t *chunked, uint8_t ch, const char **why)
{
    if (chunked->state <= SIZE_LF) {
        return pimap_chunked_size(chunked, ch, why);
    }

    if (chunked->state >= TRAILER_START) {
        return pimap_chunked_trailer(chunked, ch, why);
    }

    if (chunked->state == DATA_CR && ch == '\r') {
        chunked->state = DATA_LF;
        return PIMAP_CHUNKED_AGAIN;
    }

    if (chunked->state == DATA_LF && ch == '\n') {
        chunked->state = SIZE_START;
        return PIMAP_CHUNKED_AGAIN;
    }

    *why = "a chunk is longer than its size";

    return PIMAP_CHUNKED_FAIL;
}


static pimap_chunked_result_t
pimap_chunked_size(pimap_chunked_t *chunked, uint8_t ch, const char **why)
{
    int  digit;

    if (++chunked->line > PIMAP_CHUNKED_LINE_MAX) {
        *why = "the line with a chunk's size is too long";
        return PIMAP_CHUNKED_FAIL;
    }

    digit = pimap_chunked_digit(ch);

    if (chunked->state <= SIZE && digit >= 0) {

        if (chunked->left > PIMAP_CHUNKED_LEFT_MAX) {
            *why = "a chunk is too large";
            return PIMAP_CHUNKED_FAIL;
        }

        chunked->left = chunked->left << 4 | (unsigned) digit;
        chunked->state = SIZE;

        return PIMAP_CHUNKED_AGAIN;
    }

    if (chunked->state == SIZE_LF && ch == '\n') {
        chunked->line = 0;
        chunked->state = chunked->left ? DATA : TRAILER_START;

        return PIMAP_CHUNKED_AGAIN;
    }

    if ((chunked->state == SIZE || chunked->state == EXTENSION) && ch == '\r')
    {
        chunked->state = SIZE_LF;
        return PIMAP_CHUNKED_AGAIN;
    }

    if ((chunked->state == SIZE && (ch == ';' || ch == ' ' || ch == '\t'))
        || (chunked->state == EXTENSION && ch != '\n'))
    {
        chunked->state = EXTENSION;
        return PIMAP_CHUNKED_AGAIN;
    }

    *why = "no size of a chunk";

    return PIMAP_CHUNKED_FAIL;
}


static pimap_chunked_result_t
pimap_chunked_trailer(pimap_chunked_t *chunked, uint8_t ch, const char **why)
{
    if (++chunked->line > PIMAP_CHUNKED_TRAILERS_MAX) {
        *why = "the trailers are too long";
        return PIMAP_CHUNKED_FAIL;
    }

    switch (chunked->state) {

    case TRAILER_START:

        if (ch != '\n') {
            chunked->state = (ch == '\r') ? END_LF : TRAILER;
            return PIMAP_CHUNKED_AGAIN;
        }

        break;

    case TRAILER:

        if (ch != '\n') {
            chunked->state = (ch == '\r') ? TRAILER_LF : TRAILER;
            return PIMAP_CHUNKED_AGAIN;
        }

        break;

    case TRAILER_LF:

        if (ch == '\n') {
            chunked->state = TRAILER_START;
            return PIMAP_CHUNKED_AGAIN;
        }

        break;

    default: /* END_LF */

        if (ch == '\n') {
            return PIMAP_CHUNKED_END;
        }
    }

    *why = "no trailer";

    return PIMAP_CHUNKED_FAIL;
}


static int
pimap_chunked_digit(uint8_t ch)
{
    if (ch >= '0' && ch <= '9') {
        return ch - '0';
    }

    ch |= 0x20;

    return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}


int
pimap_chunked_idle(const pimap_chunked_t *chunked)
{
    return chunked->state == SIZE_START && chunked->line == 0;
}


int
pimap_chunked_valid(const pimap_chunked_t *chunked)
{
    return chunked->state < NSTATES
           && (chunked->state != DATA || chunked->left > 0)
           && chunked->line <= PIMAP_CHUNKED_TRAILERS_MAX
           && (chunked->left == 0 || chunked->state <= DATA);
}
