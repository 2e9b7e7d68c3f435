
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the clean-up of a text for one line of a screen.  Called by the files
 * of mime/ and by imap/.  integrations/dovecot/pimap.lua does the same, so a
 * change here is a change there.
 */


#include "mime_header.h"

#include <string.h>

#include "pimap_utf8.h"


#define MIME_REPLACEMENT  0xfffd

#define PGP_SIGNED     "-----BEGIN PGP SIGNED MESSAGE----- "
#define PGP_BLOCK      "-----BEGIN PGP "


typedef enum {
    MIME_SEEN = 0,
    MIME_SPACE,
    MIME_UNSEEN,                        /* fills preheaders, or deceives */
    MIME_MARK,                          /* of a direction, for neighbours */
    MIME_JOINER                         /* of letters or emoji */
} mime_class_t;


static mime_class_t mime_class(int32_t c);
static void mime_clean_pgp(bridge_buffer_t *b, size_t start);
static int mime_clean_begins(const char *p, const char *end,
    const char *text);
static void mime_clean_cut(bridge_buffer_t *b, size_t start, size_t max);


/*
 * A space or a mark is kept behind a character that is seen, and a joiner
 * behind a letter that is not of ASCII.  So the filling of a preheader is
 * nothing, but Persian words and families of emoji stay what they are.
 */

void
mime_clean(bridge_buffer_t *b, size_t start, size_t max)
{
    char          *to;
    size_t         len;
    int32_t        c, before;
    const char    *p, *last, *end;
    mime_class_t   class;

    if (b->data == NULL) {
        return;
    }

    to = b->data + start;
    p = to;
    end = b->data + b->len;
    before = ' ';

    while (p < end) {
        last = p;
        c = pimap_utf8_next(&p, end);

        if (c == -1) {
            p = last + 1;
            continue;
        }

        class = mime_class(c);
        len = p - last;

        if (class == MIME_UNSEEN
            || (class == MIME_SPACE && before == ' ')
            || (class >= MIME_MARK && mime_class(before) != MIME_SEEN)
            || (class == MIME_JOINER && before < 0x80)
            || (c == MIME_REPLACEMENT && before == c))
        {
            continue;
        }

        if (class == MIME_SPACE) {
            c = ' ';
            len = 1;
        }

        if (to - (b->data + start) + len > max) {
            break;
        }

        if (class == MIME_SPACE) {
            *to = ' ';

        } else {
            memmove(to, last, len);
        }

        to += len;
        before = c;
    }

    if (to > b->data + start && to[-1] == ' ') {
        to--;
    }

    b->len = to - b->data;
}


static mime_class_t
mime_class(int32_t c)
{
    if (c <= 0x20 || (c >= 0x7f && c <= 0xa0)) {
        return MIME_SPACE;
    }

    if (c < 0x2000) {
        return c == 0xad || c == 0x34f || c == 0x180e ? MIME_UNSEEN
               : c == 0x61c ? MIME_MARK
               : c == 0x1680 ? MIME_SPACE : MIME_SEEN;
    }

    if (c > 0x2fff) {
        return c == 0x3000 ? MIME_SPACE
               : c == 0x3164 || c == 0xfeff || c == 0xffa0
                 || (c >= 0xfff9 && c <= 0xfffb)
               ? MIME_UNSEEN : MIME_SEEN;
    }

    if (c <= 0x200a || c == 0x2028 || c == 0x2029 || c == 0x202f
        || c == 0x205f || c == 0x2800)
    {
        return MIME_SPACE;
    }

    switch (c) {

    case 0x200c:
    case 0x200d:
        return MIME_JOINER;

    case 0x200e:
    case 0x200f:
        return MIME_MARK;
    }

    return c == 0x200b || (c >= 0x202a && c <= 0x202e)
           || (c >= 0x2060 && c <= 0x206f) ? MIME_UNSEEN : MIME_SEEN;
}


void
mime_clean_preview(bridge_buffer_t *b, size_t start)
{
    mime_clean(b, start, MIME_MAX_MEMBER);
    mime_clean_pgp(b, start);
    mime_clean_cut(b, start, MIME_MAX_PREVIEW);

    /* a character that was cut off */

    while (b->len >= start + 3
           && memcmp(b->data + b->len - 3, "\xef\xbf\xbd", 3) == 0)
    {
        b->len -= 3;
    }

    while (b->len > start && b->data[b->len - 1] == ' ') {
        b->len--;
    }
}


/* The text that was signed (RFC 9580, 7), or the text before a block.  A
   calendar or a card is none. */

static void
mime_clean_pgp(bridge_buffer_t *b, size_t start)
{
    size_t       i;
    const char  *p, *end, *space;

    if (b->len == start) {
        return;
    }

    p = b->data + start;
    end = b->data + b->len;

    if (mime_clean_begins(p, end, PGP_SIGNED)) {
        p += sizeof(PGP_SIGNED) - 1;

        while (mime_clean_begins(p, end, "Hash: ")) {
            p += sizeof("Hash: ") - 1;
            space = memchr(p, ' ', end - p);
            p = space ? space + 1 : end;
        }

        memmove(b->data + start, p, end - p);
        b->len = start + (end - p);
    }

    for (i = start; i < b->len; i++) {

        if (b->data[i] == '-'
            && mime_clean_begins(b->data + i, b->data + b->len, PGP_BLOCK))
        {
            b->len = i;
        }
    }

    if (mime_clean_begins(b->data + start, b->data + b->len, "BEGIN:V")) {
        b->len = start;
    }
}


static int
mime_clean_begins(const char *p, const char *end, const char *text)
{
    size_t  len = strlen(text);

    return (size_t) (end - p) >= len && memcmp(p, text, len) == 0;
}


/* In characters */

static void
mime_clean_cut(bridge_buffer_t *b, size_t start, size_t max)
{
    size_t  i;

    for (i = start; i < b->len; i++) {

        if ((b->data[i] & 0xc0) != 0x80 && max-- == 0) {
            b->len = i;
        }
    }
}
