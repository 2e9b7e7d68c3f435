
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * RFC 3629, 4: the first byte says how many bytes follow.  It also bounds the
 * second byte, which excludes overlong forms, surrogates, and numbers beyond
 * U+10FFFF.
 */


#include "pimap_utf8.h"


static int pimap_utf8_first(pimap_utf8_t *utf8, uint8_t ch);


int
pimap_utf8_check(pimap_utf8_t *utf8, const uint8_t *data, size_t len)
{
    size_t  i;

    for (i = 0; i < len; i++) {

        if (utf8->need == 0) {

            if (data[i] >= 0x80 && !pimap_utf8_first(utf8, data[i])) {
                return 0;
            }

            continue;
        }

        if (data[i] < utf8->low || data[i] > utf8->high) {
            return 0;
        }

        utf8->need--;
        utf8->low = 0x80;
        utf8->high = 0xbf;
    }

    return 1;
}


int32_t
pimap_utf8_next(const char **pp, const char *end)
{
    int32_t         c;
    const uint8_t  *p;
    pimap_utf8_t    utf8;

    if (*pp == end) {
        return -1;
    }

    p = (const uint8_t *) *pp;
    utf8.need = 0;

    if (!pimap_utf8_check(&utf8, p, 1)) {
        return -1;
    }

    for (c = *p++ & 0x7f >> (utf8.need ? utf8.need + 1 : 0);
         utf8.need;
         c = c << 6 | (*p++ & 0x3f))
    {
        if (p == (const uint8_t *) end || !pimap_utf8_check(&utf8, p, 1)) {
            return -1;
        }
    }

    *pp = (const char *) p;

    return c;
}


size_t
pimap_utf8_put(char *p, uint32_t c)
{
    size_t  i, len;

    static const uint8_t  first[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

    len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

    for (i = len - 1; i; i--) {
        p[i] = 0x80 | (c & 0x3f);
        c >>= 6;
    }

    p[0] = first[len] | c;

    return len;
}


static int
pimap_utf8_first(pimap_utf8_t *utf8, uint8_t ch)
{
    utf8->low = 0x80;
    utf8->high = 0xbf;

    if (ch >= 0xc2 && ch <= 0xdf) {
        utf8->need = 1;
        return 1;
    }

    if (ch >= 0xe0 && ch <= 0xef) {
        utf8->need = 2;
        utf8->low = ch == 0xe0 ? 0xa0 : 0x80;
        utf8->high = ch == 0xed ? 0x9f : 0xbf;
        return 1;
    }

    if (ch >= 0xf0 && ch <= 0xf4) {
        utf8->need = 3;
        utf8->low = ch == 0xf0 ? 0x90 : 0x80;
        utf8->high = ch == 0xf4 ? 0x8f : 0xbf;
        return 1;
    }

    return 0;
}
