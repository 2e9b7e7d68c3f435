
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the numbers of JSON (RFC 8259, 6).  Called by the check of JSON.
 * Invariant: no I/O, no allocation.
 */


#ifndef _PIMAP_JSON_NUMBER_H_INCLUDED_
#define _PIMAP_JSON_NUMBER_H_INCLUDED_


#include "pimap_json.h"


/*
 * The place after a number: an integer of 64 bits with sign, or a real that is
 * finite as a double.  NULL: it is none; err->reason says why if the number is
 * out of range, and else is NULL.
 */
const char *pimap_json_number_check(const char *p, const char *end,
    pimap_json_error_t *err);


#endif /* _PIMAP_JSON_NUMBER_H_INCLUDED_ */
