
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the names of the objects that are open while a text is checked: one
 * that is there twice is an error.  Called by the check of JSON.  Invariant:
 * no I/O.
 */


#ifndef _PIMAP_JSON_KEYS_H_INCLUDED_
#define _PIMAP_JSON_KEYS_H_INCLUDED_


#include "pimap_json.h"


#define PIMAP_JSON_KEYS_FEW     32      /* without an allocation */


/* A name as it is written, with quotes. */
typedef struct {
    pimap_str_t   text;
    uint32_t      hash;                 /* of its characters */
    uint32_t      escaped;
} pimap_json_key_t;


typedef struct {
    pimap_json_key_t  *keys;
    size_t             n;
    size_t             size;
    pimap_json_key_t   few[PIMAP_JSON_KEYS_FEW];
} pimap_json_keys_t;


void pimap_json_keys_init(pimap_json_keys_t *keys);
void pimap_json_keys_free(pimap_json_keys_t *keys);

/* Returns -1 if memory is out. */
int pimap_json_keys_add(pimap_json_keys_t *keys, const pimap_str_t *name,
    int escaped);

/*
 * Takes off the names after the first "n", those of an object.  Returns NULL,
 * or the place of a name that is there twice.
 */
const char *pimap_json_keys_close(pimap_json_keys_t *keys, size_t n);


#endif /* _PIMAP_JSON_KEYS_H_INCLUDED_ */
