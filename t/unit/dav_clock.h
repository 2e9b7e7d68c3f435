
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns time, chance and the timers of a program: libevent's functions that
 * the DAV client calls.  Each program includes this once.  The time goes on
 * only by clock_run(), so an hour takes a moment.
 */


#ifndef _DAV_CLOCK_H_INCLUDED_
#define _DAV_CLOCK_H_INCLUDED_


#include <stdlib.h>

#include "bridge.h"


#define CLOCK_TIMERS        16
#define CLOCK_NEVER         UINT64_MAX


typedef struct {
    struct event            *event;
    uint64_t                 due;
} clock_timer_t;


static uint64_t              clock_now;     /* ms */
static clock_timer_t         clock_timers[CLOCK_TIMERS];


gint64
g_get_monotonic_time(void)
{
    return clock_now * 1000;
}


void
evutil_secure_rng_get_bytes(void *buf, size_t n)
{
    memset(buf, 0, n);
}


int
event_assign(struct event *ev, struct event_base *base, evutil_socket_t fd,
    short what, event_callback_fn callback, void *arg)
{
    ev->ev_evcallback.evcb_cb_union.evcb_callback = callback;
    ev->ev_evcallback.evcb_arg = arg;

    return 0;
}


int
event_del(struct event *ev)
{
    int  i;

    for (i = 0; i < CLOCK_TIMERS; i++) {
        if (clock_timers[i].event == ev) {
            clock_timers[i].event = NULL;
        }
    }

    return 0;
}


int
event_add(struct event *ev, const struct timeval *after)
{
    int  i;

    event_del(ev);

    for (i = 0; i < CLOCK_TIMERS && clock_timers[i].event; i++) { /* void */ }

    if (i == CLOCK_TIMERS) {
        abort();
    }

    clock_timers[i].event = ev;
    clock_timers[i].due = clock_now + after->tv_sec * 1000
                          + after->tv_usec / 1000;

    return 0;
}


/* The timer that is due next, or NULL. */

static inline clock_timer_t *
clock_next(void)
{
    int             i;
    clock_timer_t  *next;

    next = NULL;

    for (i = 0; i < CLOCK_TIMERS; i++) {
        if (clock_timers[i].event
            && (next == NULL || clock_timers[i].due < next->due))
        {
            next = &clock_timers[i];
        }
    }

    return next;
}


/* The timer fires. */

static inline void
clock_run(clock_timer_t *timer)
{
    struct event  *ev = timer->event;

    timer->event = NULL;
    clock_now = timer->due > clock_now ? timer->due : clock_now;

    ev->ev_evcallback.evcb_cb_union.evcb_callback(-1, EV_TIMEOUT,
                                                  ev->ev_evcallback.evcb_arg);
}


#endif /* _DAV_CLOCK_H_INCLUDED_ */
