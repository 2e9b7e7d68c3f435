
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
#define MIME_MAX_PREVIEW        200
#define MIME_MAX_ADDRESSES      16      /* of a field; others are left out */


typedef struct {
    bridge_str_t     name;
    bridge_str_t     mailbox;
    bridge_str_t     host;
} mime_address_t;


typedef struct {
    mime_address_t     list[MIME_MAX_ADDRESSES];
    size_t             n;
} mime_addresses_t;


/* Each appends to "b", and keeps to the bounds above. */

/* Unfolded, encoded words decoded. */
void mime_header(bridge_buffer_t *b, const char *data, size_t len);

/* Bob <bob@example.net>, carol@example.net */
void mime_addresses(bridge_buffer_t *b, const mime_addresses_t *list);

/* RFC 3339, in the sender's zone; nothing if it is no date. */
void mime_date(bridge_buffer_t *b, const char *data, size_t len);

/* Seconds of the epoch of an INTERNALDATE, "24-Nov-2026 12:00:00 +0100"; 0 if
   it is none. */
int64_t mime_internal_date(const char *data, size_t len);

/*
 * "head": the fields Content-Type and Content-Transfer-Encoding; "text": the
 * beginning of the body.  Of a multipart, its first part that is text.
 */
void mime_preview(bridge_buffer_t *b, const bridge_str_t *head,
    const bridge_str_t *text);

/* The whole of that text, with its lines. */
void mime_plain(bridge_buffer_t *b, const bridge_str_t *head,
    const bridge_str_t *text);


/* mime_charset.c */

/* Appends "data" as UTF-8; what can't be converted is U+FFFD. */
void mime_charset(bridge_buffer_t *b, const char *charset, size_t charset_len,
    const char *data, size_t len);

/* Cuts to at most "max" bytes between characters; controls become spaces, and
   many spaces one. */
void mime_clean(bridge_buffer_t *b, size_t start, size_t max);


/* mime_html.c */

/* Appends the text of HTML in UTF-8, without tags. */
void mime_html(bridge_buffer_t *b, const char *data, size_t len);


#endif /* _MIME_HEADER_H_INCLUDED_ */
