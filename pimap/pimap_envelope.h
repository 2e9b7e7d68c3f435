
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns an event that names its account: one of several lines that are for
 * several accounts (docs/events.md).  Called by locations/.  Invariant: no
 * I/O.
 */


#ifndef _PIMAP_ENVELOPE_H_INCLUDED_
#define _PIMAP_ENVELOPE_H_INCLUDED_


#include "pimap_json.h"


#define PIMAP_ENVELOPE_MAX_ACCOUNT   1024   /* bytes, if it has escapes */
#define PIMAP_ENVELOPE_MAX_KEY       128


typedef struct {
    pimap_str_t   account;              /* characters, one at least */
    pimap_str_t   event;                /* an object, as it is written */
    pimap_str_t   key;                  /* data == NULL: absent */

    char          account_text[PIMAP_ENVELOPE_MAX_ACCOUNT];
    char          key_text[PIMAP_ENVELOPE_MAX_KEY];
} pimap_envelope_t;


/*
 * Parses {"account":"...","event":{...},"key":"..."}, which has no other
 * members; only "key" may be missing.  The event is not looked into, but it is
 * JSON.
 *
 * On PIMAP_JSON_OK the envelope points into the text and into itself.
 * Otherwise "why" has the reason, without any of the text.
 */
pimap_json_status_t pimap_envelope_parse(pimap_envelope_t *e, char *text,
    size_t len, char *why, size_t why_size);


#endif /* _PIMAP_ENVELOPE_H_INCLUDED_ */
