
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the kinds of events: whether a newer event says all that an older one
 * said, so that a device needs only the newer one (docs/events.md).  Called by
 * coalescing.  Invariant: no I/O.
 */


#ifndef _PIMAP_KIND_H_INCLUDED_
#define _PIMAP_KIND_H_INCLUDED_


#include "pimap_event.h"


/*
 * True if the event tells that something has changed, and a later one of its
 * kind may take its place.  All others, those of unknown names too, are news
 * of their own.
 */
int pimap_kind_merges(const pimap_event_t *ev);

/* For two that merge: true if "newer" may take the place of "older". */
int pimap_kind_covers(const pimap_event_t *newer, const pimap_event_t *older);

/*
 * A copy that needs no payload: its texts are in "text", of pimap_kind_size()
 * bytes, which is to be freed after it.
 */
size_t pimap_kind_size(const pimap_event_t *ev);
void pimap_kind_copy(pimap_event_t *to, const pimap_event_t *from, char *text);


#endif /* _PIMAP_KIND_H_INCLUDED_ */
