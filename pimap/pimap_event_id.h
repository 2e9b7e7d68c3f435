
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The id "<epoch>-<n>" of an event in an account's log, or "0" for the place
 * before the first event.
 */


#ifndef _PIMAP_EVENT_ID_H_INCLUDED_
#define _PIMAP_EVENT_ID_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


#define PIMAP_EVENT_ID_LEN   41     /* two numbers of 64 bits, a dash */


typedef struct {
    uint64_t    epoch;
    uint64_t    n;
} pimap_event_id_t;


/*
 * 0, or -1 if the text is no id.  "0", "earliest" and "" are the place before
 * the first event.
 */
int pimap_event_id_parse(pimap_event_id_t *id, const unsigned char *data,
    size_t len);

/* Writes up to PIMAP_EVENT_ID_LEN bytes; returns the length. */
size_t pimap_event_id_text(const pimap_event_id_t *id, unsigned char *text);


#endif /* _PIMAP_EVENT_ID_H_INCLUDED_ */
