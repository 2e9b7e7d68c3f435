
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Reads atoms, strings, numbers and lists (RFC 9051, 9).  Pure.
 */


#include "imap_token.h"

#include <string.h>
#include <strings.h>


static int imap_cursor_quoted(imap_cursor_t *c, bridge_str_t *s);
static int imap_cursor_literal(imap_cursor_t *c, bridge_str_t *s);


uint32_t
imap_word(const imap_word_t *words, const bridge_str_t *s)
{
    while (words->name
           && !bridge_str_equal(s, words->name, strlen(words->name)))
    {
        words++;
    }

    return words->value;
}


void
imap_cursor_init(imap_cursor_t *c, char *data, size_t len)
{
    c->p = data;
    c->end = data + len;
    c->error = NULL;
}


int
imap_cursor_error(imap_cursor_t *c, const char *error)
{
    if (c->error == NULL) {
        c->error = error;
    }

    c->p = c->end;

    return -1;
}


int
imap_cursor_at(imap_cursor_t *c, char what)
{
    if (c->p < c->end && *c->p == what) {
        c->p++;
        return 1;
    }

    return 0;
}


int
imap_cursor_expect(imap_cursor_t *c, char what)
{
    if (what == ' ' && imap_cursor_at(c, ' ')) {

        /* some servers send several */

        while (imap_cursor_at(c, ' ')) { /* void */ }

        return 0;
    }

    if (!imap_cursor_at(c, what)) {
        return imap_cursor_error(c, what == ' ' ? "space expected"
                                 : what == '(' ? "\"(\" expected"
                                 : what == ')' ? "\")\" expected"
                                 : "unexpected character");
    }

    return 0;
}


int
imap_cursor_number(imap_cursor_t *c, uint64_t max, uint64_t *n)
{
    char     *first;
    uint64_t  digit;

    first = c->p;
    *n = 0;

    while (c->p < c->end && *c->p >= '0' && *c->p <= '9') {
        digit = *c->p++ - '0';

        if (*n > (max - digit) / 10) {
            return imap_cursor_error(c, "number too large");
        }

        *n = *n * 10 + digit;
    }

    if (c->p == first) {
        return imap_cursor_error(c, "number expected");
    }

    return 0;
}


int
imap_cursor_atom(imap_cursor_t *c, bridge_str_t *s)
{
    int  in;

    s->data = c->p;
    in = 0;

    for ( /* void */ ; c->p < c->end; c->p++) {

        if (*c->p == '[') {
            in = 1;

        } else if (*c->p == ']') {
            in = 0;

        } else if ((unsigned char) *c->p < ' ') {
            break;

        } else if (!in && strchr(" ()\"{", *c->p)) {
            break;
        }
    }

    s->len = c->p - s->data;

    if (s->len == 0 || in) {
        return imap_cursor_error(c, "atom expected");
    }

    return 0;
}


int
imap_cursor_string(imap_cursor_t *c, bridge_str_t *s, int nil)
{
    if (c->p == c->end) {
        return imap_cursor_error(c, "string expected");
    }

    if (*c->p == '"') {
        return imap_cursor_quoted(c, s);
    }

    if (*c->p == '{' || *c->p == '~') {
        return imap_cursor_literal(c, s);
    }

    if (imap_cursor_atom(c, s) == -1) {
        return -1;
    }

    if (nil && bridge_str_is(s, "NIL")) {
        s->data = NULL;
        s->len = 0;
    }

    return 0;
}


static int
imap_cursor_quoted(imap_cursor_t *c, bridge_str_t *s)
{
    char  *to;

    s->data = ++c->p;

    for (to = c->p; c->p < c->end && *c->p != '"'; c->p++) {

        if (*c->p == '\\' && ++c->p == c->end) {
            break;
        }

        *to++ = *c->p;
    }

    if (c->p == c->end) {
        return imap_cursor_error(c, "quoted string without an end");
    }

    c->p++;
    s->len = to - s->data;

    return 0;
}


/* literal = "{" number ["+"] "}" CRLF *CHAR8, literal8 = "~" literal */

static int
imap_cursor_literal(imap_cursor_t *c, bridge_str_t *s)
{
    char     *first;
    uint64_t  size;

    first = c->p;
    imap_cursor_at(c, '~');

    if (!imap_cursor_at(c, '{')) {

        /* an atom may begin with "~", too */

        c->p = first;
        return imap_cursor_atom(c, s);
    }

    if (imap_cursor_number(c, UINT32_MAX, &size) == -1) {
        return -1;
    }

    imap_cursor_at(c, '+');

    if (!imap_cursor_at(c, '}')) {
        return imap_cursor_error(c, "bad literal");
    }

    imap_cursor_at(c, '\r');

    if (!imap_cursor_at(c, '\n') || (size_t) (c->end - c->p) < size) {
        return imap_cursor_error(c, "bad literal");
    }

    s->data = c->p;
    s->len = size;
    c->p += size;

    return 0;
}


int
imap_cursor_skip(imap_cursor_t *c)
{
    size_t        depth;
    bridge_str_t  s;

    depth = 0;

    do {
        while (depth && imap_cursor_at(c, ' ')) { /* void */ }

        if (imap_cursor_at(c, '(')) {

            if (++depth > IMAP_MAX_DEPTH) {
                return imap_cursor_error(c, "nested too deep");
            }

        } else if (depth && imap_cursor_at(c, ')')) {
            depth--;

        } else if (imap_cursor_string(c, &s, 0) == -1) {
            return -1;
        }

    } while (depth);

    return 0;
}


/* Real lists have empty members, "[" within atoms, and quoted strings. */

int
imap_cursor_atoms(imap_cursor_t *c, bridge_str_t *list, size_t max, size_t *n)
{
    bridge_str_t  atom;

    *n = 0;

    if (imap_cursor_expect(c, '(') == -1) {
        return -1;
    }

    for ( ;; ) {
        while (imap_cursor_at(c, ' ')) { /* void */ }

        if (c->p == c->end) {
            return imap_cursor_error(c, "list without an end");
        }

        if (imap_cursor_at(c, ')')) {
            return 0;
        }

        if (*c->p != '"') {
            atom.data = c->p;

            while (c->p < c->end && *c->p != ' ' && *c->p != ')') {
                c->p++;
            }

            atom.len = c->p - atom.data;

        } else if (imap_cursor_quoted(c, &atom) == -1) {
            return -1;
        }

        if (*n < max) {
            list[(*n)++] = atom;
        }
    }
}
