
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the bytes that are received, and cuts them into responses, a line with
 * its literals.  Invariant: each byte is looked at once.
 */


#include "imap_response.h"

#include <string.h>

#include "bridge.h"


/* A larger buffer is freed when it is empty. */

#define IMAP_READER_KEEP  1024

/* The last bytes of a line, for the size of a literal. */

#define IMAP_READER_TAIL  32


static void imap_reader_shift(imap_reader_t *r);
static int imap_reader_error(imap_reader_t *r, const char *error);
static int imap_reader_literal(imap_reader_t *r);
static int imap_reader_text(imap_reader_t *r);
static void imap_reader_drop(imap_reader_t *r, size_t n);
static void imap_reader_shorten(imap_reader_t *r);
static int imap_reader_line(imap_reader_t *r, size_t end, int *literal);
static int imap_reader_has_literals(const char *line, size_t len);


void
imap_reader_init(imap_reader_t *r, size_t max_literal)
{
    memset(r, 0, sizeof(imap_reader_t));
    r->max = max_literal;
}


void
imap_reader_feed(imap_reader_t *r, const char *bytes, size_t len)
{
    if (r->error == NULL) {
        imap_reader_shift(r);
        bridge_buffer_add(&r->buf, bytes, len);
    }
}


int
imap_reader_next(imap_reader_t *r, bridge_str_t *response)
{
    int     rc, literal;
    size_t  end;

    if (r->error) {
        return -1;
    }

    if (r->pos == r->start) {
        r->cut = 0;
        r->shortened = 0;
    }

    do {
        if (!imap_reader_literal(r)) {
            return 0;
        }

        rc = imap_reader_text(r);

        if (rc != 1) {
            return rc;
        }

        if (imap_reader_line(r, r->pos - 1, &literal) == -1) {
            return -1;
        }

    } while (literal);

    end = r->pos - 1;

    if (end > r->start && r->buf.data[end - 1] == '\r') {
        end--;
    }

    response->data = r->buf.data + r->start;
    response->len = end - r->start;

    r->start = r->pos;
    r->from = r->pos;
    r->line = 0;
    r->all = 0;
    r->bytes = 0;
    r->literals = 0;

    return 1;
}


/* 1: no literal is left, and there are more bytes. */

static int
imap_reader_literal(imap_reader_t *r)
{
    size_t  n, left;

    left = r->buf.len - r->pos;

    if (r->drop) {
        imap_reader_drop(r, r->drop < left ? r->drop : left);

    } else if (r->literal) {
        n = r->literal < left ? r->literal : left;
        r->literal -= n;
        r->pos += n;
        r->from = r->pos;
    }

    return r->drop == 0 && r->literal == 0 && r->buf.len > r->pos;
}


/* Bytes up to a line feed.  0: more are needed; -1: there are too many. */

static int
imap_reader_text(imap_reader_t *r)
{
    char    *lf;
    size_t   n, left;

    left = r->buf.len - r->pos;
    lf = memchr(r->buf.data + r->pos, '\n', left);
    n = lf ? (size_t) (lf - (r->buf.data + r->pos)) + 1 : left;

    r->line += n;
    r->pos += n;
    r->all += n;

    if (r->line > IMAP_MAX_LINE) {
        imap_reader_shorten(r);
    }

    if (r->line > 2 * IMAP_MAX_LINE || r->all > IMAP_MAX_LONG_LINE) {
        return imap_reader_error(r, "line too long");
    }

    return lf != NULL;
}


/* The next bytes are of a literal that is too large. */

static void
imap_reader_drop(imap_reader_t *r, size_t n)
{
    char  *p;

    p = r->buf.data + r->pos;

    r->drop -= n;
    r->buf.len -= n;
    memmove(p, p + n, r->buf.len - r->pos);
    r->from = r->pos;
}


/* Drops bytes before the end of the line, so that it is no longer too long. */

static void
imap_reader_shorten(imap_reader_t *r)
{
    char    *p;
    size_t   n, most;

    n = r->line - IMAP_MAX_LINE;
    most = r->pos - r->from;
    most = most > IMAP_READER_TAIL ? most - IMAP_READER_TAIL : 0;
    n = n < most ? n : most;

    if (n) {
        p = r->buf.data + r->pos - IMAP_READER_TAIL - n;
        memmove(p, p + n, r->buf.len - (p + n - r->buf.data));
        r->buf.len -= n;
        r->pos -= n;
        r->line -= n;
        r->shortened = 1;
    }
}


/* Does the line that ends at "end" end with the size of a literal? */

static int
imap_reader_line(imap_reader_t *r, size_t end, int *literal)
{
    char   *p, *n, *first, *digits;
    size_t  size;

    *literal = 0;

    first = r->buf.data + r->start;
    p = r->buf.data + end;

    if (p > first && p[-1] == '\r') {
        p--;
    }

    if (p - first < 3 || *--p != '}'
        || !imap_reader_has_literals(first, p - first))
    {
        return 0;
    }

    if (p[-1] == '+') {
        p--;
    }

    for (n = p; n > first && n[-1] >= '0' && n[-1] <= '9'; n--) { /* void */ }

    if (n == p || n == first || n[-1] != '{') {
        return 0;
    }

    digits = n;

    for (size = 0; n < p; n++) {
        size = size * 10 + (*n - '0');

        if (size > UINT32_MAX) {
            return imap_reader_error(r, "literal too large");
        }
    }

    *literal = 1;

    if (r->shortened || ++r->literals > IMAP_MAX_LITERALS
        || r->bytes + size > r->max)
    {
        memset(digits, '0', p - digits);
        r->drop = size;
        r->cut = 1;
        return 0;
    }

    r->bytes += size;
    r->literal = size;

    return 0;
}


/* Tagged responses, "+" and untagged conditions have free text, which may look
   like a literal. */

static int
imap_reader_has_literals(const char *line, size_t len)
{
    char          *space;
    bridge_str_t   word;

    if (len < 2 || line[0] != '*' || line[1] != ' ') {
        return 0;
    }

    word.data = (char *) line + 2;
    space = memchr(word.data, ' ', len - 2);
    word.len = space ? space - word.data : 0;

    return imap_word(imap_conditions, &word) == 0;
}


static void
imap_reader_shift(imap_reader_t *r)
{
    size_t  left;

    left = r->buf.len - r->start;

    if (left == 0) {
        r->buf.len = 0;

        if (r->buf.size > IMAP_READER_KEEP) {
            bridge_buffer_free(&r->buf);
        }

    } else if (r->start) {
        memmove(r->buf.data, r->buf.data + r->start, left);
        r->buf.len = left;
    }

    r->pos -= r->start;
    r->from -= r->start;
    r->start = 0;
}


size_t
imap_reader_rest(const imap_reader_t *r)
{
    return  r->buf.len - r->start;
}


static int
imap_reader_error(imap_reader_t *r, const char *error)
{
    r->error = error;
    bridge_buffer_free(&r->buf);

    return -1;
}


void
imap_reader_free(imap_reader_t *r)
{
    bridge_buffer_free(&r->buf);
}
