
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the characters of a JSON string (RFC 8259, 7), as bytes of UTF-8.
 * Called by the code of JSON.  Invariant: no I/O, no allocation.
 */


#ifndef _PIMAP_JSON_STRING_H_INCLUDED_
#define _PIMAP_JSON_STRING_H_INCLUDED_


#include "pimap_json.h"


/* Reads a checked string, byte by byte. */
typedef struct {
    const char   *p;
    const char   *end;                  /* the closing quote */
    char          bytes[4];             /* of an escaped character */
    unsigned      n;
    unsigned      next;                 /* of them */
} pimap_json_bytes_t;


/*
 * Checks the string whose opening quote is at "p".  Returns the place after
 * the closing one; NULL: err->reason says why not, *p is the place.
 */
const char *pimap_json_string_check(const char **p, const char *end,
    int *escaped, int *zero, pimap_json_error_t *err);

void pimap_json_bytes_init(pimap_json_bytes_t *bytes,
    const pimap_str_t *string);

/* -1 after the last one. */
int pimap_json_bytes_next(pimap_json_bytes_t *bytes);


#endif /* _PIMAP_JSON_STRING_H_INCLUDED_ */
