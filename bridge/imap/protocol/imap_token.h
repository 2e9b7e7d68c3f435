
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A cursor over the tokens of one response (RFC 3501, section 9); it unquotes
 * in place.  Pure.
 */


#ifndef _IMAP_TOKEN_H_INCLUDED_
#define _IMAP_TOKEN_H_INCLUDED_


#include "bridge_buffer.h"


#define IMAP_MAX_DEPTH          64      /* parentheses within each other */
#define IMAP_MAX_FLAGS          512     /* in one list of them */


/* Each function that fails sets "error", and all fail from then on. */

typedef struct {
    char          *p;
    char          *end;
    const char    *error;
} imap_cursor_t;


/* A word of the protocol and its value; the last word has no name. */

typedef struct {
    const char    *name;
    uint32_t       value;
} imap_word_t;


/* The value of a word in any case; 0: the table does not have it. */
uint32_t imap_word(const imap_word_t *words, const bridge_str_t *s);

void imap_cursor_init(imap_cursor_t *c, char *data, size_t len);

/* Returns -1, always. */
int imap_cursor_error(imap_cursor_t *c, const char *error);

/* Skips the character if it is the next one. */
int imap_cursor_at(imap_cursor_t *c, char what);

/* The same; another character is an error. */
int imap_cursor_expect(imap_cursor_t *c, char what);

int imap_cursor_number(imap_cursor_t *c, uint64_t max, uint64_t *n);

/* Up to a space, a parenthesis or the end; contains "[...]" as a whole. */
int imap_cursor_atom(imap_cursor_t *c, bridge_str_t *s);

/* Quoted, literal, atom; with "nil", NIL is a string that is not there. */
int imap_cursor_string(imap_cursor_t *c, bridge_str_t *s, int nil);

/* Any value, with all its members. */
int imap_cursor_skip(imap_cursor_t *c);

/* A parenthesised list of atoms, as many as "max". */
int imap_cursor_atoms(imap_cursor_t *c, bridge_str_t *list, size_t max,
    size_t *n);


#endif /* _IMAP_TOKEN_H_INCLUDED_ */
