
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the text of a message, or of as much of its body as is there.  Called
 * by imap/.  GMime reads the parts (RFC 2045, 2046); the first part with text
 * in it that is no attachment counts.
 */


#include "mime_header.h"
#include "mime_label.h"

#include <string.h>

#include <gmime/gmime.h>


#define MIME_MAX_NESTED  4
#define MIME_MAX_TEXT    8192           /* bytes that a preview is made of, */
#define MIME_MAX_FIELDS  150            /* with lines that may be fields, */
#define MIME_MAX_PARTS   32             /* or may begin a part */


/* The text of the parts so far. */

typedef struct {
    bridge_buffer_t   own;
    bridge_buffer_t   quoted;
    int               preview;
} mime_reader_t;


static GMimeObject *mime_parse(const bridge_str_t *head,
    const bridge_str_t *text);
static int mime_read(mime_reader_t *reader, GMimeObject *object, int depth);
static int mime_is_text(GMimeObject *object, const char *subtype);
static int mime_part(mime_reader_t *reader, GMimePart *part);
static void mime_part_bytes(bridge_buffer_t *b, GMimePart *part);
static void mime_base64(bridge_buffer_t *b, const GByteArray *bytes);
static int mime_is_delsp(GMimeObject *object);
static int mime_has_text(const bridge_buffer_t *b);
static size_t mime_few_parts(const bridge_str_t *text);
static int mime_is_field(const char *p, const char *end);


void
mime_init(void)
{
    g_mime_init();
    mime_label_init();
}


void
mime_preview(bridge_buffer_t *b, const bridge_str_t *head,
    const bridge_str_t *text)
{
    GMimeObject    *object;
    bridge_str_t    some;
    mime_reader_t   reader;

    some.data = text->data;
    some.len = mime_few_parts(text);

    object = mime_parse(head, &some);

    if (object == NULL) {
        return;
    }

    memset(&reader, 0, sizeof(reader));
    reader.preview = 1;

    if (mime_read(&reader, object, 0)) {

        if (reader.own.len == 0) {
            bridge_buffer_char(b, '>');
            bridge_buffer_add(b, reader.quoted.data, reader.quoted.len);

        } else {
            bridge_buffer_add(b, reader.own.data, reader.own.len);
        }
    }

    bridge_buffer_free(&reader.own);
    bridge_buffer_free(&reader.quoted);
    g_object_unref(object);
}


void
mime_plain(bridge_buffer_t *b, const bridge_str_t *head,
    const bridge_str_t *text)
{
    GMimeObject    *object;
    mime_reader_t   reader;

    object = mime_parse(head, text);

    if (object == NULL) {
        return;
    }

    memset(&reader, 0, sizeof(reader));

    mime_read(&reader, object, 0);
    bridge_buffer_add(b, reader.own.data, reader.own.len);

    bridge_buffer_free(&reader.own);
    g_object_unref(object);
}


void
mime_head_charset(bridge_buffer_t *b, const bridge_str_t *head)
{
    const char    *charset;
    GMimeObject   *object;
    bridge_str_t   none;

    memset(&none, 0, sizeof(none));
    object = mime_parse(head, &none);

    if (object == NULL) {
        return;
    }

    charset = g_mime_object_get_content_type_parameter(object, "charset");

    if (charset) {
        bridge_buffer_text(b, charset);
    }

    g_object_unref(object);
}


/* GMime makes an object of each part and of each field. */

static size_t
mime_few_parts(const bridge_str_t *text)
{
    size_t       parts, fields;
    const char  *p, *end, *next;

    parts = 0;
    fields = 0;

    if (text->len == 0) {
        return 0;
    }

    end = text->data + (text->len < MIME_MAX_TEXT ? text->len : MIME_MAX_TEXT);

    for (p = text->data; p < end; p = next) {
        next = memchr(p, '\n', end - p);
        next = next ? next + 1 : end;

        parts += next - p > 2 && memcmp(p, "--", 2) == 0;
        fields += mime_is_field(p, next);

        if (parts > MIME_MAX_PARTS || fields > MIME_MAX_FIELDS) {
            return p - text->data;
        }
    }

    return p - text->data;
}


/* A name and a colon: most lines of a style sheet are none. */

static int
mime_is_field(const char *p, const char *end)
{
    const char  *start = p;

    while (p < end && (unsigned char) *p > ' ' && *p != ':') {
        p++;
    }

    if (p == start) {
        return 0;
    }

    while (p < end && (*p == ' ' || *p == '\t')) {
        p++;
    }

    return p < end && *p == ':';
}


/* NULL: these are no fields of a message. */

static GMimeObject *
mime_parse(const bridge_str_t *head, const bridge_str_t *text)
{
    GMimeObject  *object;
    GMimeParser  *parser;
    GMimeStream  *stream;

    g_mime_init();

    stream = g_mime_stream_mem_new();

    if (head->len) {
        g_mime_stream_write(stream, head->data, head->len);
    }

    /* the empty line between both, in case that the server left it out */

    if (head->len < 2 || head->data[head->len - 1] != '\n'
        || (head->len > 2 && head->data[head->len - 2] != '\n'
            && head->data[head->len - 3] != '\n'))
    {
        g_mime_stream_write(stream, "\r\n\r\n", 4);
    }

    if (text->len) {
        g_mime_stream_write(stream, text->data, text->len);
    }

    g_mime_stream_reset(stream);

    parser = g_mime_parser_new_with_stream(stream);
    object = g_mime_parser_construct_part(parser, NULL);

    g_object_unref(parser);
    g_object_unref(stream);

    return object;
}


