
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the text of HTML: libxml2 reads it, however broken, and reports tags
 * and text.  Called by mime_body.c.  A tag is a space.
 */


#include "mime_header.h"

#include <string.h>

#include <glib.h>
#include <libxml/HTMLparser.h>


#define MIME_HTML_OPTIONS                                                     \
    (HTML_PARSE_RECOVER|HTML_PARSE_NOERROR|HTML_PARSE_NOWARNING               \
     |HTML_PARSE_NONET|HTML_PARSE_IGNORE_ENC|HTML_PARSE_COMPACT)


/* The limit of libxml2 for a tree.  Each end tag is compared with all open
   elements. */

#define MIME_HTML_DEPTH  256


#define MIME_HTML_TAG  2048         /* bytes */


/* Bytes of which the preview is made, if it is one. */
#define MIME_HTML_ENOUGH  2000


typedef struct {
    bridge_buffer_t   *text;
    bridge_buffer_t   *own;
    bridge_buffer_t   *quoted;
    int                quotes;      /* around us, if they are wanted apart */
    htmlParserCtxtPtr  parser;
    int                depth;
    int                hidden;      /* elements without text around us */
} mime_html_t;


static void mime_html_parse(htmlParserCtxtPtr parser, const char *data,
    size_t len);
static void mime_html_start(void *data, const xmlChar *name,
    const xmlChar **attributes);
static void mime_html_end(void *data, const xmlChar *name);
static void mime_html_text(void *data, const xmlChar *text, int len);
static void mime_html_quote(mime_html_t *html, const xmlChar *name, int more);
static int mime_html_is_hidden(const xmlChar *name);


void
mime_html(bridge_buffer_t *b, bridge_buffer_t *quoted, const char *data,
    size_t len)
{
    mime_html_t        html;
    htmlSAXHandler     sax;
    htmlParserCtxtPtr  parser;

    if (len == 0) {
        return;
    }

    memset(&sax, 0, sizeof(sax));
    sax.startElement = mime_html_start;
    sax.endElement = mime_html_end;
    sax.characters = mime_html_text;
    sax.ignorableWhitespace = mime_html_text;

    memset(&html, 0, sizeof(html));
    html.text = b;
    html.own = b;
    html.quoted = quoted;

    parser = htmlCreatePushParserCtxt(&sax, &html, NULL, 0, NULL,
                                      XML_CHAR_ENCODING_UTF8);
    if (parser == NULL) {
        return;
    }

    html.parser = parser;

    htmlCtxtUseOptions(parser, MIME_HTML_OPTIONS);
    mime_html_parse(parser, data, len);
    htmlParseChunk(parser, NULL, 0, 1);

    if (parser->myDoc) {
        xmlFreeDoc(parser->myDoc);
    }

    htmlFreeParserCtxt(parser);
}


/* libxml2 compares each attribute of a tag with all before it.  A tag that is
   too long is mostly an image in itself, and left out. */

static void
mime_html_parse(htmlParserCtxtPtr parser, const char *data, size_t len)
{
    const char  *p, *end, *tag, *next;

    p = data;
    end = data + len;

    for (tag = data; tag < end; tag = next) {
        tag = memchr(tag, '<', end - tag);

        if (tag == NULL) {
            break;
        }

        next = memchr(tag, '>', end - tag);
        next = next ? next + 1 : end;

        if (next - tag > MIME_HTML_TAG && tag[1] != '!') {
            htmlParseChunk(parser, p, tag - p, 0);
            p = next;
        }
    }

    htmlParseChunk(parser, p, end - p, 0);
}


static void
mime_html_start(void *data, const xmlChar *name, const xmlChar **attributes)
{
    mime_html_t  *html = data;

    if (++html->depth > MIME_HTML_DEPTH) {
        xmlStopParser(html->parser);
    }

    html->hidden += mime_html_is_hidden(name);
    mime_html_quote(html, name, 1);
    bridge_buffer_char(html->text, ' ');
}


static void
mime_html_end(void *data, const xmlChar *name)
{
    mime_html_t  *html = data;

    html->depth--;
    html->hidden -= mime_html_is_hidden(name);
    bridge_buffer_char(html->text, ' ');
    mime_html_quote(html, name, -1);
}


static void
mime_html_quote(mime_html_t *html, const xmlChar *name, int more)
{
    if (html->quoted && strcmp((const char *) name, "blockquote") == 0) {
        html->quotes += more;
        html->text = html->quotes > 0 ? html->quoted : html->own;
    }
}


static void
mime_html_text(void *data, const xmlChar *text, int len)
{
    mime_html_t  *html = data;

    if (html->hidden <= 0) {
        bridge_buffer_add(html->text, (const char *) text, len);
    }

    /* for a preview */

    if (html->quoted && html->own->len > MIME_HTML_ENOUGH) {
        xmlStopParser(html->parser);
    }
}


static int
mime_html_is_hidden(const xmlChar *name)
{
    static const char  *hidden[] = {
        "style", "script", "head", "title", NULL
    };

    return g_strv_contains(hidden, (const char *) name);
}
