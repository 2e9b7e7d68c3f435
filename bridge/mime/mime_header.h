
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * What events say of a message, made of what IMAP gives: headers, addresses,
 * dates (RFC 5322, 2047), and the beginning of the text (RFC 2045).  Pure.
 * Whatever comes in, what comes out is UTF-8 without control characters.
 */


#ifndef _MIME_HEADER_H_INCLUDED_
#define _MIME_HEADER_H_INCLUDED_


#include "bridge_buffer.h"


#define MIME_MAX_MEMBER         1000    /* bytes of "subject", "from" ... */
#define MIME_MAX_PREVIEW        200     /* characters (RFC 8970, 5.2) */
#define MIME_MAX_ADDRESSES      16      /* of a field; others are left out */


/* A host of NULL: the beginning or, without a mailbox, the end of a group. */

typedef struct {
    bridge_str_t     name;
    bridge_str_t     mailbox;
    bridge_str_t     host;
} mime_address_t;


typedef struct {
    mime_address_t     list[MIME_MAX_ADDRESSES];
    size_t             n;
} mime_addresses_t;


/* Makes the converters of character sets, so that no message waits for it. */
void mime_init(void);

/*
 * Each appends to "b", and keeps to the bounds above.  "charset" is that of
 * the message, or NULL: raw bytes of a field that are no UTF-8 are in it.
 */

/* mime_header.c */

/* Unfolded, encoded words decoded. */
void mime_header(bridge_buffer_t *b, const char *data, size_t len,
    const bridge_str_t *charset);

/* Bob <bob@example.net>, carol@example.net */
void mime_addresses(bridge_buffer_t *b, const mime_addresses_t *list,
    const bridge_str_t *charset);


/* mime_date.c */

/* RFC 3339, in the sender's zone; nothing if it is no date from 1970 to
   2099. */
void mime_date(bridge_buffer_t *b, const char *data, size_t len);

/* Seconds of the epoch of an INTERNALDATE, "24-Nov-2026 12:00:00 +0100"; 0 if
   it is none. */
int64_t mime_internal_date(const char *data, size_t len);


/* mime_body.c */

/*
 * "head": the fields Content-Type and Content-Transfer-Encoding; "text": the
 * beginning of the body.  Of a multipart, its first part with text in it.
 * What the sender wrote counts, and what is quoted only if there is no more.
 */
void mime_preview(bridge_buffer_t *b, const bridge_str_t *head,
    const bridge_str_t *text);

/* The whole of that text, with its lines. */
void mime_plain(bridge_buffer_t *b, const bridge_str_t *head,
    const bridge_str_t *text);

/* The character set of a message that is no multipart, if it has one. */
void mime_head_charset(bridge_buffer_t *b, const bridge_str_t *head);


/* mime_charset.c */

/* Appends "data" as UTF-8; what can't be converted is U+FFFD. */
void mime_charset(bridge_buffer_t *b, const char *charset, size_t charset_len,
    const char *data, size_t len);

int mime_is_utf8(const char *data, size_t len);


/* mime_clean.c */

/* Cuts to at most "max" bytes between characters; controls become spaces, and
   many spaces one. */
void mime_clean(bridge_buffer_t *b, size_t start, size_t max);

/* Also without armour of PGP, to at most MIME_MAX_PREVIEW characters. */
void mime_clean_preview(bridge_buffer_t *b, size_t start);


/* mime_text.c */

/* Parts text in lines into what is not quoted and what is, with delsp of RFC
   3676 if wanted. */
void mime_text(bridge_buffer_t *own, bridge_buffer_t *quoted, int delsp,
    const char *data, size_t len);


/* mime_html.c */

/* Appends the text of HTML in UTF-8, without tags; what is quoted only if
   "quoted" is not NULL to that. */
void mime_html(bridge_buffer_t *b, bridge_buffer_t *quoted, const char *data,
    size_t len);


#endif /* _MIME_HEADER_H_INCLUDED_ */
