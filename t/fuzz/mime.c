
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * libFuzzer target: headers, dates, bodies and HTML of any mail.  All that
 * comes out is UTF-8.  Texts for events are bounded and have no control
 * characters, and a date is one of RFC 3339.  The first byte chooses what the
 * rest is; 0xff separates its parts.
 *
 * Reaches: mime_run_base64, mime_run_pad, mime_spaces, mime_raw,
 *     mime_is_group, mime_part, mime_read, mime_base64, mime_text,
 *     mime_html_quote, mime_html_text, mime_iconv, mime_invalid, mime_euc_jp,
 *     mime_clean_pgp, mime_clean_cut, fuzz_dated, fuzz_internal, fuzz_html.
 */


#include "fuzz.h"

#include "mime_header.h"


static void
fuzz_text(const bridge_buffer_t *b, size_t max)
{
    size_t  i;

    fuzz_check(b->len <= max);
    fuzz_check(fuzz_is_utf8(b->data, b->len));

    for (i = 0; i < b->len; i++) {
        fuzz_check((unsigned char) b->data[i] >= 0x20 && b->data[i] != 0x7f);
    }
}


static bridge_str_t
fuzz_part(fuzz_in_t *in)
{
    size_t          len;
    bridge_str_t    str;
    const uint8_t  *data;

    len = fuzz_until(in, 0xff, &data);

    str.data = fuzz_copy(data, len);
    str.len = len;

    return str;
}


static void
fuzz_header(bridge_buffer_t *b, fuzz_in_t *in)
{
    bridge_str_t  charset = fuzz_part(in), text = fuzz_part(in);

    mime_header(b, text.data, text.len, &charset);
    fuzz_text(b, MIME_MAX_MEMBER);

    free(charset.data);
    free(text.data);
}


/* An empty one is NIL. */

static void
fuzz_nil(bridge_str_t *str)
{
    if (str->len == 0) {
        free(str->data);
        str->data = NULL;
    }
}


static void
fuzz_addresses(bridge_buffer_t *b, fuzz_in_t *in)
{
    mime_address_t    *a;
    mime_addresses_t   list;

    memset(&list, 0, sizeof(list));

    while (in->p < in->last && list.n < MIME_MAX_ADDRESSES) {
        a = &list.list[list.n++];
        a->name = fuzz_part(in);
        a->mailbox = fuzz_part(in);
        a->host = fuzz_part(in);
        fuzz_nil(&a->mailbox);
        fuzz_nil(&a->host);
    }

    mime_addresses(b, &list, NULL);
    fuzz_text(b, MIME_MAX_MEMBER);

    while (list.n) {
        a = &list.list[--list.n];
        free(a->name.data);
        free(a->mailbox.data);
        free(a->host.data);
    }
}


/* 2026-11-24T12:00:00+01:00 */

static void
fuzz_dated(const bridge_buffer_t *b)
{
    size_t       i;
    const char  *form;

    static const char  zone[] = "dddd-dd-ddTdd:dd:dd+dd:dd";
    static const char  utc[] = "dddd-dd-ddTdd:dd:ddZ";

    form = b->len == sizeof(utc) - 1 ? utc : zone;
    fuzz_check(b->len == strlen(form));

    for (i = 0; i < b->len; i++) {
        fuzz_check(form[i] == 'd' ? b->data[i] >= '0' && b->data[i] <= '9'
                   : form[i] == '+' ? strchr("+-", b->data[i]) != NULL
                   : b->data[i] == form[i]);
    }
}


static void
fuzz_date(bridge_buffer_t *b, fuzz_in_t *in)
{
    bridge_str_t  text = fuzz_part(in);

    mime_date(b, text.data, text.len);

    if (b->len) {
        fuzz_dated(b);
    }

    free(text.data);
}


static void
fuzz_internal(bridge_buffer_t *b, fuzz_in_t *in)
{
    bridge_str_t  text = fuzz_part(in);

    fuzz_check(mime_internal_date(text.data, text.len) >= 0);

    free(text.data);
}


static void
fuzz_body(bridge_buffer_t *b, fuzz_in_t *in)
{
    bridge_str_t  head = fuzz_part(in), text = fuzz_part(in);

    mime_preview(b, &head, &text);
    fuzz_text(b, 4 * MIME_MAX_PREVIEW + 1);
    b->len = 0;

    mime_head_charset(b, &head);
    b->len = 0;

    mime_plain(b, &head, &text);
    fuzz_check(fuzz_is_utf8(b->data, b->len));

    free(head.data);
    free(text.data);
}


static void
fuzz_charset(bridge_buffer_t *b, fuzz_in_t *in)
{
    bridge_str_t  name = fuzz_part(in), text = fuzz_part(in);

    mime_charset(b, name.data, name.len, text.data, text.len);
    fuzz_check(fuzz_is_utf8(b->data, b->len));

    free(name.data);
    free(text.data);
}


static void
fuzz_html(bridge_buffer_t *b, fuzz_in_t *in)
{
    bridge_str_t     text = fuzz_part(in);
    bridge_buffer_t  utf8, quoted;

    memset(&utf8, 0, sizeof(utf8));

    mime_charset(&utf8, NULL, 0, text.data, text.len);
    memset(&quoted, 0, sizeof(quoted));

    mime_html(b, &quoted, utf8.data, utf8.len);
    fuzz_check(fuzz_is_utf8(b->data, b->len));
    fuzz_check(fuzz_is_utf8(quoted.data, quoted.len));
    b->len = 0;

    mime_html(b, NULL, utf8.data, utf8.len);
    fuzz_check(fuzz_is_utf8(b->data, b->len));

    bridge_buffer_free(&quoted);
    bridge_buffer_free(&utf8);
    free(text.data);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_in_t        in = { data, data + size };
    bridge_buffer_t  b;

    static void  (*const kinds[])(bridge_buffer_t *b, fuzz_in_t *in) = {
        fuzz_header, fuzz_addresses, fuzz_date, fuzz_internal, fuzz_body,
        fuzz_charset, fuzz_html
    };

    memset(&b, 0, sizeof(b));

    kinds[fuzz_byte(&in) % (sizeof(kinds) / sizeof(kinds[0]))](&b, &in);

    bridge_buffer_free(&b);

    return 0;
}
