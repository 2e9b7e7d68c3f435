
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


typedef struct {
    bridge_buffer_t   *text;
    htmlParserCtxtPtr  parser;
    int                depth;
    int                hidden;      /* elements without text around us */
} mime_html_t;


static void mime_html_start(void *data, const xmlChar *name,
    const xmlChar **attributes);
static void mime_html_end(void *data, const xmlChar *name);
static void mime_html_text(void *data, const xmlChar *text, int len);
static int mime_html_is_hidden(const xmlChar *name);


void
mime_html(bridge_buffer_t *b, const char *data, size_t len)
{
    mime_html_t        html;
    htmlSAXHandler     sax;
    htmlParserCtxtPtr  parser;

    memset(&sax, 0, sizeof(sax));
    sax.startElement = mime_html_start;
    sax.endElement = mime_html_end;
    sax.characters = mime_html_text;
    sax.ignorableWhitespace = mime_html_text;

    memset(&html, 0, sizeof(html));
    html.text = b;

    parser = htmlCreatePushParserCtxt(&sax, &html, NULL, 0, NULL,
                                      XML_CHAR_ENCODING_UTF8);
    if (parser == NULL) {
        return;
    }

    html.parser = parser;

    htmlCtxtUseOptions(parser, MIME_HTML_OPTIONS);
    htmlParseChunk(parser, data, len, 0);
    htmlParseChunk(parser, NULL, 0, 1);

    if (parser->myDoc) {
        xmlFreeDoc(parser->myDoc);
    }

    htmlFreeParserCtxt(parser);
}


static void
mime_html_start(void *data, const xmlChar *name, const xmlChar **attributes)
{
    mime_html_t  *html = data;

    if (++html->depth > MIME_HTML_DEPTH) {
        xmlStopParser(html->parser);
    }

    html->hidden += mime_html_is_hidden(name);
    bridge_buffer_char(html->text, ' ');
}


static void
mime_html_end(void *data, const xmlChar *name)
{
    mime_html_t  *html = data;

    html->depth--;
    html->hidden -= mime_html_is_hidden(name);
    bridge_buffer_char(html->text, ' ');
}


static void
mime_html_text(void *data, const xmlChar *text, int len)
{
    mime_html_t  *html = data;

    if (html->hidden <= 0) {
        bridge_buffer_add(html->text, (const char *) text, len);
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
