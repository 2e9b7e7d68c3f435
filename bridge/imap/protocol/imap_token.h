
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The tokens of IMAP (RFC 3501, section 9) and the values that they stand for.
 * Pure.
 */


#ifndef _IMAP_TOKEN_H_INCLUDED_
#define _IMAP_TOKEN_H_INCLUDED_


#include <jansson.h>

#include "bridge_buffer.h"


/* imap_token.c */

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

/* A parenthesised list of atoms; those over "max" are left out. */
int imap_cursor_atoms(imap_cursor_t *c, bridge_str_t *list, size_t max,
    size_t *n);


/* imap_sequence_set.c */

#define IMAP_MAX_RANGES         65536   /* in a set that is parsed */


typedef struct {
    uint32_t        first;
    uint32_t        last;               /* "*" is UINT32_MAX */
    uint64_t        flags;              /* of known messages */
} imap_range_t;


typedef struct {
    imap_range_t   *ranges;
    size_t          n;
    size_t          size;
} imap_sequence_set_t;


/* Returns -1, and leaves the set empty, if it is invalid or too large. */
int imap_sequence_set_parse(imap_sequence_set_t *set, const char *text,
    size_t len);

void imap_sequence_set_add(imap_sequence_set_t *set, uint32_t first,
    uint32_t last);
int imap_sequence_set_has(const imap_sequence_set_t *set, uint32_t n);
uint64_t imap_sequence_set_count(const imap_sequence_set_t *set);

/* The first range that ends at "n" or later. */
size_t imap_sequence_set_find(const imap_sequence_set_t *set, uint32_t n);

/* Before the range "at"; joins no ranges. */
imap_range_t *imap_sequence_set_insert(imap_sequence_set_t *set, size_t at,
    uint32_t first, uint32_t last);

/* Removes "n" ranges. */
void imap_sequence_set_delete(imap_sequence_set_t *set, size_t at, size_t n);

void imap_sequence_set_format(const imap_sequence_set_t *set,
    bridge_buffer_t *b);

void imap_sequence_set_free(imap_sequence_set_t *set);


/* imap_utf7.c */

#define IMAP_MAX_NAME  1024             /* bytes of UTF-8 */


/* Is it UTF-8 without control characters, neither empty nor too long? */
int imap_name_valid(const char *name, size_t len);

/* Both append to "b" and return 0; or they append nothing and return -1. */

int imap_utf7_encode(bridge_buffer_t *b, const char *utf8, size_t len);

/* Only a valid name in the form that imap_utf7_encode() gives. */
int imap_utf7_decode(bridge_buffer_t *b, const char *utf7, size_t len);


/* imap_flags.c */

#define IMAP_FLAG_ANSWERED      0x01
#define IMAP_FLAG_FLAGGED       0x02
#define IMAP_FLAG_DELETED       0x04
#define IMAP_FLAG_SEEN          0x08
#define IMAP_FLAG_DRAFT         0x10

#define IMAP_SYSTEM_FLAGS       5
#define IMAP_MAX_BITS           64      /* keywords that are more than fit are
                                           not watched */
#define IMAP_MAX_KEYWORD        128


typedef struct {
    char         *names[IMAP_MAX_BITS - IMAP_SYSTEM_FLAGS];
    uint32_t      n;
    bridge_str_t  left;                 /* by imap_flags_mask(): a keyword that
                                           is not watched, or empty */
} imap_keywords_t;


/* 0: \Recent, "\*", no keyword in UTF-8, or no bit is free. */
uint64_t imap_flags_bit(imap_keywords_t *k, const char *name, size_t len);

uint64_t imap_flags_mask(imap_keywords_t *k, const bridge_str_t *flags,
    size_t n);

const char *imap_flags_name(const imap_keywords_t *k, int bit);
json_t *imap_flags_json(const imap_keywords_t *k, uint64_t mask);

void imap_flags_free(imap_keywords_t *k);


#endif /* _IMAP_TOKEN_H_INCLUDED_ */
