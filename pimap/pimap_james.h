
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the events of Apache James' mailbox API in its own JSON: they become
 * lines of events (docs/events.md).  Called by locations/.  Invariant: no
 * I/O; time is linear in the text.
 */


#ifndef _PIMAP_JAMES_H_INCLUDED_
#define _PIMAP_JAMES_H_INCLUDED_


#include "pimap_lines.h"


#define PIMAP_JAMES_UIDS        1000    /* of an event */
#define PIMAP_JAMES_FLAGS       32      /* of a message that are compared */


/*
 * Adds lines for an event; one of another kind is left out.  The text is as
 * it was.  On another status than PIMAP_JSON_OK "why" has the reason, without
 * any of the text.
 */
pimap_json_status_t pimap_james_lines(char *text, size_t len,
    pimap_lines_t *lines, char *why, size_t why_size);


#endif /* _PIMAP_JAMES_H_INCLUDED_ */
