
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the text of header fields (RFC 5322, 2047).  Called by imap/.  GMime
 * decodes base64 and quoted-printable, correct or not.
 */


#include "mime_header.h"

#include <ctype.h>
#include <string.h>

#include <gmime/gmime.h>


#define MIME_MAX_FIELD  4096        /* bytes of a field that are read */
#define MIME_MAX_NAMES  2048        /* of the addresses of a field */
#define MIME_MAX_NAME   400         /* of one in an event */


typedef struct {
    bridge_str_t     charset;
    bridge_str_t     text;
    char             encoding;
} mime_word_t;


/* Adjacent words of one character set. */

typedef struct {
    bridge_str_t     charset;
    bridge_buffer_t  bytes;
    guint32          save;          /* bits of base64 that are no byte yet, */
    int              state;         /* and the number of their letters */
} mime_run_t;


static void mime_words(bridge_buffer_t *b, const char *data, size_t len,
    const bridge_str_t *charset);
static void mime_raw(bridge_buffer_t *b, const char *data, size_t len,
    const bridge_str_t *charset);
static const char *mime_word(mime_word_t *w, const char *p, const char *end);
static void mime_run_end(bridge_buffer_t *b, mime_run_t *run);
static void mime_run_add(mime_run_t *run, const mime_word_t *w);
static void mime_run_base64(mime_run_t *run, const bridge_str_t *text);
static int mime_run_goes_on(const mime_run_t *run, const bridge_str_t *text);
static void mime_run_pad(mime_run_t *run);
static const char *mime_spaces(const char *p, const char *end);
static void mime_limit(bridge_str_t *s, size_t *left);
static int mime_address(bridge_buffer_t *b, const mime_address_t *a,
    const bridge_str_t *charset);
static int mime_is_group(const mime_addresses_t *list, size_t i);
static int mime_is_group_end(const mime_address_t *a);
static int mime_is_placeholder(const bridge_str_t *s);


void
mime_header(bridge_buffer_t *b, const char *data, size_t len,
    const bridge_str_t *charset)
{
    size_t  start;

    /* NIL */

    if (len == 0) {
        return;
    }

    start = b->len;

    mime_words(b, data, len < MIME_MAX_FIELD ? len : MIME_MAX_FIELD, charset);
    mime_clean(b, start, MIME_MAX_MEMBER);
}


/*
 * Encoded words (RFC 2047).  Space between two of them is dropped.  Two words
 * of one character set may share a character, or even the letters of a byte,
 * against the RFC: their bytes are joined before they are converted, which
 * GMime does not do for base64.
 */

static void
mime_words(bridge_buffer_t *b, const char *data, size_t len,
    const bridge_str_t *charset)
{
    mime_run_t    run;
    mime_word_t   w;
    const char   *p, *end, *plain, *next, *q;

    memset(&run, 0, sizeof(run));

    p = data;
    plain = data;
    end = data + len;

    while (p < end) {
        next = *p == '=' ? mime_word(&w, p, end) : NULL;

        if (next == NULL) {
            p++;
            continue;
        }

        q = run.charset.data ? mime_spaces(plain, p) : plain;

        if (q != p || run.charset.data == NULL
            || !bridge_str_equal(&run.charset, w.charset.data, w.charset.len))
        {
            mime_run_end(b, &run);

            if (q != p || run.charset.data == NULL) {
                mime_raw(b, plain, p - plain, charset);
            }
        }

        run.charset = w.charset;
        mime_run_add(&run, &w);

        plain = next;
        p = next;
    }

    mime_run_end(b, &run);
    mime_raw(b, plain, end - plain, charset);

    bridge_buffer_free(&run.bytes);
}


/* Bytes against RFC 5322: mostly UTF-8, else in the set of the message. */

static void
mime_raw(bridge_buffer_t *b, const char *data, size_t len,
    const bridge_str_t *charset)
{
    if (len && memchr(data, 0x1b, len)) {
        mime_charset(b, "iso-2022-jp", 11, data, len);

    } else if (charset && !mime_is_utf8(data, len)) {
        mime_charset(b, charset->data, charset->len, data, len);

    } else {
        mime_charset(b, NULL, 0, data, len);
    }
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

        /* the next word begins, and this one has no end */

        if (q[0] == '=' && q[1] == '?' && (q + 2 == end || q[2] != '=')) {
            break;
        }
    }

    return NULL;
}


static void
mime_run_end(bridge_buffer_t *b, mime_run_t *run)
{
    mime_run_pad(run);
    mime_charset(b, run->charset.data, run->charset.len, run->bytes.data,
                 run->bytes.len);
    run->bytes.len = 0;
}


static void
mime_run_add(mime_run_t *run, const mime_word_t *w)
{
    int              state;
    size_t           i;
    guint32          save;
    unsigned char   *out;
    bridge_buffer_t  text;

    if (w->encoding == 'B') {
        mime_run_base64(run, &w->text);
        return;
    }

    mime_run_pad(run);

    memset(&text, 0, sizeof(text));
    bridge_buffer_add(&text, w->text.data, w->text.len);

    for (i = 0; i < text.len; i++) {
        text.data[i] = text.data[i] == '_' ? ' ' : text.data[i];
    }

    state = 0;
    save = 0;
    out = (unsigned char *) bridge_buffer_need(&run->bytes, text.len + 4);

    run->bytes.len += g_mime_encoding_quoted_decode_step(
                          (unsigned char *) text.data, text.len, out, &state,
                          &save);
    bridge_buffer_free(&text);
}


