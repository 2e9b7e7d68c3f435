
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the JMAP data types (RFC 8620, 1.6.1 and the IANA registry) as a bit
 * mask, and the types that an event's name touches.  Called by the event codec
 * and the filter.
 */


#ifndef _PIMAP_TYPES_H_INCLUDED_
#define _PIMAP_TYPES_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


#define PIMAP_TYPE_OTHER    0x80000000u     /* a type that we don't know */
#define PIMAP_TYPES_ALL     0xffffffffu


/* The bit of a type's name; PIMAP_TYPE_OTHER if the name is unknown. */
uint32_t pimap_type_bit(const char *name, size_t len);

/* The name of the type whose bit is 1 << n; NULL behind the last one. */
const char *pimap_type_name(unsigned n);

/*
 * The types that an event of this name touches (docs/events.md), 0 for a name
 * that has none: such an event reaches devices that filter by types only if
 * they asked for all.
 */
uint32_t pimap_types_of_event(const char *name, size_t len);

/* True if such an event tells that something has changed: see pimap_kind.h. */
int pimap_types_event_merges(const char *name, size_t len);


#endif /* _PIMAP_TYPES_H_INCLUDED_ */
