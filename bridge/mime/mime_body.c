
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The beginning of a message's text, of as much of its body as is there.
 */


#include "mime_header.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>



#define MIME_MAX_NESTED  4


static int mime_part(bridge_buffer_t *b, const bridge_str_t *head,
    const bridge_str_t *text, int depth);
static int mime_multipart(bridge_buffer_t *b, const bridge_str_t *boundary,
    const bridge_str_t *text, int depth);
static int mime_delimiter(const bridge_str_t *boundary, const char **p,
    const char *end, const char **before);
static int mime_split(const char *p, const char *end, bridge_str_t *head,
    bridge_str_t *text);
static void mime_field(const bridge_str_t *head, const char *name,
    bridge_str_t *value);
static void mime_parameter(const bridge_str_t *field, const char *name,
    bridge_str_t *value);
static void mime_text(bridge_buffer_t *b, const bridge_str_t *type,
    const bridge_str_t *encoding, const bridge_str_t *text, int html);
static void mime_html(bridge_buffer_t *b, const char *data, size_t len);
static const char *mime_tag(const char *p, const char *end);
static const char *mime_entity(bridge_buffer_t *b, const char *p,
    const char *end);


#define mime_begins(s, text)                                                  \
    ((s)->len >= sizeof(text) - 1                                             \
     && strncasecmp((s)->data, text, sizeof(text) - 1) == 0)


void
mime_preview(bridge_buffer_t *b, const bridge_str_t *head,
    const bridge_str_t *text)
{
    size_t  start;

    start = b->len;

    if (mime_part(b, head, text, 0) == 0) {
        mime_clean(b, start, MIME_MAX_PREVIEW);
    }

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
    mime_part(b, head, text, 0);
}


/* Returns -1 if there is no text in it. */

static int
mime_part(bridge_buffer_t *b, const bridge_str_t *head,
    const bridge_str_t *text, int depth)
{
    int           html;
    bridge_str_t  type, encoding, value;

    mime_field(head, "Content-Type", &type);
    mime_field(head, "Content-Transfer-Encoding", &encoding);
    mime_field(head, "Content-Disposition", &value);

    if (mime_begins(&value, "attachment")) {
        return -1;
    }

    if (mime_begins(&type, "multipart/")) {
        mime_parameter(&type, "boundary", &value);

        if (value.len == 0 || depth == MIME_MAX_NESTED) {
            return -1;
        }

        return mime_multipart(b, &value, text, depth + 1);
    }

    html = mime_begins(&type, "text/html");

    if (type.len && !html && !mime_begins(&type, "text/plain")) {
        return -1;
    }

    mime_text(b, &type, &encoding, text, html);

    return 0;
}


static int
mime_multipart(bridge_buffer_t *b, const bridge_str_t *boundary,
    const bridge_str_t *text, int depth)
{
    int           more;
    bridge_str_t  head, body;
    const char   *p, *end, *part, *before;

    if (text->data == NULL) {
        return -1;
    }

    p = text->data;
    end = p + text->len;
    more = mime_delimiter(boundary, &p, end, &before);

    while (more) {
        part = p;
        more = mime_delimiter(boundary, &p, end, &before);

        if (mime_split(part, before, &head, &body) == 0
            && mime_part(b, &head, &body, depth) == 0)
        {
            return 0;
        }
    }

    return -1;
}


/*
 * Goes behind the next line "--boundary"; "before" is the end of what is
 * before it.  0: there is none, or it is the last one.
 */

static int
mime_delimiter(const bridge_str_t *boundary, const char **pp, const char *end,
    const char **before)
{
    size_t       len;
    const char  *p, *next;

    len = boundary->len;

    for (p = *pp; p < end; p = next) {
        next = memchr(p, '\n', end - p);
        next = next ? next + 1 : end;

        if ((size_t) (next - p) < len + 2 || p[0] != '-' || p[1] != '-'
            || memcmp(p + 2, boundary->data, len) != 0)
        {
            continue;
        }

        *before = p;
        *pp = next;
        p += len + 2;

        return next - p < 2 || p[0] != '-' || p[1] != '-';
    }

    *before = end;
    *pp = end;

    return 0;
}


/* The fields of a part, and what is behind the empty line after them. */

static int
mime_split(const char *p, const char *end, bridge_str_t *head,
    bridge_str_t *text)
{
    const char  *next, *line;

    head->data = (char *) p;

    for (line = p; line < end; line = next) {
        next = memchr(line, '\n', end - line);

        if (next == NULL) {
            break;
        }

        next++;

        if (*line == '\n' || (*line == '\r' && next - line == 2)) {
            head->len = line - p;
            text->data = (char *) next;
            text->len = end - next;
            return 0;
        }
    }

    return -1;
}


/* The value without the spaces before it; folds are left in it. */

static void
mime_field(const bridge_str_t *head, const char *name, bridge_str_t *value)
{
    size_t       len;
    const char  *p, *end, *next;

    len = strlen(name);
    value->data = (char *) "";
    value->len = 0;

    if (head->data == NULL) {
        return;
    }

    end = head->data + head->len;

    for (p = head->data; p < end; p = next) {

        for (next = p; next < end; next++) {

            if (*next == '\n' && (next + 1 == end
                                  || (next[1] != ' ' && next[1] != '\t')))
            {
                break;
            }
        }

        if ((size_t) (next - p) > len && p[len] == ':'
            && strncasecmp(p, name, len) == 0)
        {
            for (p += len + 1; p < next && strchr(" \t\r\n", *p) && *p; p++) {
                /* void */
            }

            value->data = (char *) p;
            value->len = next - p;
            return;
        }

        next += next < end;
    }
}


/* ";" name "=" value, which may be quoted */

