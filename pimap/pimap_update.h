
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the update codec: a device's text becomes a validated update
 * (docs/protocol.md).  Called by updates/ and locations/.  Invariant: no I/O.
 */


#ifndef _PIMAP_UPDATE_H_INCLUDED_
#define _PIMAP_UPDATE_H_INCLUDED_


#include "pimap_json.h"


#define PIMAP_UPDATE_MAX_ID     128     /* bytes of the client's id */
#define PIMAP_UPDATE_MAX_VERB   64
#define PIMAP_UPDATE_VERB       "ABCDEFGHIJKLMNOPQRSTUVWXYZ" \
                                "abcdefghijklmnopqrstuvwxyz" \
                                "0123456789._/-"
#define PIMAP_UPDATE_MAX_VERBS  1024    /* bytes of a list of verbs */


typedef enum {
    PIMAP_UPDATE_OK = 0,
    PIMAP_UPDATE_TOO_LARGE,             /* over the limit that was given */
    PIMAP_UPDATE_INVALID,
    PIMAP_UPDATE_NO_MEMORY
} pimap_update_status_t;


typedef struct {
    pimap_str_t   json;                 /* the client's text, on one line */
    pimap_str_t   id;                   /* points to "id_text" */
    pimap_str_t   verb;
    char          id_text[PIMAP_UPDATE_MAX_ID];
    char          verb_text[PIMAP_UPDATE_MAX_VERB];
} pimap_update_t;


/*
 * Parses an object with "id", of 1 to 128 printable ASCII characters without
 * space, quote and backslash (so it needs no escapes anywhere), and "update",
 * the verb, of 1 to 64 of A-Z a-z 0-9 . _ / -
 *
 * White space around the text is not part of u->json.  Line breaks between
 * tokens are squeezed out in place; u->json points into "text".
 *
 * On a failure "text" is untouched, and "why" (or NULL) is filled with a short
 * reason without any of the text; u->id is set if it is valid, so that the
 * refusal can name it, else it is empty.  There is nothing to be freed.
 */
pimap_update_status_t pimap_update_parse(pimap_update_t *u, char *text,
    size_t len, size_t max, char *why, size_t why_size);

/*
 * True if a list of verbs, with a space between them, has the update's verb.
 * "*" stands for every verb.
 */
int pimap_update_allowed(const pimap_update_t *u, const char *verbs,
    size_t len);


#endif /* _PIMAP_UPDATE_H_INCLUDED_ */