/* 1: there is text.  An attachment is none, but a message in it is. */

static int
mime_read(mime_reader_t *reader, GMimeObject *object, int depth)
{
    int                      i, n;
    GMimeMessage            *message;
    GMimeContentDisposition *disposition;

    disposition = g_mime_object_get_content_disposition(object);

    if (disposition && g_mime_content_disposition_is_attachment(disposition)) {
        return 0;
    }

    if (GMIME_IS_MULTIPART(object) && depth < MIME_MAX_NESTED) {
        n = g_mime_multipart_get_count(GMIME_MULTIPART(object));

        for (i = 0; i < n; i++) {

            if (mime_read(reader,
                          g_mime_multipart_get_part(GMIME_MULTIPART(object),
                                                    i),
                          depth + 1))
            {
                return 1;
            }
        }

        return 0;
    }

    if (GMIME_IS_MESSAGE_PART(object) && depth < MIME_MAX_NESTED) {
        message = g_mime_message_part_get_message(GMIME_MESSAGE_PART(object));
        object = message ? g_mime_message_get_mime_part(message) : NULL;

        return object && mime_read(reader, object, depth + 1);
    }

    return GMIME_IS_PART(object)
           && (mime_is_text(object, "plain") || mime_is_text(object, "html"))
           && mime_part(reader, GMIME_PART(object));
}


static int
mime_is_text(GMimeObject *object, const char *subtype)
{
    return g_mime_content_type_is_type(g_mime_object_get_content_type(object),
                                       "text", subtype);
}


/* Its bytes without the transfer encoding, as UTF-8, without tags. */

static int
mime_part(mime_reader_t *reader, GMimePart *part)
{
    const char       *charset;
    bridge_buffer_t   bytes, utf8, *own, *quoted;

    memset(&bytes, 0, sizeof(bytes));
    memset(&utf8, 0, sizeof(utf8));

    own = &reader->own;
    quoted = &reader->quoted;
    own->len = 0;
    quoted->len = 0;

    mime_part_bytes(&bytes, part);
    charset = g_mime_object_get_content_type_parameter(GMIME_OBJECT(part),
                                                       "charset");
    mime_charset(&utf8, charset, charset ? strlen(charset) : 0, bytes.data,
                 bytes.len);

    if (mime_is_text(GMIME_OBJECT(part), "html")) {
        mime_html(own, reader->preview ? quoted : NULL, utf8.data, utf8.len);

    } else if (reader->preview) {
        mime_text(own, quoted, mime_is_delsp(GMIME_OBJECT(part)), utf8.data,
                  utf8.len);

    } else {
        bridge_buffer_add(own, utf8.data, utf8.len);
    }

    bridge_buffer_free(&bytes);
    bridge_buffer_free(&utf8);

    if (reader->preview) {
        mime_clean_preview(own, 0);
        mime_clean_preview(quoted, 0);

        return own->len || quoted->len;
    }

    return mime_has_text(own);
}


static void
mime_part_bytes(bridge_buffer_t *b, GMimePart *part)
{
    GByteArray        *bytes;
    GMimeStream       *stream;
    GMimeDataWrapper  *content;

    content = g_mime_part_get_content(part);

    if (content == NULL) {
        return;
    }

    stream = g_mime_stream_mem_new();
    bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));

    if (g_mime_part_get_content_encoding(part)
        == GMIME_CONTENT_ENCODING_BASE64)
    {
        g_mime_stream_write_to_stream(g_mime_data_wrapper_get_stream(content),
                                      stream);
        mime_base64(b, bytes);

    } else {
        g_mime_data_wrapper_write_to_stream(content, stream);
        bridge_buffer_add(b, bytes->data, bytes->len);
    }

    g_object_unref(stream);
}


/* Up to the padding, or to what is none: a list's footer may follow. */

static void
mime_base64(bridge_buffer_t *b, const GByteArray *bytes)
{
    int             state;
    size_t          len, n;
    guint32         save;
    unsigned char  *out;

    for (len = 0; len < bytes->len; len++) {

        if (!g_ascii_isalnum(bytes->data[len])
            && !memchr("+/ \t\r\n", bytes->data[len], 6))
        {
            break;
        }
    }

    while (len < bytes->len && bytes->data[len] == '=') {
        len++;
    }

    state = 0;
    save = 0;
    out = (unsigned char *) bridge_buffer_need(b, len + 8);
    n = g_mime_encoding_base64_decode_step(bytes->data, len, out, &state,
                                           &save);

    /* it was cut off */

    if (state == 2 || state == 3) {
        n += g_mime_encoding_base64_decode_step((const unsigned char *) "==",
                                                4 - state, out + n, &state,
                                                &save);
    }

    b->len += n;
}


static int
mime_is_delsp(GMimeObject *object)
{
    const char  *delsp;

    delsp = g_mime_object_get_content_type_parameter(object, "delsp");

    return delsp && g_ascii_strcasecmp(delsp, "yes") == 0;
}


static int
mime_has_text(const bridge_buffer_t *b)
{
    size_t  i;

    for (i = 0; i < b->len; i++) {

        if ((unsigned char) b->data[i] > ' ') {
            return 1;
        }
    }

    return 0;
}
