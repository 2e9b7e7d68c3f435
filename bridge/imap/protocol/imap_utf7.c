
/*
 * Copyright (C) ngx_pimap_module authors
 */


#include "imap_utf7.h"
#include "pimap_utf8.h"

#include <string.h>


static void imap_utf7_unit(bridge_buffer_t *b, uint32_t *bits, int *n,
    uint32_t unit);
static void imap_utf8_add(bridge_buffer_t *b, uint32_t c);
static int imap_utf7_shifted(bridge_buffer_t *b, const char **pp,
    const char *end);


static const char  imap_utf7_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";


static void
imap_utf8_add(bridge_buffer_t *b, uint32_t c)
{
    char  utf8[4];

    bridge_buffer_add(b, utf8, pimap_utf8_put(utf8, c));
}


int
imap_utf7_encode(bridge_buffer_t *b, const char *utf8, size_t len)
{
    int          n;
    size_t       before;
    int32_t      c;
    uint32_t     bits;
    const char  *p, *end;

    before = b->len;
    p = utf8;
    end = utf8 + len;
    n = -1;                             /* bits that wait; -1: not shifted */
    bits = 0;

    while (p < end) {
        c = pimap_utf8_next(&p, end);

        if (c == -1) {
            b->len = before;
            return -1;
        }

        if (c >= 0x20 && c < 0x7f) {

            if (n >= 0) {

                if (n) {
                    bridge_buffer_char(b,
                                       imap_utf7_digits[bits << (6 - n) & 63]);
                }

                bridge_buffer_char(b, '-');
                n = -1;
            }

            bridge_buffer_char(b, c);

            if (c == '&') {
                bridge_buffer_char(b, '-');
            }

            continue;
        }

        if (n < 0) {
            bridge_buffer_char(b, '&');
            n = 0;
            bits = 0;
        }

        if (c >= 0x10000) {
            c -= 0x10000;
            imap_utf7_unit(b, &bits, &n, 0xd800 | c >> 10);
            c = 0xdc00 | (c & 0x3ff);
        }

        imap_utf7_unit(b, &bits, &n, c);
    }

    if (n > 0) {
        bridge_buffer_char(b, imap_utf7_digits[bits << (6 - n) & 63]);
    }

    if (n >= 0) {
        bridge_buffer_char(b, '-');
    }

    return 0;
}


static void
imap_utf7_unit(bridge_buffer_t *b, uint32_t *bits, int *n, uint32_t unit)
{
    *bits = *bits << 16 | unit;
    *n += 16;

    while (*n >= 6) {
        *n -= 6;
        bridge_buffer_char(b, imap_utf7_digits[*bits >> *n & 63]);
    }

    *bits &= (1u << *n) - 1;
}


int
imap_utf7_decode(bridge_buffer_t *b, const char *utf7, size_t len)
{
    size_t       before;
    const char  *p, *end;

    before = b->len;
    p = utf7;
    end = utf7 + len;

    while (p < end) {

        if ((unsigned char) *p < 0x20 || (unsigned char) *p >= 0x7f) {
            goto failed;
        }

        if (*p != '&') {
            bridge_buffer_char(b, *p++);
            continue;
        }

        p++;

        if (p < end && *p == '-') {
            bridge_buffer_char(b, '&');
            p++;
            continue;
        }

        if (imap_utf7_shifted(b, &p, end) == -1) {
            goto failed;
        }
    }

    return 0;

failed:

    b->len = before;

    return -1;
}


static int
imap_utf7_shifted(bridge_buffer_t *b, const char **pp, const char *end)
{
    int          n;
    uint32_t     bits, unit, high;
    const char  *p, *digit;

    n = 0;
    bits = 0;
    high = 0;

    for (p = *pp; p < end && *p != '-'; p++) {
        digit = *p ? strchr(imap_utf7_digits, *p) : NULL;

        if (digit == NULL) {
            return -1;
        }

        bits = bits << 6 | (digit - imap_utf7_digits);
        n += 6;

        if (n < 16) {
            continue;
        }

        n -= 16;
        unit = bits >> n & 0xffff;
        bits &= (1u << n) - 1;

        if (high) {

            if (unit < 0xdc00 || unit > 0xdfff) {
                return -1;
            }

            imap_utf8_add(b, 0x10000 + ((high - 0xd800) << 10)
                             + (unit - 0xdc00));
            high = 0;

        } else if (unit >= 0xd800 && unit < 0xdc00) {
            high = unit;

        } else if (unit < 0x20 || (unit >= 0xdc00 && unit < 0xe000)) {
            return -1;

        } else {
            imap_utf8_add(b, unit);
        }
    }

    if (p == end || high || n >= 6 || bits) {
        return -1;
    }

    *pp = p + 1;

    return 0;
}
