
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Bytes become responses (RFC 3501, 9051, 7162, 5465, 4731).  Pure; all
 * strings lie in the bytes that were parsed.
 */


#ifndef _IMAP_RESPONSE_H_INCLUDED_
#define _IMAP_RESPONSE_H_INCLUDED_


#include "imap_token.h"
#include "mime_header.h"


/* imap_reader.c */

/* Of one response; a line does not count its literals.  A longer line is
   shortened, and a further literal dropped: they cost this response only. */

#define IMAP_MAX_LINE           (1024 * 1024)
#define IMAP_MAX_LONG_LINE      (16 * IMAP_MAX_LINE)
#define IMAP_MAX_LITERALS       1024


typedef struct {
    bridge_buffer_t  buf;
    size_t           start;             /* of the response in buf */
    size_t           pos;               /* the bytes before it were read */
    size_t           from;              /* of the line, behind a literal */
    size_t           line;              /* bytes outside of literals */
    size_t           all;               /* with dropped ones */
    size_t           literal;           /* bytes of it still to come */
    size_t           drop;              /* the same, of a too large one */
    size_t           bytes;             /* in literals, of the response */
    size_t           max;               /* of them */
    uint32_t         literals;
    unsigned         cut:1;             /* a literal was too large: empty */
    unsigned         shortened:1;       /* the line was too long */
    const char      *error;
} imap_reader_t;


void imap_reader_init(imap_reader_t *r, size_t max_literal);
void imap_reader_feed(imap_reader_t *r, const char *bytes, size_t len);

/* 1: "response" is the next one, without its CRLF; valid, and free to be
   written to, until the next call.  0: more bytes are needed.  -1: a limit,
   or not IMAP, see "error"; that is final. */
int imap_reader_next(imap_reader_t *r, bridge_str_t *response);

/* How many bytes were fed and are no response yet. */
size_t imap_reader_rest(const imap_reader_t *r);

void imap_reader_free(imap_reader_t *r);


/* imap_response.c */

#define IMAP_MAX_SECTIONS       8       /* others are left out */


typedef enum {
    IMAP_OTHER,                         /* nothing is set */
    IMAP_CONTINUE,                      /* "+" */
    IMAP_TAGGED,
    IMAP_CONDITION,                     /* untagged OK, NO, BAD, BYE, ... */
    IMAP_CAPABILITY,
    IMAP_ENABLED,
    IMAP_EXISTS,
    IMAP_EXPUNGE,
    IMAP_VANISHED,
    IMAP_RESPONSE_FETCH,
    IMAP_LIST,
    IMAP_LSUB,
    IMAP_STATUS,
    IMAP_SEARCH
} imap_kind_t;


typedef enum {
    IMAP_COND_OK = 1,
    IMAP_COND_NO,
    IMAP_COND_BAD,
    IMAP_COND_BYE,
    IMAP_COND_PREAUTH
} imap_condition_t;


extern const imap_word_t  imap_conditions[];


/* LIST attributes */

#define IMAP_BOX_NOSELECT       0x001
#define IMAP_BOX_NONEXISTENT    0x002
#define IMAP_BOX_SUBSCRIBED     0x004
#define IMAP_BOX_SPECIAL_USE    0x008   /* \Sent, \Drafts, \Trash, \Archive,
                                           \All, \Flagged: nothing is
                                           delivered to it */


/* Members of a STATUS or FETCH. */

#define IMAP_HAS_MESSAGES       0x001
#define IMAP_HAS_UIDNEXT        0x002
#define IMAP_HAS_UIDVALIDITY    0x004
#define IMAP_HAS_UNSEEN         0x008
#define IMAP_HAS_MODSEQ         0x010
#define IMAP_HAS_UID            0x020
#define IMAP_HAS_FLAGS          0x040
#define IMAP_HAS_SIZE           0x080
#define IMAP_HAS_ENVELOPE       0x100


typedef struct {
    bridge_str_t       date;
    bridge_str_t       subject;
    mime_addresses_t   from;
    mime_addresses_t   to;
    mime_addresses_t   cc;
    bridge_str_t       message_id;
} imap_envelope_t;


typedef struct {
    bridge_str_t       name;            /* "TEXT", "HEADER.FIELDS (...)" */
    bridge_str_t       data;
} imap_section_t;


typedef struct {
    uint32_t           uid;
    uint32_t           size;
    uint64_t           modseq;
    bridge_str_t       date;            /* INTERNALDATE */
    bridge_str_t       preview;         /* RFC 8970 */
    size_t             nflags;
    size_t             nsections;
    bridge_str_t       flags[IMAP_MAX_FLAGS];
    imap_envelope_t    envelope;
    imap_section_t     sections[IMAP_MAX_SECTIONS];
} imap_response_fetch_t;


typedef struct {
    bridge_str_t       name;
    uint32_t           attributes;      /* IMAP_BOX_* */
} imap_list_t;


typedef struct {
    bridge_str_t       name;
    uint32_t           messages;
    uint32_t           uidnext;
    uint32_t           uidvalidity;
    uint32_t           unseen;
    uint64_t           modseq;
} imap_status_t;


typedef struct {
    imap_kind_t        kind;
    imap_condition_t   condition;
    bridge_str_t       tag;
    bridge_str_t       code;            /* "UIDNEXT", and the text after it */
    bridge_str_t       code_text;
    uint64_t           code_number;     /* 0: not a number */
    bridge_str_t       text;            /* of a condition or "+"; CAPABILITY,
                                           ENABLED: the list; VANISHED:
                                           the set; SEARCH: the numbers */
    uint32_t           number;          /* EXISTS, EXPUNGE, FETCH */
    uint32_t           has;             /* IMAP_HAS_* */
    const char        *damage;          /* FETCH: the rest is not understood */
    unsigned           earlier:1;       /* VANISHED (EARLIER) */
    unsigned           cut:1;           /* a literal was too large */
    union {
        imap_response_fetch_t   fetch;
        imap_list_t    list;
        imap_status_t  status;
    } u;
} imap_response_t;


/* Returns 0, or -1 and the error, with "kind" and "tag" if known.  A FETCH
   with an error has what is before it, and "damage".  Writes to the bytes. */
int imap_response_parse(imap_response_t *r, const bridge_str_t *bytes,
    const char **error);

/* The rest of "* n FETCH ". */
void imap_response_fetch_parse(imap_response_t *r, imap_cursor_t *c);

/* The section of that name, a list of fields may follow the name; or NULL. */
const bridge_str_t *imap_response_fetch_section(const imap_response_fetch_t *f,
    const char *name);


#endif /* _IMAP_RESPONSE_H_INCLUDED_ */
