
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


static void imap_reader_shift(imap_reader_t *r);
static int imap_reader_error(imap_reader_t *r, const char *error);
static void imap_reader_drop(imap_reader_t *r, size_t n);
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
    int     literal;
    char   *lf;
    size_t  end, left;

    if (r->error) {
        return -1;
    }

    if (r->pos == r->start) {
        r->cut = 0;
    }

    for ( ;; ) {
        left = r->buf.len - r->pos;

        if (r->drop) {
            imap_reader_drop(r, r->drop < left ? r->drop : left);

            if (r->drop || r->buf.len == r->pos) {
                return 0;
            }

            continue;
        }

        if (r->literal) {
            end = r->literal < left ? r->literal : left;
            r->literal -= end;
            r->pos += end;

            if (r->literal || end == left) {
                return 0;
            }

            continue;
        }

        lf = left ? memchr(r->buf.data + r->pos, '\n', left) : NULL;
        end = lf ? (size_t) (lf - (r->buf.data + r->pos)) + 1 : left;

        if (r->line + end > IMAP_MAX_LINE) {
            return imap_reader_error(r, "line too long");
        }

        r->line += end;
        r->pos += end;

        if (lf == NULL) {
            return 0;
        }

        if (imap_reader_line(r, r->pos - 1, &literal) == -1) {
            return -1;
        }

        if (!literal) {
            break;
        }
    }

    end = r->pos - 1;

    if (end > r->start && r->buf.data[end - 1] == '\r') {
        end--;
    }

    response->data = r->buf.data + r->start;
    response->len = end - r->start;

    r->start = r->pos;
    r->line = 0;
    r->bytes = 0;
    r->literals = 0;

    return 1;
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

    if (++r->literals > IMAP_MAX_LITERALS) {
        return imap_reader_error(r, "too many literals");
    }

    *literal = 1;

    if (r->bytes + size > r->max) {
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
