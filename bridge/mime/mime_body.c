
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the text of a message, or of as much of its body as is there.  Called
 * by imap/.  GMime reads the parts (RFC 2045, 2046); the first part that is
 * text and no attachment counts.
 */


#include "mime_header.h"

#include <string.h>

#include <gmime/gmime.h>


#define MIME_MAX_NESTED  4


static GMimeObject *mime_parse(const bridge_str_t *head,
    const bridge_str_t *text);
static GMimePart *mime_first_text(GMimeObject *object, int depth);
static void mime_part(bridge_buffer_t *b, GMimePart *part);


void
mime_preview(bridge_buffer_t *b, const bridge_str_t *head,
    const bridge_str_t *text)
{
    size_t  start;

    start = b->len;

    mime_plain(b, head, text);
    mime_clean(b, start, MIME_MAX_PREVIEW);

    /* a character that was cut off */

    while (b->len >= start + 3
           && memcmp(b->data + b->len - 3, "\xef\xbf\xbd", 3) == 0)
    {
        b->len -= 3;
    }
}


void
mime_plain(bridge_buffer_t *b, const bridge_str_t *head,
    const bridge_str_t *text)
{
    GMimePart    *part;
    GMimeObject  *object;

    object = mime_parse(head, text);

    if (object == NULL) {
        return;
    }

    part = mime_first_text(object, 0);

    if (part) {
        mime_part(b, part);
    }

    g_object_unref(object);
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


static GMimePart *
mime_first_text(GMimeObject *object, int depth)
{
    int                      i, n;
    GMimePart               *part;
    GMimeContentType        *type;
    GMimeContentDisposition *disposition;

    disposition = g_mime_object_get_content_disposition(object);

    if (disposition && g_mime_content_disposition_is_attachment(disposition)) {
        return NULL;
    }

    if (GMIME_IS_MULTIPART(object) && depth < MIME_MAX_NESTED) {
        n = g_mime_multipart_get_count(GMIME_MULTIPART(object));

        for (i = 0; i < n; i++) {
            part = mime_first_text(
                g_mime_multipart_get_part(GMIME_MULTIPART(object), i),
                depth + 1);

            if (part) {
                return part;
            }
        }
    }

    type = g_mime_object_get_content_type(object);

    return GMIME_IS_PART(object)
           && (g_mime_content_type_is_type(type, "text", "plain")
               || g_mime_content_type_is_type(type, "text", "html"))
           ? GMIME_PART(object) : NULL;
}


/* Its bytes without the transfer encoding, as UTF-8, without tags. */

static void
mime_part(bridge_buffer_t *b, GMimePart *part)
{
    GByteArray        *bytes;
    const char        *charset;
    GMimeStream       *stream;
    bridge_buffer_t    utf8;
    GMimeDataWrapper  *content;

    content = g_mime_part_get_content(part);

    if (content == NULL) {
        return;
    }

    stream = g_mime_stream_mem_new();
    g_mime_data_wrapper_write_to_stream(content, stream);

    bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));
    charset = g_mime_object_get_content_type_parameter(GMIME_OBJECT(part),
                                                       "charset");
    memset(&utf8, 0, sizeof(utf8));

    mime_charset(&utf8, charset, charset ? strlen(charset) : 0,
                 (char *) bytes->data, bytes->len);

    if (g_mime_content_type_is_type(
            g_mime_object_get_content_type(GMIME_OBJECT(part)), "text",
            "html"))
    {
        mime_html(b, utf8.data, utf8.len);

    } else {
        bridge_buffer_add(b, utf8.data, utf8.len);
    }

    bridge_buffer_free(&utf8);
    g_object_unref(stream);
}
