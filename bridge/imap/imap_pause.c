
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the pauses between tries that have no result, and the counters of all
 * sessions.  Called by imap_idle.c and imap_select.c.
 */


#include "imap_session_private.h"


#define IMAP_PAUSE      1000            /* ms, the first one */
#define IMAP_PAUSE_NEW  500             /* at the first news */
#define IMAP_PAUSE_NEWS (5 * 60 * 1000)


imap_counters_t  imap_counters;


void
imap_pause(imap_session_t *s, imap_pause_t *pause, int result, uint64_t max)
{
    pause->shortened = 0;

    if (result) {
        bridge_backoff_reset(&pause->news);
    }

    if (result || !pause->vain) {
        bridge_backoff_reset(&pause->backoff);
        pause->until = 0;
        pause->vain = !result;
        return;
    }

    pause->until = imap_now(s)
                   + bridge_backoff_next(&pause->backoff, IMAP_PAUSE, max);
}


void
imap_pause_shorten(imap_session_t *s, imap_pause_t *pause)
{
    uint64_t  at, now;

    now = imap_now(s);

    if (pause->shortened || pause->until <= now) {
        return;
    }

    pause->shortened = 1;
    at = now + bridge_backoff_next(&pause->news, IMAP_PAUSE_NEW,
                                   IMAP_PAUSE_NEWS);

    if (at < pause->until) {
        pause->until = at;
    }
}


/* Remembers when the first of all pauses ends. */

int
imap_pauses(imap_session_t *s, const imap_pause_t *pause)
{
    if (pause->until <= imap_now(s)) {
        return 0;
    }

    if (s->retry_at == 0 || pause->until < s->retry_at) {
        s->retry_at = pause->until;
    }

    return 1;
}
