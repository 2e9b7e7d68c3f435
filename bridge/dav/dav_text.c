
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * RFC 5545, 3.1 and RFC 6350, 3.2: a line that begins with white space
 * continues the line before.
 */


#include "dav_update_job.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include <glib.h>


#define DAV_TEXT_DEPTH  16
#define DAV_TEXT_NAME   64


static const char *dav_text_line(const char *line, size_t len);
static GPtrArray *dav_text_lines(const char *text);
static int dav_text_is_border(const char *line);
static int dav_text_compare(const void *a, const void *b);
static int dav_text_component(const char *line, size_t len, const char *what,
    char *name);


const char *
dav_text_check(const char *text, size_t len, int calendar)
{
    char         stack[DAV_TEXT_DEPTH][DAV_TEXT_NAME], name[DAV_TEXT_NAME];
    size_t       n;
    unsigned     depth, outer;
    const char  *end, *p, *why;

    depth = 0;
    outer = 0;
    end = text + len;

    for (p = text; p < end; p += n + 1) {
        n = strcspn(p, "\n");

        why = dav_text_line(p, n);
        if (why) {
            return why;
        }

        if (n == 0 || (n == 1 && *p == '\r') || *p == ' ' || *p == '\t') {

            if (n > 1 && depth == 0) {
                return "text outside of a component";
            }

            continue;
        }

        if (dav_text_component(p, n, "BEGIN:", name)) {

            if (depth == DAV_TEXT_DEPTH) {
                return "components are nested too deep";
            }

            if (depth == 0
                && (++outer > 1 || strcmp(name, calendar ? "VCALENDAR"
                                                         : "VCARD") != 0))
            {
                return calendar ? "not one VCALENDAR" : "not one VCARD";
            }

            strcpy(stack[depth++], name);

        } else if (dav_text_component(p, n, "END:", name)) {

            if (depth == 0 || strcmp(stack[--depth], name) != 0) {
                return "an END without its BEGIN";
            }

        } else if (depth == 0) {
            return "text outside of a component";
        }
    }

    if (depth || outer == 0) {
        return outer ? "a BEGIN without its END" : "no component";
    }

    return NULL;
}


static const char *
dav_text_line(const char *line, size_t len)
{
    size_t  i;

    for (i = 0; i < len; i++) {
        if ((unsigned char) line[i] < ' ' && line[i] != '\t'
            && (line[i] != '\r' || i + 1 < len))
        {
            return "a control character";
        }
    }

    return len > 1 && memchr(line, ':', len) == NULL && line[0] != ' '
           && line[0] != '\t' && !isalpha((unsigned char) line[0])
           ? "a line that is no property" : NULL;
}


static int
dav_text_component(const char *line, size_t len, const char *what, char *name)
{
    size_t  i, n;

    n = strlen(what);

    if (len < n || strncasecmp(line, what, n) != 0) {
        return 0;
    }

    while (len > n && (line[len - 1] == '\r' || line[len - 1] == ' ')) {
        len--;
    }

    for (i = 0; n < len && i < DAV_TEXT_NAME - 1; i++) {
        name[i] = toupper((unsigned char) line[n++]);
    }

    name[i] = '\0';

    return 1;
}


int
dav_text_same(const char *a, const char *b)
{
    int         same;
    unsigned    i;
    GPtrArray  *x, *y;

    x = dav_text_lines(a);
    y = dav_text_lines(b);

    same = x->len == y->len;

    for (i = 0; same && i < x->len; i++) {
        same = strcmp(x->pdata[i], y->pdata[i]) == 0;
    }

    g_ptr_array_free(x, TRUE);
    g_ptr_array_free(y, TRUE);

    return same;
}


/* Unfolded lines; those between BEGIN and END are sorted. */

static GPtrArray *
dav_text_lines(const char *text)
{
    char        *line;
    size_t       n;
    unsigned     i, first;
    GString     *plain;
    GPtrArray   *lines;
    const char  *p;

    plain = g_string_new(NULL);
    lines = g_ptr_array_new_with_free_func(g_free);

    for (p = text; *p; p++) {
        if (*p == '\n' && (p[1] == ' ' || p[1] == '\t')) {
            p++;

        } else if (*p != '\r') {
            g_string_append_c(plain, *p);
        }
    }

    for (p = plain->str; *p; p += n + (p[n] != '\0')) {
        n = strcspn(p, "\n");

        if (n) {
            line = g_strndup(p, n);
            g_ptr_array_add(lines, line);
        }
    }

    g_string_free(plain, TRUE);

    for (i = 0, first = 0; i < lines->len; i++) {
        if (dav_text_is_border(lines->pdata[i])) {
            qsort(lines->pdata + first, i - first, sizeof(gpointer),
                  dav_text_compare);
            first = i + 1;
        }
    }

    return lines;
}


static int
dav_text_is_border(const char *line)
{
    return g_ascii_strncasecmp(line, "BEGIN:", 6) == 0
           || g_ascii_strncasecmp(line, "END:", 4) == 0;
}


static int
dav_text_compare(const void *a, const void *b)
{
    return strcmp(*(char *const *) a, *(char *const *) b);
}


const char *
dav_text_strong(const char *etag)
{
    return strncmp(etag, "W/", 2) == 0 ? etag + 2 : etag;
}


int
dav_text_etag_same(const char *a, const char *b)
{
    return strcmp(dav_text_strong(a), dav_text_strong(b)) == 0;
}


int
dav_text_etag(const char *etag)
{
    return strlen(etag) <= 255
           && g_regex_match_simple("^(?:(?:W/)?\"[^\"\\x00-\\x1f]*\""
                                   "|[^ ,\"*\\x00-\\x1f]+)\\z", etag,
                                   G_REGEX_RAW, 0);
}
