
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the way from bytes of a character set to UTF-8.  Called by the files of
 * mime/ and by imap/.  Invariant: what comes out is UTF-8, and the time is in
 * proportion to the bytes, however many of them are invalid.
 */


#include "mime_header.h"
#include "mime_label.h"

#include <errno.h>
#include <string.h>

#include <glib.h>


#define MIME_REPLACEMENT  "\xef\xbf\xbd"

/* A text with more invalid characters than these is in another set. */
#define MIME_MAX_INVALID(len)  (64 + (len) / 64)


static size_t mime_iconv(bridge_buffer_t *b, mime_set_t *set, iconv_t cd,
    const char *data, size_t len);
static size_t mime_invalid(const mime_set_t *set, const char *data,
    size_t len);
static void mime_iconv_end(bridge_buffer_t *b, iconv_t cd);
static void mime_utf8(bridge_buffer_t *b, const char *data, size_t len);
static void mime_repair(bridge_buffer_t *b, size_t start);
static void mime_euc_jp(bridge_buffer_t *b, const char *data, size_t len);
static const char *mime_escape(const char *p, const char *end, int *set);


void
mime_charset(bridge_buffer_t *b, const char *charset, size_t charset_len,
    const char *data, size_t len)
{
    size_t           start, done;
    iconv_t          cd;
    mime_set_t      *set;
    bridge_buffer_t  bytes;

    set = charset_len ? mime_label_find(charset, charset_len) : NULL;

    if (set == NULL || set->read == MIME_READ_UTF8
        || (set->read == MIME_READ_ASCII && mime_is_utf8(data, len)))
    {
        mime_utf8(b, data, len);
        return;
    }

    cd = mime_label_open(set);

    if (cd == (iconv_t) -1) {
        mime_utf8(b, data, len);
        return;
    }

    memset(&bytes, 0, sizeof(bytes));

    if (set->read == MIME_READ_ISO_2022_JP) {
        mime_euc_jp(&bytes, data, len);
        data = bytes.data;
        len = bytes.len;
    }

    start = b->len;
    done = mime_iconv(b, set, cd, data, len);
    mime_repair(b, start);

    if (done < len) {
        mime_utf8(b, data + done, len - done);
    }

    bridge_buffer_free(&bytes);
}


/* Returns the number of bytes that were read. */

static size_t
mime_iconv(bridge_buffer_t *b, mime_set_t *set, iconv_t cd, const char *data,
    size_t len)
{
    int      failed, error;
    char    *in, *out;
    size_t   skip, left, rest, invalid;

    in = (char *) data;
    rest = len;
    invalid = 0;

    while (rest && invalid < MIME_MAX_INVALID(len)) {
        out = bridge_buffer_need(b, rest + 16);
        left = b->size - b->len;

        failed = iconv(cd, &in, &rest, &out, &left) == (size_t) -1;
        error = errno;
        b->len = b->size - left;

        if (!failed || error == E2BIG) {
            continue;
        }

        bridge_buffer_text(b, MIME_REPLACEMENT);

        if (error == EINVAL) {
            rest = 0;
            break;
        }

        skip = mime_invalid(set, in, rest);
        in += skip;
        rest -= skip;
        invalid++;
    }

    mime_iconv_end(b, cd);

    return len - rest;
}


/*
 * The length of an invalid character.  As in the encoding standard, a second
 * byte that is ASCII is a character of its own.
 */

static size_t
mime_invalid(const mime_set_t *set, const char *data, size_t len)
{
    size_t  n;

    n = 1;

    switch (set->unit) {

    case MIME_ONE_BYTE:
        break;

    case MIME_LEAD_BYTE:
        n = len > 1 && data[0] & 0x80 && data[1] & 0x80 ? 2 : 1;
        break;

    case MIME_TWO_BYTE:
        n = 2;
        break;

    case MIME_FOUR_BYTE:
        n = 4;
        break;
    }

    return n < len ? n : len;
}


/* Sets with composed characters hold the last one back: windows-1255 waits for
   a point behind a letter. */

static void
mime_iconv_end(bridge_buffer_t *b, iconv_t cd)
{
    char    *out;
    size_t   left;

    out = bridge_buffer_need(b, 64);
    left = b->size - b->len;

    iconv(cd, NULL, NULL, &out, &left);

    b->len = b->size - left;
}


static void
mime_utf8(bridge_buffer_t *b, const char *data, size_t len)
{
    size_t  start;

    start = b->len;

    bridge_buffer_add(b, data, len);
    mime_repair(b, start);
}


/* Sets of glibc have characters that Unicode has not, too. */

static void
mime_repair(bridge_buffer_t *b, size_t start)
{
    char  *valid;

    if (b->len == start
        || g_utf8_validate_len(b->data + start, b->len - start, NULL))
    {
        return;
    }

    valid = g_utf8_make_valid(b->data + start, b->len - start);

    b->len = start;
    bridge_buffer_text(b, valid);
    g_free(valid);
}


/*
 * glibc's ISO-2022-JP has not the characters that Microsoft put into empty
 * rows, such as numbers in circles, but its EUC-JP-MS has them.  It is the
 * same table with the high bits set.  A line ends in ASCII (RFC 1468).
 */

static void
mime_euc_jp(bridge_buffer_t *b, const char *data, size_t len)
{
    int          set;
    const char  *p, *end;

    p = data;
    end = data + len;
    set = 'B';

    while (p < end) {

        if (*p == 0x1b) {
            p = mime_escape(p + 1, end, &set);
            continue;
        }

        set = *p == '\n' ? 'B' : set;

        if (set == 'B' || (unsigned char) *p <= ' ') {
            bridge_buffer_char(b, *p++);
            continue;
        }

        if (set == 'I') {
            bridge_buffer_char(b, (char) 0x8e);
            bridge_buffer_char(b, *p++ | 0x80);
            continue;
        }

        if (set == 'D') {
            bridge_buffer_char(b, (char) 0x8f);
        }

        bridge_buffer_char(b, *p++ | 0x80);

        if (p < end) {
            bridge_buffer_char(b, *p++ | 0x80);
        }
    }
}


/* "B": ASCII; "I": katakana; "$": JIS X 0208; "D": JIS X 0212. */

static const char *
mime_escape(const char *p, const char *end, int *set)
{
    if (end - p >= 2 && p[0] == '(' && strchr("BJIH", p[1]) && p[1]) {
        *set = p[1] == 'I' ? 'I' : 'B';
        return p + 2;
    }

    if (end - p >= 2 && p[0] == '$' && (p[1] == '@' || p[1] == 'B')) {
        *set = '$';
        return p + 2;
    }

    if (end - p >= 3 && p[0] == '$' && p[1] == '('
        && (p[2] == 'B' || p[2] == 'D'))
    {
        *set = p[2] == 'D' ? 'D' : '$';
        return p + 3;
    }

    return p;
}


/* A character at the end may have been cut off, if others are whole. */

int
mime_is_utf8(const char *data, size_t len)
{
    size_t       i, rest;
    const char  *end;

    if (g_utf8_validate_len(data, len, &end)) {
        return 1;
    }

    rest = data + len - end;

    if (rest > 3 || g_utf8_get_char_validated(end, rest) != (gunichar) -2) {
        return 0;
    }

    for (i = 0; data + i < end; i++) {

        if (data[i] & 0x80) {
            return 1;
        }
    }

    return 0;
}
