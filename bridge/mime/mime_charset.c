
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Bytes become UTF-8: transfer encodings, character sets, clean-up.
 */


#include "mime_header.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>

#include <glib.h>

#include "pimap_utf8.h"


#define MIME_MAX_CHARSET  40
#define MIME_REPLACEMENT  "\xef\xbf\xbd"


static void mime_utf8(bridge_buffer_t *b, const char *data, size_t len);


void
mime_charset(bridge_buffer_t *b, const char *charset, size_t charset_len,
    const char *data, size_t len)
{
    char          name[MIME_MAX_CHARSET + 1], *in, *out;
    size_t        before, left;
    iconv_t       cd;
    bridge_str_t  s;

    s.data = (char *) charset;
    s.len = charset_len;
    cd = (iconv_t) -1;

    if (charset_len && charset_len <= MIME_MAX_CHARSET
        && !bridge_str_is(&s, "utf-8") && !bridge_str_is(&s, "us-ascii")
        && memchr(charset, '/', charset_len) == NULL)
    {
        memcpy(name, charset, charset_len);
        name[charset_len] = '\0';

        /* browsers, and those who write mail, mean the larger set */

        cd = iconv_open("UTF-8", bridge_str_is(&s, "iso-8859-1")
                                 ? "windows-1252" : name);
    }

    if (cd == (iconv_t) -1) {
        mime_utf8(b, data, len);
        return;
    }

    in = (char *) data;

    while (len) {
        before = len;
        out = bridge_buffer_need(b, 64);
        left = b->size - b->len;

        if (iconv(cd, &in, &len, &out, &left) == (size_t) -1
            && errno != E2BIG)
        {
            b->len = b->size - left;
            bridge_buffer_text(b, MIME_REPLACEMENT);

            if (errno == EINVAL) {
                break;
            }

            in++;
            len--;
            continue;
        }

        b->len = b->size - left;

        if (len == before) {
            break;
        }
    }

    iconv_close(cd);
}


static void
mime_utf8(bridge_buffer_t *b, const char *data, size_t len)
{
    char  *valid;

    if (len) {
        valid = g_utf8_make_valid(data, len);
        bridge_buffer_text(b, valid);
        g_free(valid);
    }
}


void
mime_clean(bridge_buffer_t *b, size_t start, size_t max)
{
    char        *to;
    size_t       len;
    int32_t      c;
    const char  *p, *last, *end;

    if (b->data == NULL) {
        return;
    }

    to = b->data + start;
    p = to;
    end = b->data + b->len;

    while (p < end) {
        last = p;
        c = pimap_utf8_next(&p, end);

        if (c == -1) {
            p = last + 1;
            continue;
        }

        /* controls, no-break space, marks that turn the text's direction */

        if (c <= 0x20 || (c >= 0x7f && c <= 0xa0) || c == 0x2028
            || c == 0x2029)
        {
            if (to > b->data + start && to[-1] != ' ') {
                *to++ = ' ';
            }

            continue;
        }

        if (c == 0xfeff || c == 0x200b || c == 0x200c || c == 0x034f
            || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069))
        {
            continue;
        }

        len = p - last;

        if (to - (b->data + start) + len > max) {
            break;
        }

        memmove(to, last, len);
        to += len;
    }

    if (to > b->data + start && to[-1] == ' ') {
        to--;
    }

    b->len = to - b->data;
}
