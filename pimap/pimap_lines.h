
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the lines that the notifications of another mail server become: events
 * that name their accounts (pimap_envelope.h).  Called by the mappings.
 * Invariant: the text has a limit; after a failure nothing is added.
 */


#ifndef _PIMAP_LINES_H_INCLUDED_
#define _PIMAP_LINES_H_INCLUDED_


#include "pimap_json.h"


#define PIMAP_LINES_MAX_KEY     64      /* bytes of a part of a key */


typedef struct {
    char                 *data;
    size_t                len;
    size_t                size;
    size_t                max;
    size_t                n;            /* lines */
    pimap_json_status_t   status;       /* OK, TOO_LARGE or NO_MEMORY */
} pimap_lines_t;


void pimap_lines_init(pimap_lines_t *lines, size_t max);
void pimap_lines_free(pimap_lines_t *lines);

/*
 * A line begins, with the event's name.  The account is a value as it is
 * written: a string, or a number, which becomes a string.  Another value, or
 * none, is left out: the line is refused for it later.
 */
void pimap_lines_begin(pimap_lines_t *lines, const pimap_str_t *account,
    const char *event);

/* A member of the event, as it is written; an absent value is left out. */
void pimap_lines_member(pimap_lines_t *lines, const char *name,
    const pimap_str_t *value);

/* A list of numbers: before, for each of them, and after it. */
void pimap_lines_list(pimap_lines_t *lines, const char *name);
void pimap_lines_item(pimap_lines_t *lines, const pimap_str_t *value,
    int first);
void pimap_lines_list_end(pimap_lines_t *lines);

/*
 * The line ends.  Its key is the two values: strings or numbers.  Without one
 * of them, or if one is too long, it has no key.
 */
void pimap_lines_end(pimap_lines_t *lines, const pimap_str_t *key,
    const pimap_str_t *more);

/* True if the value is a number without sign, point and exponent. */
int pimap_lines_is_number(const pimap_str_t *value);


#endif /* _PIMAP_LINES_H_INCLUDED_ */
