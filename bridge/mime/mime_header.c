
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the text of header fields.  Called by imap/.  GMime decodes base64,
 * quoted-printable, and dates, correct or not (RFC 5322, 2047).
 */


#include "mime_header.h"

#include <ctype.h>
#include <string.h>
#include <time.h>

#include <gmime/gmime.h>


#define MIME_MAX_FIELD  8192        /* bytes of a field that are read */
#define MIME_MAX_NAME   400         /* bytes of an address's name */


typedef struct {
    bridge_str_t    charset;
    bridge_str_t    text;
    char          encoding;
} mime_word_t;


static void mime_words(bridge_buffer_t *b, const char *data, size_t len);
static const char *mime_word(mime_word_t *w, const char *p, const char *end);
static void mime_word_decode(bridge_buffer_t *b, mime_word_t *w);
static const char *mime_spaces(const char *p, const char *end);


void
mime_header(bridge_buffer_t *b, const char *data, size_t len)
{
    size_t  start;

    start = b->len;

    mime_words(b, data, len < MIME_MAX_FIELD ? len : MIME_MAX_FIELD);
    mime_clean(b, start, MIME_MAX_MEMBER);
}


/*
 * Encoded words (RFC 2047).  Space between two of them is dropped.  Two words
 * of one character set may share a character, against the RFC: their bytes are
 * joined before they are converted, which GMime does not do for base64.
 */

static void
mime_words(bridge_buffer_t *b, const char *data, size_t len)
{
    bridge_buffer_t    bytes;
    bridge_str_t    charset;
    mime_word_t   w;
    const char   *p, *end, *plain, *next, *q;

    memset(&bytes, 0, sizeof(bytes));
    charset.data = NULL;
    charset.len = 0;

    p = data;
    plain = data;
    end = data + len;

    while (p < end) {
        next = *p == '=' ? mime_word(&w, p, end) : NULL;

        if (next == NULL) {
            p++;
            continue;
        }

        q = charset.data ? mime_spaces(plain, p) : plain;

        if (q != p || charset.data == NULL
            || !bridge_str_equal(&charset, w.charset.data, w.charset.len))
        {
            mime_charset(b, charset.data, charset.len, bytes.data, bytes.len);
            bytes.len = 0;

            if (q != p || charset.data == NULL) {
                mime_charset(b, NULL, 0, plain, p - plain);
            }
        }

        mime_word_decode(&bytes, &w);

        charset = w.charset;
        plain = next;
        p = next;
    }

    mime_charset(b, charset.data, charset.len, bytes.data, bytes.len);
    mime_charset(b, NULL, 0, plain, end - plain);

    bridge_buffer_free(&bytes);
}


/* "=?" charset ["*" language] "?" ("B" / "Q") "?" text "?=" */

static const char *
mime_word(mime_word_t *w, const char *p, const char *end)
{
    const char  *q, *star;

    if (end - p < 8 || p[1] != '?') {
        return NULL;
    }

    p += 2;
    q = memchr(p, '?', end - p);

    if (q == NULL || q == p || end - q < 5 || q[2] != '?') {
        return NULL;
    }

    star = memchr(p, '*', q - p);

    w->charset.data = (char *) p;
    w->charset.len = (star ? star : q) - p;
    w->encoding = toupper((unsigned char) q[1]);

    if (w->encoding != 'B' && w->encoding != 'Q') {
        return NULL;
    }

    p = q + 3;
    w->text.data = (char *) p;

    for (q = p; q + 1 < end; q++) {

        if (q[0] == '?' && q[1] == '=') {
            w->text.len = q - p;
            return q + 2;
        }
    }

    return NULL;
}


static void
mime_word_decode(bridge_buffer_t *b, mime_word_t *w)
{
    int             state;
    char           *out;
    size_t          i, n;
    guint32         save;
    unsigned char  *text;

    state = 0;
    save = 0;
    out = bridge_buffer_need(b, w->text.len + 4);

    if (w->encoding == 'B') {
        n = g_mime_encoding_base64_decode_step(
                (unsigned char *) w->text.data, w->text.len,
                (unsigned char *) out, &state, &save);

        /* some senders leave the padding out */

        if (state == 2 || state == 3) {
            n += g_mime_encoding_base64_decode_step(
                     (const unsigned char *) "==", 4 - state,
                     (unsigned char *) out + n, &state, &save);
        }

        b->len += n;
        return;
    }

    text = (unsigned char *) g_strndup(w->text.data, w->text.len);

    for (i = 0; text[i]; i++) {
        text[i] = text[i] == '_' ? ' ' : text[i];
    }

    b->len += g_mime_encoding_quoted_decode_step(text, i,
                                                 (unsigned char *) out,
                                                 &state, &save);
    g_free(text);
}


static const char *
mime_spaces(const char *p, const char *end)
{
    while (p < end && strchr(" \t\r\n", *p) && *p) {
        p++;
    }

    return p;
}


void
mime_addresses(bridge_buffer_t *b, const mime_addresses_t *list)
{
    size_t                 i, start;
    const mime_address_t  *a;

    start = b->len;

    for (i = 0; i < list->n; i++) {
        a = &list->list[i];

        if (b->len - start > MIME_MAX_MEMBER) {
            break;
        }

        if (i) {
            bridge_buffer_text(b, ", ");
        }

        if (a->name.len) {
            mime_header(b, a->name.data, a->name.len < MIME_MAX_NAME
                                         ? a->name.len : MIME_MAX_NAME);
            bridge_buffer_text(b, " <");
        }

        mime_charset(b, NULL, 0, a->mailbox.data, a->mailbox.len);
        bridge_buffer_char(b, '@');
        mime_charset(b, NULL, 0, a->host.data, a->host.len);

        if (a->name.len) {
            bridge_buffer_char(b, '>');
        }
    }

    mime_clean(b, start, MIME_MAX_MEMBER);
}


void
mime_date(bridge_buffer_t *b, const char *data, size_t len)
{
    char       *field, *text;
    GDateTime  *date;

    if (len == 0) {
        return;
    }

    g_mime_init();

    field = g_strndup(data, len < MIME_MAX_FIELD ? len : MIME_MAX_FIELD);
    date = g_mime_utils_header_decode_date(field);

    if (date && g_date_time_get_year(date) >= 1900) {
        text = g_date_time_format(date, g_date_time_get_utc_offset(date)
                                        ? "%FT%T%:z" : "%FT%TZ");
        bridge_buffer_text(b, text);
        g_free(text);
    }

    if (date) {
        g_date_time_unref(date);
    }

    g_free(field);
}


int64_t
mime_internal_date(const char *data, size_t len)
{
    char       text[32];
    long       zone;
    time_t     t;
    struct tm  tm;

    if (len >= sizeof(text)) {
        return 0;
    }

    memcpy(text, data, len);
    text[len] = '\0';
    memset(&tm, 0, sizeof(tm));

    if (strptime(text, "%d-%b-%Y %H:%M:%S %z", &tm) == NULL) {
        return 0;
    }

    zone = tm.tm_gmtoff;
    t = timegm(&tm);

    return t == -1 || t < zone ? 0 : (int64_t) t - zone;
}
