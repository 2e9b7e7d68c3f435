
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the notifications of Cyrus, as its notifyd gives them to a program:
 * they become lines of events (docs/events.md).  Called by locations/.
 * Invariant: no I/O.
 */


#ifndef _PIMAP_CYRUS_H_INCLUDED_
#define _PIMAP_CYRUS_H_INCLUDED_


#include "pimap_lines.h"


#define PIMAP_CYRUS_UIDS        1000    /* of an event; more are left out */


/*
 * Adds lines for a notification; one that tells nothing about mail is left
 * out.  The text is as it was.  On another status than PIMAP_JSON_OK "why" has
 * the reason, without any of the text.
 */
pimap_json_status_t pimap_cyrus_lines(char *text, size_t len,
    pimap_lines_t *lines, char *why, size_t why_size);


#endif /* _PIMAP_CYRUS_H_INCLUDED_ */
