
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Mailbox names: UTF-8 and the modified UTF-7 of RFC 3501, 5.1.3.  Pure.
 */


#ifndef _IMAP_UTF7_H_INCLUDED_
#define _IMAP_UTF7_H_INCLUDED_


#include "bridge_buffer.h"


/* Is it UTF-8, as RFC 3629 has it?  A zero byte is. */
int imap_utf8_valid(const char *data, size_t len);

/* The next character; -1 if there is none that is valid. */
int32_t imap_utf8_next(const char **p, const char *end);

void imap_utf8_add(bridge_buffer_t *b, uint32_t character);

/* Both append to "b" and return 0; -1 and nothing appended if the name is not
   what it should be. */

int imap_utf7_encode(bridge_buffer_t *b, const char *utf8, size_t len);
int imap_utf7_decode(bridge_buffer_t *b, const char *utf7, size_t len);


#endif /* _IMAP_UTF7_H_INCLUDED_ */