static void
mime_parameter(const bridge_str_t *field, const char *name,
    bridge_str_t *value)
{
    size_t       len;
    const char  *p, *end, *first;

    len = strlen(name);
    value->data = NULL;
    value->len = 0;
    end = field->data + field->len;

    for (p = field->data; p < end; /* void */ ) {

        if (*p++ != ';') {
            continue;
        }

        while (p < end && *p && strchr(" \t\r\n", *p)) {
            p++;
        }

        if ((size_t) (end - p) <= len || p[len] != '='
            || strncasecmp(p, name, len) != 0)
        {
            continue;
        }

        p += len + 1;
        first = p;

        if (p < end && *p == '"') {
            first = ++p;

            while (p < end && *p != '"') {
                p++;
            }

        } else {

            while (p < end && *p && strchr("; \t\r\n", *p) == NULL) {
                p++;
            }
        }

        value->data = (char *) first;
        value->len = p - first;

        return;
    }
}


static void
mime_text(bridge_buffer_t *b, const bridge_str_t *type,
    const bridge_str_t *encoding, const bridge_str_t *text, int html)
{
    bridge_buffer_t  bytes, utf8;
    bridge_str_t     charset;

    memset(&bytes, 0, sizeof(bytes));
    memset(&utf8, 0, sizeof(utf8));

    mime_parameter(type, "charset", &charset);

    if (mime_begins(encoding, "base64")) {
        mime_base64(&bytes, text->data, text->len);

    } else if (mime_begins(encoding, "quoted-printable")) {
        mime_quoted_printable(&bytes, text->data, text->len, 0);

    } else {
        bridge_buffer_add(&bytes, text->data, text->len);
    }

    if (html) {
        mime_charset(&utf8, charset.data, charset.len, bytes.data, bytes.len);
        mime_html(b, utf8.data, utf8.len);

    } else {
        mime_charset(b, charset.data, charset.len, bytes.data, bytes.len);
    }

    bridge_buffer_free(&bytes);
    bridge_buffer_free(&utf8);
}


/* What is between tags, plainly; a tag is a space. */

static void
mime_html(bridge_buffer_t *b, const char *data, size_t len)
{
    const char  *p, *end;

    end = data + len;

    for (p = data; p < end; /* void */ ) {

        if (*p == '<') {
            p = mime_tag(p, end);
            bridge_buffer_char(b, ' ');

        } else if (*p == '&') {
            p = mime_entity(b, p, end);

        } else {
            bridge_buffer_char(b, *p++);
        }
    }
}


/* Behind the tag; with those whose contents are no text, behind these, too. */

static const char *
mime_tag(const char *p, const char *end)
{
    size_t       i, len;
    const char  *close;

    static const char *hidden[] = { "style", "script", "head", "title" };

    if (end - p >= 4 && memcmp(p, "<!--", 4) == 0) {

        for (p += 4; end - p >= 3; p++) {

            if (memcmp(p, "-->", 3) == 0) {
                return p + 3;
            }
        }

        return end;
    }

    for (i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
        len = strlen(hidden[i]);

        if ((size_t) (end - p) > len + 1
            && strncasecmp(p + 1, hidden[i], len) == 0
            && (p[len + 1] == '>' || p[len + 1] == ' '))
        {
            for (p++; p < end; p++) {

                if (*p == '<' && (size_t) (end - p) > len + 2 && p[1] == '/'
                    && strncasecmp(p + 2, hidden[i], len) == 0)
                {
                    break;
                }
            }

            break;
        }
    }

    close = p < end ? memchr(p, '>', end - p) : NULL;

    return close ? close + 1 : end;
}


static const char *
mime_entity(bridge_buffer_t *b, const char *p, const char *end)
{
    size_t         i, len;
    char           number[12];
    unsigned long  c;
    const char    *close;

    static const struct {
        const char    *name;
        uint32_t       c;
    } entities[] = {
        { "amp", '&' }, { "lt", '<' }, { "gt", '>' }, { "quot", '"' },
        { "apos", '\'' }, { "nbsp", ' ' }, { "auml", 0xe4 },
        { "ouml", 0xf6 }, { "uuml", 0xfc }, { "Auml", 0xc4 },
        { "Ouml", 0xd6 }, { "Uuml", 0xdc }, { "szlig", 0xdf },
        { "eacute", 0xe9 }, { "egrave", 0xe8 }, { "agrave", 0xe0 },
        { "ccedil", 0xe7 }, { "euro", 0x20ac }, { "hellip", 0x2026 },
        { "ndash", 0x2013 }, { "mdash", 0x2014 }, { "rsquo", 0x2019 },
        { "lsquo", 0x2018 }, { "rdquo", 0x201d }, { "ldquo", 0x201c },
        { "zwnj", 0x200c }, { "copy", 0xa9 }, { NULL, 0 }
    };

    p++;
    close = memchr(p, ';', end - p < 12 ? end - p : 12);

    if (close == NULL) {
        bridge_buffer_char(b, '&');
        return p;
    }

    len = close - p;

    if (len > 1 && *p == '#') {
        memcpy(number, p + 1, len - 1);
        number[len - 1] = '\0';

        c = number[0] == 'x' || number[0] == 'X'
            ? strtoul(number + 1, NULL, 16) : strtoul(number, NULL, 10);

        if (c < 0x20 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) {
            c = ' ';
        }

        mime_character(b, c);

        return close + 1;
    }

    for (i = 0; entities[i].name; i++) {

        if (strlen(entities[i].name) == len
            && memcmp(p, entities[i].name, len) == 0)
        {
            mime_character(b, entities[i].c);
            return close + 1;
        }
    }

    bridge_buffer_char(b, '&');

    return p;
}
