
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Names of mailboxes: UTF-8, and the modified UTF-7 of RFC 3501, 5.1.3.  Pure.
 */


#ifndef _IMAP_UTF7_H_INCLUDED_
#define _IMAP_UTF7_H_INCLUDED_


#include "bridge_buffer.h"


#define IMAP_MAX_NAME  1024             /* bytes of UTF-8 */


/* Is it UTF-8 without control characters, neither empty nor too long? */
int imap_name_valid(const char *name, size_t len);

/* Both append to "b" and return 0; or they append nothing and return -1. */

int imap_utf7_encode(bridge_buffer_t *b, const char *utf8, size_t len);

/* Only a valid name in the form that imap_utf7_encode() gives. */
int imap_utf7_decode(bridge_buffer_t *b, const char *utf7, size_t len);


#endif /* _IMAP_UTF7_H_INCLUDED_ */
