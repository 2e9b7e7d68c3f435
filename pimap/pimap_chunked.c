
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
    LENGTH,                             /* a body that is no chunks */
    NSTATES,
    END,                                /* of the body */
    FAIL
};


/* Classes of bytes. */
enum {
    HEX = 0,
    BLANK,                              /* or a semicolon */
    OTHER,
    CR,
    LF,
    NCLASSES
};


static pimap_chunked_result_t pimap_chunked_byte(pimap_chunked_t *chunked,
    uint8_t ch, const char **why);
static int pimap_chunked_digit(uint8_t ch);


/* The next state by the class of a byte; DATA and LENGTH have none. */

static const uint8_t  pimap_chunked_next[NSTATES][NCLASSES] = {
    /*                   HEX        BLANK      OTHER      CR          LF */
    [SIZE_START]    = { SIZE,      FAIL,      FAIL,      FAIL,       FAIL },
    [SIZE]          = { SIZE,      EXTENSION, FAIL,      SIZE_LF,    FAIL },
    [EXTENSION]     = { EXTENSION, EXTENSION, EXTENSION, SIZE_LF,    FAIL },
    [SIZE_LF]       = { FAIL,      FAIL,      FAIL,      FAIL,       DATA },
    [DATA_CR]       = { FAIL,      FAIL,      FAIL,      DATA_LF,    FAIL },
    [DATA_LF]       = { FAIL,      FAIL,      FAIL,      FAIL, SIZE_START },
    [TRAILER_START] = { TRAILER,   TRAILER,   TRAILER,   END_LF,     FAIL },
    [TRAILER]       = { TRAILER,   TRAILER,   TRAILER,   TRAILER_LF, FAIL },
    [TRAILER_LF]    = { FAIL,      FAIL,      FAIL,   FAIL, TRAILER_START },
    [END_LF]        = { FAIL,      FAIL,      FAIL,      FAIL,        END }
};


pimap_chunked_result_t
pimap_chunked_read(pimap_chunked_t *chunked, uint8_t *data, size_t len,
    pimap_chunked_in_t *in)
{
    size_t                  i;
    pimap_chunked_result_t  rc;

    if (chunked->state == LENGTH && chunked->left == 0) {
        in->used = 0;
        return PIMAP_CHUNKED_END;
    }

    for (i = 0; i < len; i++) {

        if (chunked->state == DATA || chunked->state == LENGTH) {
            in->data = data + i;
            in->len = len - i < chunked->left ? len - i
                                              : (size_t) chunked->left;
            in->used = i + in->len;

            chunked->left -= in->len;

            if (chunked->left == 0 && chunked->state == DATA) {
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


void
pimap_chunked_length(pimap_chunked_t *chunked, uint64_t len)
{
    chunked->left = len;
    chunked->line = 0;
    chunked->state = LENGTH;
}


void
pimap_chunked_unread(pimap_chunked_t *chunked, size_t len)
{
    if (len) {
        chunked->left += len;

        if (chunked->state != LENGTH) {
            chunked->state = DATA;
        }
    }
}


static pimap_chunked_result_t
pimap_chunked_byte(pimap_chunked_t *chunked, uint8_t ch, const char **why)
{
    int      digit;
    uint8_t  state;

    if (chunked->state <= SIZE_LF
        && ++chunked->line > PIMAP_CHUNKED_LINE_MAX)
    {
        *why = "the line with a chunk's size is too long";
        return PIMAP_CHUNKED_FAIL;
    }

    if (chunked->state >= TRAILER_START
        && ++chunked->line > PIMAP_CHUNKED_TRAILERS_MAX)
    {
        *why = "the trailers are too long";
        return PIMAP_CHUNKED_FAIL;
    }

    digit = pimap_chunked_digit(ch);

    state = pimap_chunked_next[chunked->state]
                [ch == '\r' ? CR : ch == '\n' ? LF : digit >= 0 ? HEX
                 : ch == ';' || ch == ' ' || ch == '\t' ? BLANK : OTHER];

    switch (state) {

    case FAIL:
        *why = chunked->state <= SIZE_LF ? "no size of a chunk"
               : chunked->state >= TRAILER_START ? "no trailer"
               : "a chunk is longer than its size";
        return PIMAP_CHUNKED_FAIL;

    case END:
        return PIMAP_CHUNKED_END;

    case SIZE:

        if (chunked->left > PIMAP_CHUNKED_LEFT_MAX) {
            *why = "a chunk is too large";
            return PIMAP_CHUNKED_FAIL;
        }

        chunked->left = chunked->left << 4 | (unsigned) digit;
        break;

    case DATA:
        chunked->line = 0;
        state = chunked->left ? DATA : TRAILER_START;
        break;
    }

    chunked->state = state;

    return PIMAP_CHUNKED_AGAIN;
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
           && (chunked->left == 0 || chunked->state <= DATA
               || chunked->state == LENGTH);
}
