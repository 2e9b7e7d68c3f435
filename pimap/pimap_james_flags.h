
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the messages whose flags an event of James has changed.  Called by
 * pimap_james.  Invariant: no I/O; a message takes a bounded time.
 */


#ifndef _PIMAP_JAMES_FLAGS_H_INCLUDED_
#define _PIMAP_JAMES_FLAGS_H_INCLUDED_


#include "pimap_json.h"


#define PIMAP_JAMES_READ        0x01    /* \Seen was set */
#define PIMAP_JAMES_TRASH       0x02    /* \Deleted was set */
#define PIMAP_JAMES_SET         0x04    /* another one was set */
#define PIMAP_JAMES_CLEAR       0x08    /* one was cleared */


typedef struct {
    pimap_str_t              uid;       /* as it is written */
    unsigned                 changes;
} pimap_james_change_t;


typedef struct {
    pimap_james_change_t    *list;
    size_t                   n;
    size_t                   size;
} pimap_james_changes_t;


/*
 * Reads "updatedFlags": the messages with changes.  With more flags than
 * PIMAP_JAMES_FLAGS any of them may have changed.  Returns -1 if memory is
 * out.  The list is to be freed in any case.
 */
int pimap_james_flags_read(const pimap_str_t *updated,
    pimap_james_changes_t *changes);
void pimap_james_flags_free(pimap_james_changes_t *changes);


#endif /* _PIMAP_JAMES_FLAGS_H_INCLUDED_ */