static void
mime_run_base64(mime_run_t *run, const bridge_str_t *text)
{
    unsigned char  *out;

    if (run->state && !mime_run_goes_on(run, text)) {
        mime_run_pad(run);
    }

    out = (unsigned char *) bridge_buffer_need(&run->bytes, text->len + 8);

    run->bytes.len += g_mime_encoding_base64_decode_step(
                          (unsigned char *) text->data, text->len, out,
                          &run->state, &run->save);

    if (text->len && text->data[text->len - 1] == '=') {
        run->state = 0;
        run->save = 0;
    }
}


/*
 * Some senders leave the padding out, others cut their words anywhere.  In the
 * first case the letters so far have no bits to spare, and the next word has
 * whole bytes.
 */

static int
mime_run_goes_on(const mime_run_t *run, const bridge_str_t *text)
{
    return run->state == 1 || text->len % 4 == 1
           || run->save & (run->state == 2 ? 0x0f : 0x03);
}


static void
mime_run_pad(mime_run_t *run)
{
    unsigned char  *out;

    if (run->state == 2 || run->state == 3) {
        out = (unsigned char *) bridge_buffer_need(&run->bytes, 8);

        run->bytes.len += g_mime_encoding_base64_decode_step(
                              (const unsigned char *) "==", 4 - run->state,
                              out, &run->state, &run->save);
    }

    run->state = 0;
    run->save = 0;
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
mime_addresses(bridge_buffer_t *b, const mime_addresses_t *list,
    const bridge_str_t *charset)
{
    size_t          i, start, last, left;
    mime_address_t  a;

    start = b->len;
    left = MIME_MAX_NAMES;

    for (i = 0; i < list->n && b->len - start <= MIME_MAX_MEMBER; i++) {

        a = list->list[i];

        if (mime_is_group(list, i)) {

            if (i + 1 == list->n || !mime_is_group_end(&list->list[i + 1])) {
                continue;
            }

            /* an empty group is its name: undisclosed-recipients */

            a.name = a.mailbox;
            a.mailbox.len = 0;
        }

        mime_limit(&a.mailbox, &left);
        mime_limit(&a.host, &left);
        mime_limit(&a.name, &left);

        last = b->len;

        if (last > start) {
            bridge_buffer_text(b, ", ");
        }

        if (!mime_address(b, &a, charset)) {
            b->len = last;
        }
    }

    mime_clean(b, start, MIME_MAX_MEMBER);
}


static void
mime_limit(bridge_str_t *s, size_t *left)
{
    s->len = s->len < *left ? s->len : *left;
    *left -= s->len;
}


/* "Bob <bob@example.net>", or what there is of it; 0: nothing is. */

static int
mime_address(bridge_buffer_t *b, const mime_address_t *a,
    const bridge_str_t *charset)
{
    int     named;
    size_t  start;

    start = b->len;

    if (a->name.len) {
        mime_header(b, a->name.data, a->name.len, charset);
        mime_clean(b, start, MIME_MAX_NAME);
    }

    named = b->len > start;

    if (a->mailbox.len == 0 || mime_is_placeholder(&a->mailbox)) {
        return named;
    }

    if (named) {
        bridge_buffer_text(b, " <");
    }

    mime_raw(b, a->mailbox.data, a->mailbox.len, charset);

    if (a->host.len && !mime_is_placeholder(&a->host)) {
        bridge_buffer_char(b, '@');
        mime_raw(b, a->host.data, a->host.len, charset);
    }

    if (named) {
        bridge_buffer_char(b, '>');
    }

    return 1;
}


/* RFC 3501, 7.4.2: a group begins with a name and ends with NIL, both without
   a host.  A local user has no host either, with some servers. */

static int
mime_is_group(const mime_addresses_t *list, size_t i)
{
    if (list->list[i].host.data) {
        return 0;
    }

    if (mime_is_group_end(&list->list[i])) {
        return 1;
    }

    while (++i < list->n) {

        if (list->list[i].host.data == NULL) {
            return mime_is_group_end(&list->list[i]);
        }
    }

    return 0;
}


static int
mime_is_group_end(const mime_address_t *a)
{
    return a->host.data == NULL && a->mailbox.data == NULL && a->name.len == 0;
}


/* What Dovecot, Cyrus and c-client write for a part that is missing. */

static int
mime_is_placeholder(const bridge_str_t *s)
{
    size_t  i;

    static const char  *names[] = {
        "MISSING_DOMAIN", "MISSING_MAILBOX", "unspecified-domain",
        ".MISSING-HOST-NAME.", ".SYNTAX-ERROR.", "INVALID_ADDRESS",
        "UNEXPECTED_DATA_AFTER_ADDRESS"
    };

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {

        if (bridge_str_equal(s, names[i], strlen(names[i]))) {
            return 1;
        }
    }

    return 0;
}
