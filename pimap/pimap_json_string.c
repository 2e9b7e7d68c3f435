
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The reader trusts the check: each escape is complete, and a high surrogate
 * has its low one.
 */


#include <endian.h>
#include <string.h>

#include "pimap_json_string.h"
#include "pimap_utf8.h"


#define PIMAP_JSON_STRING_EACH(c)  ((c) * UINT64_C(0x0101010101010101))


static const char *pimap_json_string_plain(const char *p, const char *end);
static const char *pimap_json_string_escape(const char *p, const char *end,
    int *zero, pimap_json_error_t *err);
static int32_t pimap_json_string_hex(const char *p, const char *end);
static void pimap_json_bytes_escape(pimap_json_bytes_t *bytes);


static const char  pimap_json_string_letters[] = "\"\\/bfnrt";
static const char  pimap_json_string_meaning[] = "\"\\/\b\f\n\r\t";


const char *
pimap_json_string_check(const char **pp, const char *end, int *escaped,
    int *zero, pimap_json_error_t *err)
{
    const char     *p, *next;
    unsigned char   c;

    *escaped = 0;
    *zero = 0;

    for (p = *pp + 1; p < end; p = next) {
        p = pimap_json_string_plain(p, end);
        c = *p;
        next = p + 1;

        if (c == '"') {
            return next;
        }

        if (c == '\\') {
            *escaped = 1;
            next = pimap_json_string_escape(p, end, zero, err);

        } else if (c < ' ') {
            err->reason = c ? "syntax error" : "zero byte";
            next = NULL;

        } else if (c >= 0x80) {
            next = p;

            if (pimap_utf8_next(&next, end) < 0) {
                err->reason = "invalid UTF-8";
                next = NULL;
            }
        }

        if (next == NULL) {
            *pp = p;
            return NULL;
        }
    }

    err->reason = "unexpected end";
    *pp = end;

    return NULL;
}


/*
 * Skips plain characters, eight at a time.  The highest bit of a byte is found
 * if it is below a space, a quote, a backslash, or beyond ASCII (which keeps
 * that bit in one of the differences).  Borrows find more, but only after such
 * a byte, and the first one counts.
 */

static const char *
pimap_json_string_plain(const char *p, const char *end)
{
    uint64_t  word, found;

    for ( /* void */ ; end - p > 8; p += 8) {
        memcpy(&word, p, 8);
        word = le64toh(word);

        found = (word - PIMAP_JSON_STRING_EACH(' '))
                | ((word ^ PIMAP_JSON_STRING_EACH('"'))
                   - PIMAP_JSON_STRING_EACH(1))
                | ((word ^ PIMAP_JSON_STRING_EACH('\\'))
                   - PIMAP_JSON_STRING_EACH(1));

        found &= PIMAP_JSON_STRING_EACH(0x80);

        if (found) {
            return p + __builtin_ctzll(found) / 8;
        }
    }

    return p;
}


/* The place after the escape at p.  A surrogate comes with the other half. */

static const char *
pimap_json_string_escape(const char *p, const char *end, int *zero,
    pimap_json_error_t *err)
{
    int32_t  c;

    err->reason = "syntax error";

    if (end - p < 2) {
        return NULL;
    }

    if (p[1] != 'u') {
        return p[1] && strchr(pimap_json_string_letters, p[1]) ? p + 2 : NULL;
    }

    c = pimap_json_string_hex(p + 2, end);

    if (c < 0 || (c >= 0xdc00 && c <= 0xdfff)) {
        return NULL;
    }

    if (c == 0) {
        *zero = 1;
    }

    p += 6;

    if (c < 0xd800 || c > 0xdfff) {
        return p;
    }

    if (end - p < 2 || p[0] != '\\' || p[1] != 'u') {
        return NULL;
    }

    c = pimap_json_string_hex(p + 2, end);

    return c >= 0xdc00 && c <= 0xdfff ? p + 6 : NULL;
}


/* Four digits, or -1. */

static int32_t
pimap_json_string_hex(const char *p, const char *end)
{
    int      i;
    int32_t  n;

    if (end - p < 4) {
        return -1;
    }

    n = 0;

    for (i = 0; i < 4; i++) {
        n <<= 4;

        if (p[i] >= '0' && p[i] <= '9') {
            n |= p[i] - '0';

        } else if ((p[i] | 0x20) >= 'a' && (p[i] | 0x20) <= 'f') {
            n |= (p[i] | 0x20) - 'a' + 10;

        } else {
            return -1;
        }
    }

    return n;
}


void
pimap_json_bytes_init(pimap_json_bytes_t *bytes, const pimap_str_t *string)
{
    bytes->p = string->data + 1;
    bytes->end = string->data + string->len - 1;
    bytes->n = 0;
    bytes->next = 0;
}


int
pimap_json_bytes_next(pimap_json_bytes_t *bytes)
{
    if (bytes->next < bytes->n) {
        return (unsigned char) bytes->bytes[bytes->next++];
    }

    if (bytes->p == bytes->end) {
        return -1;
    }

    if (*bytes->p != '\\') {
        return (unsigned char) *bytes->p++;
    }

    pimap_json_bytes_escape(bytes);

    return (unsigned char) bytes->bytes[0];
}


static void
pimap_json_bytes_escape(pimap_json_bytes_t *bytes)
{
    uint32_t     c;
    const char  *p;

    p = bytes->p + 1;
    bytes->next = 1;

    if (*p != 'u') {
        bytes->p += 2;
        bytes->n = 1;
        bytes->bytes[0] = pimap_json_string_meaning[
                              strchr(pimap_json_string_letters, *p)
                              - pimap_json_string_letters];
        return;
    }

    c = pimap_json_string_hex(p + 1, bytes->end);
    bytes->p += 6;

    if (c >= 0xd800 && c <= 0xdbff) {
        c = 0x10000 + ((c - 0xd800) << 10)
            + (pimap_json_string_hex(bytes->p + 2, bytes->end) - 0xdc00);
        bytes->p += 6;
    }

    bytes->n = pimap_utf8_put(bytes->bytes, c);
}
