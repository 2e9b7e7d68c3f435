
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns UTF-8 (RFC 3629, 4): checks bytes that come in pieces, reads and
 * writes characters.  Called by the module and the bridge.
 */


#ifndef _PIMAP_UTF8_H_INCLUDED_
#define _PIMAP_UTF8_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


/* Zeroed: between two characters. */
typedef struct {
    uint8_t   need;             /* bytes that the character still lacks */
    uint8_t   low;              /* bounds of the next one */
    uint8_t   high;
} pimap_utf8_t;


/* 0 as soon as these bytes can't be the next ones of any UTF-8 text. */
int pimap_utf8_check(pimap_utf8_t *utf8, const uint8_t *data, size_t len);

/* The next character, and *p is after it; -1 if there is no valid one. */
int32_t pimap_utf8_next(const char **p, const char *end);

/* Writes a character, and returns its length, 1 to 4. */
size_t pimap_utf8_put(char *p, uint32_t character);


#endif /* _PIMAP_UTF8_H_INCLUDED_ */
