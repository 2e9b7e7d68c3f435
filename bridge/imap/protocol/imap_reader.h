
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Cuts bytes into responses: a line with its literals.  Pure; looks at each
 * byte once.
 */


#ifndef _IMAP_READER_H_INCLUDED_
#define _IMAP_READER_H_INCLUDED_


#include "bridge_buffer.h"


/* Of one response; a line does not count its literals. */

#define IMAP_MAX_LINE           (1024 * 1024)
#define IMAP_MAX_LITERALS       1024


typedef struct {
    bridge_buffer_t  buf;
    size_t           start;             /* of the response in buf */
    size_t           pos;               /* the bytes before it were read */
    size_t           line;              /* bytes outside of literals */
    size_t           literal;           /* bytes of it still to come */
    size_t           bytes;             /* in literals, of the response */
    size_t           max;               /* of them */
    uint32_t         literals;
    const char      *error;
} imap_reader_t;


void imap_reader_init(imap_reader_t *r, size_t max_literal);
void imap_reader_feed(imap_reader_t *r, const char *bytes, size_t len);

/*
 * 1: "response" is the next one, without its CRLF; valid, and free to be
 * written to, until the next call.  0: more bytes are needed.  -1: a limit,
 * or not IMAP, see "error"; that is final.
 */

int imap_reader_next(imap_reader_t *r, bridge_str_t *response);

/* How many bytes were fed and are no response yet. */

size_t imap_reader_rest(const imap_reader_t *r);

void imap_reader_free(imap_reader_t *r);


#endif /* _IMAP_READER_H_INCLUDED_ */
