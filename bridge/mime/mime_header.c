
/*
 * Copyright (C) ngx_pimap_module authors
 */


#include "mime_header.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>


/* What of a field is looked at. */

#define MIME_MAX_FIELD  8192


typedef struct {
    bridge_str_t    charset;
    bridge_str_t    text;
    char          encoding;
} mime_word_t;


static const char *mime_word(mime_word_t *w, const char *p, const char *end);
static void mime_words(bridge_buffer_t *b, const char *data, size_t len);
static void mime_name(bridge_buffer_t *b, const bridge_str_t *name);
static const char *mime_spaces(const char *p, const char *end);
static const char *mime_digits(const char *p, const char *end, int *n);
static const char *mime_month(const char *p, const char *end, int *month);
static const char *mime_zone(const char *p, const char *end, int *minutes);


void
mime_header(bridge_buffer_t *b, const char *data, size_t len)
{
    size_t  start;

    start = b->len;

    mime_words(b, data, len < MIME_MAX_FIELD ? len : MIME_MAX_FIELD);
    mime_clean(b, start, MIME_MAX_MEMBER);
}


/* Space between encoded words is none, and words of one character set may have
   their parts of one character (which is not allowed, and happens). */

static void
mime_words(bridge_buffer_t *b, const char *data, size_t len)
{
    bridge_buffer_t  bytes;
    bridge_str_t     charset;
    mime_word_t      w;
    const char      *p, *end, *plain, *next, *q;

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

        if (w.encoding == 'B') {
            mime_base64(&bytes, w.text.data, w.text.len);

        } else {
            mime_quoted_printable(&bytes, w.text.data, w.text.len, 1);
        }

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
            mime_name(b, &a->name);
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


static void
mime_name(bridge_buffer_t *b, const bridge_str_t *name)
{
    size_t  start;

    start = b->len;

    mime_words(b, name->data, name->len < 400 ? name->len : 400);
    mime_clean(b, start, MIME_MAX_MEMBER);
}


/* [day-of-week ","] day month year hour ":" minute [":" second] zone */

void
mime_date(bridge_buffer_t *b, const char *data, size_t len)
{
    int          day, month, year, hour, minute, second, zone;
    char         text[64];
    const char  *p, *end, *comma;

    end = data + len;
    comma = len ? memchr(data, ',', len) : NULL;
    p = mime_spaces(comma ? comma + 1 : data, end);
    second = 0;

    p = mime_digits(p, end, &day);
    p = mime_month(mime_spaces(p, end), end, &month);
    p = mime_digits(mime_spaces(p, end), end, &year);
    p = mime_digits(mime_spaces(p, end), end, &hour);

    if (p == end || *p++ != ':') {
        return;
    }

    p = mime_digits(p, end, &minute);

    if (p < end && *p == ':') {
        p = mime_digits(p + 1, end, &second);
    }

    mime_zone(mime_spaces(p, end), end, &zone);

    if (year >= 0 && year < 100) {
        year += year < 50 ? 2000 : 1900;
    }

    if (day < 1 || day > 31 || month < 0 || year < 1900 || year > 9999
        || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0
        || second > 60)
    {
        return;
    }

    if (zone == 0) {
        snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02dZ", year,
                 month + 1, day, hour, minute, second);

    } else {
        snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d%c%02d:"
                 "%02d", year, month + 1, day, hour, minute, second,
                 zone < 0 ? '-' : '+', (zone < 0 ? -zone : zone) / 60,
                 (zone < 0 ? -zone : zone) % 60);
    }

    bridge_buffer_text(b, text);
}


int64_t
mime_internal_date(const char *data, size_t len)
{
    int          zone;
    time_t       t;
    struct tm    tm;
    const char  *p, *end;

    memset(&tm, 0, sizeof(tm));
    end = data + len;

    p = mime_digits(mime_spaces(data, end), end, &tm.tm_mday);
    p = mime_month(p < end ? p + 1 : p, end, &tm.tm_mon);
    p = mime_digits(p < end ? p + 1 : p, end, &tm.tm_year);
    p = mime_digits(mime_spaces(p, end), end, &tm.tm_hour);
    p = mime_digits(p < end ? p + 1 : p, end, &tm.tm_min);
    p = mime_digits(p < end ? p + 1 : p, end, &tm.tm_sec);
    mime_zone(mime_spaces(p, end), end, &zone);

    if (tm.tm_mday < 1 || tm.tm_mon < 0 || tm.tm_year < 1970
        || tm.tm_year > 9999 || tm.tm_hour < 0 || tm.tm_min < 0
        || tm.tm_sec < 0)
    {
        return 0;
    }

    tm.tm_year -= 1900;
    t = timegm(&tm);

    return t == -1 ? 0 : (int64_t) t - zone * 60;
}


static const char *
mime_spaces(const char *p, const char *end)
{
    while (p < end && strchr(" \t\r\n", *p) && *p) {
        p++;
    }

    return p;
}


/* Up to four digits; -1 if there is none. */

static const char *
mime_digits(const char *p, const char *end, int *n)
{
    int  i;

    *n = -1;

    for (i = 0; i < 4 && p < end && *p >= '0' && *p <= '9'; i++, p++) {
        *n = (i ? *n * 10 : 0) + (*p - '0');
    }

    return p;
}


static const char *
mime_month(const char *p, const char *end, int *month)
{
    int  i;

    static const char  names[] = "janfebmaraprmayjunjulaugsepoctnovdec";

    *month = -1;

    for (i = 0; end - p >= 3 && i < 12; i++) {

        if (strncasecmp(p, names + i * 3, 3) == 0) {
            *month = i;
            p += 3;

            /* the whole name, which happens */

            while (p < end && isalpha((unsigned char) *p)) {
                p++;
            }

            break;
        }
    }

    return p;
}


/* "+0100"; a name of a zone is UTC, as RFC 5322, 4.3 has it for most */

static const char *
mime_zone(const char *p, const char *end, int *minutes)
{
    int          n, sign;
    const char  *digits;

    *minutes = 0;

    if (p == end || (*p != '+' && *p != '-')) {
        return p;
    }

    sign = *p == '-' ? -1 : 1;
    digits = p + 1;
    p = mime_digits(digits, end, &n);

    if (p - digits == 4 && n % 100 < 60 && n < 2400) {
        *minutes = sign * (n / 100 * 60 + n % 100);
    }

    return p;
}
