
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Mailbox names: UTF-8 and the modified UTF-7 of RFC 3501, 5.1.3.  Pure.
 */


#ifndef _IMAP_UTF7_H_INCLUDED_
#define _IMAP_UTF7_H_INCLUDED_


#include "bridge_buffer.h"


/* Both append to "b" and return 0; -1 and nothing appended if the name is not
   what it should be. */

int imap_utf7_encode(bridge_buffer_t *b, const char *utf8, size_t len);
int imap_utf7_decode(bridge_buffer_t *b, const char *utf7, size_t len);


#endif /* _IMAP_UTF7_H_INCLUDED_ */
