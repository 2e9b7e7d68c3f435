
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * What the fuzzers share.  misc/fuzz runs them; "Reaches:" in the head of each
 * names the functions that it is for.
 */


#ifndef _FUZZ_H_INCLUDED_
#define _FUZZ_H_INCLUDED_


#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


#define fuzz_check(cond)    if (!(cond)) { abort(); }
#define fuzz_n(a)           (sizeof(a) / sizeof((a)[0]))


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* An input of which each decision takes some bytes; zeros follow its end. */

typedef struct {
    const uint8_t  *p;
    const uint8_t  *last;
} fuzz_in_t;


static inline unsigned
fuzz_byte(fuzz_in_t *in)
{
    return in->p < in->last ? *in->p++ : 0;
}


/* The bytes up to the next one that is "end", which is skipped. */

static inline size_t
fuzz_until(fuzz_in_t *in, int end, const uint8_t **data)
{
    size_t          len;
    const uint8_t  *p;

    *data = in->p;
    len = in->last - in->p;

    p = len ? memchr(in->p, end, len) : NULL;

    if (p) {
        len = p - in->p;
    }

    in->p = p ? p + 1 : in->last;

    return len;
}


/* Of exact size, so that the sanitizer finds a read beyond the end. */

static inline void *
fuzz_copy(const void *data, size_t len)
{
    void  *copy;

    copy = malloc(len ? len : 1);
    fuzz_check(copy);

    if (len) {
        memcpy(copy, data, len);
    }

    return copy;
}


/* Is it UTF-8 (RFC 3629)?  Not our own code, which is what is checked. */

static inline int
fuzz_is_utf8(const char *data, size_t len)
{
    size_t          i, n;
    uint32_t        c;
    const uint8_t  *p, *last;

    p = (const uint8_t *) data;
    last = len ? p + len : p;

    while (p < last) {
        c = *p++;
        n = c < 0x80 ? 0 : c >= 0xf0 && c < 0xf5 ? 3 : c >= 0xe0 ? 2 : 1;

        if ((c >= 0x80 && c < 0xc2) || c > 0xf4 || n > (size_t) (last - p)) {
            return 0;
        }

        c &= n == 3 ? 0x07 : n == 2 ? 0x0f : n == 1 ? 0x1f : 0x7f;

        for (i = 0; i < n; i++) {

            if ((*p & 0xc0) != 0x80) {
                return 0;
            }

            c = c << 6 | (*p++ & 0x3f);
        }

        if ((n == 2 && c < 0x800) || (n == 3 && c < 0x10000) || c > 0x10ffff
            || (c >= 0xd800 && c <= 0xdfff))
        {
            return 0;
        }
    }

    return 1;
}


/* FUZZ_SHOW=1 build/fuzz/NAME INPUT shows the dialogue, to write a seed. */

static inline void
fuzz_show(const char *who, const char *data, size_t len)
{
    static int  show = -1;

    if (show == -1) {
        show = getenv("FUZZ_SHOW") != NULL;
    }

    if (show) {
        fprintf(stderr, "%s %.*s\n", who, (int) len, data);
    }
}


#endif /* _FUZZ_H_INCLUDED_ */
