
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the turns of accounts at a server.  Called by dav_state.c.
 * Invariant: turns are given in the order in which they are due, limited by
 * second and at a time, and none while the server is busy.
 */


#ifndef _DAV_SCHEDULE_H_INCLUDED_
#define _DAV_SCHEDULE_H_INCLUDED_


#include "bridge.h"

#include <event2/event_struct.h>

#include <sys/queue.h>


typedef struct dav_turn_s  dav_turn_t;

typedef void (*dav_turn_pt)(void *data);

typedef struct {
    struct event_base             *base;
    unsigned                       rate;        /* turns a second */
    unsigned                       credit;      /* in thousandths */
    bridge_msec_t                  last;
    bridge_msec_t                  hold;        /* no turn before */
    unsigned                       busy;        /* 503 since a good answer */
    struct event                   timer;
    TAILQ_HEAD(, dav_turn_s)       queue;
    unsigned                       waiting;
    unsigned                       running;
    unsigned                       most;        /* at a time */
} dav_schedule_t;

struct dav_turn_s {
    TAILQ_ENTRY(dav_turn_s)        link;
    struct event                   timer;
    dav_schedule_t                *schedule;
    dav_turn_pt                    handler;
    void                          *data;
    bridge_msec_t                  due;         /* 0: none */
    unsigned                       queued:1;
    unsigned                       running:1;
};


void dav_schedule_init(dav_schedule_t *p, struct event_base *base,
    unsigned rate, unsigned most);
void dav_schedule_done(dav_schedule_t *p);

/* No turn for so many ms. */

void dav_schedule_hold(dav_schedule_t *p, bridge_msec_t ms);

/*
 * The server has told an account that it is busy, which holds all accounts if
 * it is the second time; it has answered well.
 */

void dav_schedule_busy(dav_schedule_t *p, bridge_msec_t ms);
void dav_schedule_well(dav_schedule_t *p);

void dav_turn_init(dav_turn_t *t, dav_schedule_t *p, dav_turn_pt handler,
    void *data);

/* In so many ms, or sooner if the turn is due before. */

void dav_turn_set(dav_turn_t *t, bridge_msec_t after);

/* The work that the handler has begun is over. */

void dav_turn_end(dav_turn_t *t);

void dav_turn_cancel(dav_turn_t *t);

/* The interval after "now" ms: longer if there was no change. */

uint32_t dav_schedule_next(uint32_t now, uint32_t min, uint32_t max,
    int changed);

/* Between 4/5 and all of it, so that accounts spread over time. */

uint32_t dav_schedule_jitter(uint32_t ms);


#endif /* _DAV_SCHEDULE_H_INCLUDED_ */
