
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the members of an object that are looked for.  Called by the check of
 * JSON.
 */


#ifndef _PIMAP_JSON_MEMBER_H_INCLUDED_
#define _PIMAP_JSON_MEMBER_H_INCLUDED_


#include "pimap_json.h"


/* All of them are absent. */
void pimap_json_absent(pimap_json_member_t *members, size_t n);

/* The one with this name, which is as it is written, or NULL. */
pimap_json_member_t *pimap_json_wanted(pimap_json_member_t *members, size_t n,
    const pimap_str_t *name);

static inline int
pimap_json_is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}


#endif /* _PIMAP_JSON_MEMBER_H_INCLUDED_ */
