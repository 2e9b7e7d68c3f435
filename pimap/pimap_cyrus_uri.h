
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the addresses of mailboxes and messages (RFC 5092) in notifications of
 * Cyrus.  Called by pimap_cyrus.  Invariant: no I/O, no allocation.
 */


#ifndef _PIMAP_CYRUS_URI_H_INCLUDED_
#define _PIMAP_CYRUS_URI_H_INCLUDED_


#include "pimap_json.h"


#define PIMAP_CYRUS_URI_MAX     2048    /* bytes of an address */


/* Values in JSON; data == NULL: absent. */
typedef struct {
    pimap_str_t   owner;                /* a string */
    pimap_str_t   mailbox;              /* a string */
    pimap_str_t   uidvalidity;          /* a number */
    pimap_str_t   uid;                  /* a number */

    char          text[PIMAP_CYRUS_URI_MAX];
    char          decoded[PIMAP_CYRUS_URI_MAX];
    char          owner_text[PIMAP_CYRUS_URI_MAX];
    char          mailbox_text[2 * PIMAP_CYRUS_URI_MAX];
} pimap_cyrus_uri_t;


/*
 * Reads "imap://<host>/user/<owner>/<mailbox>;UIDVALIDITY=<n>/;UID=<n>", or
 * "imap://<owner>@<host>/<mailbox>", a value in JSON.  What is missing, or is
 * not of this form, is absent.
 */
void pimap_cyrus_uri_read(const pimap_str_t *value, pimap_cyrus_uri_t *uri);


#endif /* _PIMAP_CYRUS_URI_H_INCLUDED_ */
