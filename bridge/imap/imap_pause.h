
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The pause of a session before it tries again what had no result, such as a
 * look at a mailbox.  Each is longer than the one before.
 */


#ifndef _IMAP_PAUSE_H_INCLUDED_
#define _IMAP_PAUSE_H_INCLUDED_


#include "bridge.h"
#include "imap_session.h"


typedef struct {
    bridge_backoff_t  backoff;
    bridge_backoff_t  news;             /* that had no result */
    uint64_t          until;            /* 0: there is no pause */
    unsigned          vain:1;           /* the last try had no result */
    unsigned          shortened:1;      /* since the last try */
} imap_pause_t;


/* After a try.  The second one in vain begins a pause of up to "max" ms. */
void imap_pause(imap_session_t *s, imap_pause_t *pause, int result,
    uint64_t max);

/* The server tells something new: the pause ends soon, or later each time if
   nothing comes of it. */
void imap_pause_shorten(imap_session_t *s, imap_pause_t *pause);

/* Is there a pause?  The session wakes up when the first of them ends. */
int imap_pauses(imap_session_t *s, const imap_pause_t *pause);


/* Counters of all sessions. */

typedef struct {
    uint64_t  skipped;                  /* responses that are not understood */
    uint64_t  refused;                  /* SELECT of a mailbox */
} imap_counters_t;

extern imap_counters_t  imap_counters;


#endif /* _IMAP_PAUSE_H_INCLUDED_ */
