
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns event ids: "<epoch>-<n>" is an event in an account's log, "0" the place
 * before the first event.  Called by the event codec and the log's readers.
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


/* After which event a device starts. */
typedef struct {
    pimap_event_id_t  id;
    unsigned          known:1;      /* 0: at the end of the log */
    unsigned          earliest:1;   /* at the first event that the log has */
} pimap_event_start_t;


/*
 * 0, or -1 if the text is no id.  "0", "earliest" and "" are the place before
 * the first event.
 */
int pimap_event_id_parse(pimap_event_id_t *id, const unsigned char *data,
    size_t len);

/*
 * Reads "<epoch>-<n>" at the beginning of a text, and returns what follows it;
 * NULL if there is no id.  The numbers have no leading zeros, so an id has one
 * form only, of up to PIMAP_EVENT_ID_LEN bytes.
 */
const char *pimap_event_id_scan(pimap_event_id_t *id, const char *p,
    const char *last);

/*
 * Reads "@<msec>" behind an id, the time since 1970 at which Redis published
 * the event; 0 if there is none.  Returns what follows, NULL if it is no time.
 */
const char *pimap_event_id_time(uint64_t *msec, const char *p,
    const char *last);

/* Writes up to PIMAP_EVENT_ID_LEN bytes; returns the length. */
size_t pimap_event_id_text(const pimap_event_id_t *id, unsigned char *text);


#endif /* _PIMAP_EVENT_ID_H_INCLUDED_ */
