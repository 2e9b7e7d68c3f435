
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the turns: which account may ask its server now.
 */


#include "dav_schedule.h"


#define DAV_SCHEDULE_TURN   1000            /* credit of a turn */


static void dav_schedule_timer(evutil_socket_t fd, short what, void *data);
static void dav_schedule_run(dav_schedule_t *p);
static void dav_turn_due(evutil_socket_t fd, short what, void *data);


void
dav_schedule_init(dav_schedule_t *p, struct event_base *base, unsigned rate,
    unsigned most)
{
    memset(p, 0, sizeof(dav_schedule_t));

    p->base = base;
    p->rate = rate;
    p->most = most;
    p->credit = rate * DAV_SCHEDULE_TURN;
    p->last = bridge_now();

    TAILQ_INIT(&p->queue);
    event_assign(&p->timer, base, -1, 0, dav_schedule_timer, p);
}


void
dav_schedule_done(dav_schedule_t *p)
{
    event_del(&p->timer);
}


void
dav_schedule_hold(dav_schedule_t *p, bridge_msec_t ms)
{
    bridge_msec_t  until;

    until = bridge_now() + ms;

    if (until > p->hold) {
        p->hold = until;
    }
}


void
dav_schedule_busy(dav_schedule_t *p, bridge_msec_t ms)
{
    if (p->busy++) {
        dav_schedule_hold(p, ms);
    }
}


void
dav_schedule_well(dav_schedule_t *p)
{
    p->busy = 0;
}


void
dav_turn_init(dav_turn_t *t, dav_schedule_t *p, dav_turn_pt handler,
    void *data)
{
    memset(t, 0, sizeof(dav_turn_t));

    t->schedule = p;
    t->handler = handler;
    t->data = data;
    event_assign(&t->timer, p->base, -1, 0, dav_turn_due, t);
}


void
dav_turn_set(dav_turn_t *t, bridge_msec_t after)
{
    bridge_msec_t  due;

    due = bridge_now() + after;

    if (t->queued || (t->due && t->due <= due)) {
        return;
    }

    t->due = due;
    bridge_timer_set(&t->timer, after);
}


void
dav_turn_end(dav_turn_t *t)
{
    if (t->running) {
        t->running = 0;
        t->schedule->running--;

        /* not at once, because the caller goes on */

        if (t->schedule->waiting) {
            bridge_timer_set(&t->schedule->timer, 0);
        }
    }
}


void
dav_turn_cancel(dav_turn_t *t)
{
    dav_turn_end(t);

    event_del(&t->timer);
    t->due = 0;

    if (t->queued) {
        TAILQ_REMOVE(&t->schedule->queue, t, link);
        t->schedule->waiting--;
        t->queued = 0;
    }
}


static void
dav_turn_due(evutil_socket_t fd, short what, void *data)
{
    dav_turn_t *t = data;

    t->due = 0;
    t->queued = 1;
    TAILQ_INSERT_TAIL(&t->schedule->queue, t, link);
    t->schedule->waiting++;

    dav_schedule_run(t->schedule);
}


static void
dav_schedule_timer(evutil_socket_t fd, short what, void *data)
{
    dav_schedule_run(data);
}


static void
dav_schedule_run(dav_schedule_t *p)
{
    uint64_t        credit;
    dav_turn_t     *t;
    bridge_msec_t   now;

    now = bridge_now();

    credit = p->credit + (now - p->last) * p->rate;
    p->credit = credit < p->rate * DAV_SCHEDULE_TURN ? credit
                                                 : p->rate * DAV_SCHEDULE_TURN;
    p->last = now;

    while ((t = TAILQ_FIRST(&p->queue))) {

        if (p->running >= p->most) {
            return;
        }

        if (p->hold > now) {
            bridge_timer_set(&p->timer, p->hold - now
                                        + bridge_random(1000));
            return;
        }

        if (p->credit < DAV_SCHEDULE_TURN) {
            bridge_timer_set(&p->timer,
                             (DAV_SCHEDULE_TURN - p->credit) / p->rate + 1);
            return;
        }

        p->credit -= DAV_SCHEDULE_TURN;

        TAILQ_REMOVE(&p->queue, t, link);
        t->queued = 0;
        t->running = 1;
        p->waiting--;
        p->running++;

        t->handler(t->data);
    }
}


uint32_t
dav_schedule_next(uint32_t now, uint32_t min, uint32_t max, int changed)
{
    if (changed || now < min) {
        return min;
    }

    return now >= max / 3 * 2 ? max : now + now / 2;
}


uint32_t
dav_schedule_jitter(uint32_t ms)
{
    return ms - bridge_random(ms / 5 + 1);
}
