
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the time and the end of a fuzzed IMAP session, and the checks of its
 * events and results.  Called by imap.c and imap_server.c.  Invariant: the
 * structure of a fuzzer begins with a fuzz_session_t.
 */


#ifndef _FUZZ_SESSION_H_INCLUDED_
#define _FUZZ_SESSION_H_INCLUDED_


#include "fuzz.h"

#include "imap_session_private.h"
#include "pimap_event.h"


typedef struct {
    imap_session_t  *session;
    uint64_t         now;
    int              failed;
} fuzz_session_t;


static inline void
fuzz_starttls(void *data)
{
}


static inline void
fuzz_timer(void *data, uint32_t ms)
{
    fuzz_check(ms > 0);
}


static inline uint64_t
fuzz_now(void *data)
{
    fuzz_session_t  *s = data;

    return s->now;
}


static inline void
fuzz_failed(void *data, imap_fail_t reason, const char *why)
{
    fuzz_session_t  *s = data;

    fuzz_check(!s->failed && why[0]);
    fuzz_show("failed:", why, strlen(why));
    s->failed = 1;
}


static inline void
fuzz_ready(void *data, const char *how)
{
}


/* Each published text is a valid event for the module. */

static inline void
fuzz_events(const json_t *events)
{
    char           *text, why[256];
    size_t          i;
    json_t         *event;
    pimap_event_t   ev;

    fuzz_check(json_is_array(events));

    json_array_foreach(events, i, event) {
        text = json_dumps(event, 0);
        fuzz_check(text != NULL);
        fuzz_check(pimap_event_parse(&ev, text, strlen(text), 1024 * 1024,
                                     why, sizeof(why)) == PIMAP_EVENT_OK);
        pimap_event_free(&ev);
        free(text);
    }
}


/* Each update has one result. */

static inline void
fuzz_result(const json_t *result)
{
    fuzz_check(json_is_string(json_object_get(result, "status")));
}


#endif /* _FUZZ_SESSION_H_INCLUDED_ */
