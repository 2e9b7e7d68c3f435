
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the webhooks of Stalwart: their events of messages become lines of
 * events (docs/events.md).  Called by locations/.  Invariant: no I/O.
 */


#ifndef _PIMAP_STALWART_H_INCLUDED_
#define _PIMAP_STALWART_H_INCLUDED_


#include "pimap_lines.h"


/*
 * Adds a line for each event of a message; other events are left out.  The
 * text is as it was.  On another status than PIMAP_JSON_OK "why" has the
 * reason, without any of the text.
 */
pimap_json_status_t pimap_stalwart_lines(char *text, size_t len,
    pimap_lines_t *lines, char *why, size_t why_size);


#endif /* _PIMAP_STALWART_H_INCLUDED_ */
