
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the flags of a message before and after an event of James.  Called by
 * pimap_james.  Invariant: no I/O; a message takes a bounded time.
 */


#ifndef _PIMAP_JAMES_FLAGS_H_INCLUDED_
#define _PIMAP_JAMES_FLAGS_H_INCLUDED_


#include "pimap_json.h"


#define PIMAP_JAMES_READ        0x01    /* \Seen was set */
#define PIMAP_JAMES_TRASH       0x02    /* \Deleted was set */
#define PIMAP_JAMES_SET         0x04    /* another one was set */
#define PIMAP_JAMES_CLEAR       0x08    /* one was cleared */


/*
 * The changes of an element of "updatedFlags", and its uid, which is empty if
 * it is no number.  With more flags than PIMAP_JAMES_FLAGS any of them may
 * have changed.
 */
unsigned pimap_james_flags_changes(const pimap_str_t *message,
    pimap_str_t *uid);


#endif /* _PIMAP_JAMES_FLAGS_H_INCLUDED_ */
