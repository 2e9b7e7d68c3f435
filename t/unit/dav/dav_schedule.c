
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The schedule of accounts: rounds become less frequent while nothing changes,
 * are spread over time, keep their order, and respect the limits per second,
 * at a time and the pause that a busy server asks for.
 */


#include <stdlib.h>

#include "dav_schedule.h"
#include "tap.h"


#define TURNS   150


static struct event_base  *base;
static dav_turn_t          turns[TURNS];
static unsigned            ran, order, keep;
static dav_turn_t         *last;


static void
handler(void *data)
{
    ran++;
    order += data == (last ? last + 1 : turns);
    last = data;

    if (!keep) {
        dav_turn_end(data);
    }
}


static void
begin(dav_schedule_t *p, unsigned rate, unsigned most, unsigned n)
{
    unsigned  i;

    dav_schedule_init(p, base, rate, most);
    ran = order = keep = 0;
    last = NULL;

    for (i = 0; i < n; i++) {
        dav_turn_init(&turns[i], p, handler, &turns[i]);
    }
}


static void
end(dav_schedule_t *p, unsigned n)
{
    unsigned  i;

    for (i = 0; i < n; i++) {
        dav_turn_cancel(&turns[i]);
    }

    dav_schedule_done(p);
}


/* Runs until this number of rounds or for this time; returns the time. */

static bridge_msec_t
run(unsigned n, bridge_msec_t most)
{
    bridge_msec_t   start;
    struct timeval  tick = { 0, 2000 };

    start = bridge_now();

    while (ran < n && bridge_now() - start < most) {
        event_base_loopexit(base, &tick);
        event_base_dispatch(base);
    }

    return bridge_now() - start;
}


static void
test_interval(void)
{
    unsigned  i, looks;
    uint32_t  now, wait, low, high;

    tap_is_int(dav_schedule_next(0, 30, 900, 0), 30,
               "the first interval is the shortest");
    tap_is_int(dav_schedule_next(30, 30, 900, 0), 45,
               "the next interval is half longer");
    tap_is_int(dav_schedule_next(700, 30, 900, 0), 900,
               "the interval has an upper limit");
    tap_is_int(dav_schedule_next(900, 30, 900, 0), 900, "    and stays there");
    tap_is_int(dav_schedule_next(900, 30, 900, 1), 30,
               "after a change the interval is the shortest");
    tap_is_int(dav_schedule_next(60, 60, 60, 0), 60,
               "equal limits: the interval is constant");

    for (now = 0, looks = 0, i = 0; now < 900; looks++) {
        now = dav_schedule_next(now, 30, 900, 0);
        i += now;
    }

    tap_is_int(looks, 10, "ten rounds reach the upper limit");
    tap_ok(i < 3600, "within an hour");

    low = 1000;
    high = 0;

    for (i = 0; i < 10000; i++) {
        wait = dav_schedule_jitter(1000);
        low = wait < low ? wait : low;
        high = wait > high ? wait : high;
    }

    tap_ok(low >= 800 && low < 805,
           "jitter shortens an interval by up to a fifth");
    tap_ok(high <= 1000 && high > 995, "    and never lengthens it");
}


static void
test_rate(void)
{
    unsigned       i;
    dav_schedule_t     p;
    bridge_msec_t  took;

    begin(&p, 100, 1000, TURNS);

    for (i = 0; i < TURNS; i++) {
        dav_turn_set(&turns[i], i);
    }

    took = run(100, 5000);
    tap_ok(took < 400, "the rounds of a second run at once");
    took += run(TURNS, 5000);
    tap_is_int(ran, TURNS, "    then the other rounds");
    tap_ok(took >= 450 && took < 3000, "    at the limited rate");
    tap_is_int(order, TURNS, "    in their order");
    end(&p, TURNS);
}


static void
test_most(void)
{
    unsigned    i;
    dav_schedule_t  p;

    begin(&p, 10000, 2, 4);
    keep = 1;

    for (i = 0; i < 4; i++) {
        dav_turn_set(&turns[i], i);
    }

    run(3, 50);
    tap_is_int(ran, 2, "a limit of two: two rounds run");
    tap_is_int(p.waiting, 2, "    and two wait");

    dav_turn_end(&turns[0]);
    run(3, 50);
    tap_is_int(ran, 3, "a round ends: another round begins");

    dav_turn_cancel(&turns[3]);
    dav_turn_end(&turns[1]);
    run(4, 50);
    tap_is_int(ran, 3, "a cancelled round does not begin");
    tap_is_int(p.waiting, 0, "    no round waits");
    end(&p, 4);
}


static void
test_times(void)
{
    dav_schedule_t     p;
    bridge_msec_t  took;

    begin(&p, 10000, 10, 2);

    dav_turn_set(&turns[0], 5000);
    dav_turn_set(&turns[0], 20);
    dav_turn_set(&turns[0], 5000);
    took = run(1, 1000);
    tap_is_int(ran, 1, "an earlier time moves a round forward");
    tap_ok(took >= 15 && took < 500, "    a later time does not move it back");
    run(2, 50);
    tap_is_int(ran, 1, "once");

    dav_schedule_hold(&p, 200);
    dav_schedule_hold(&p, 100);
    dav_turn_set(&turns[0], 0);
    dav_turn_set(&turns[1], 0);
    run(2, 150);
    tap_is_int(ran, 1, "the server asks for a pause: no round runs");
    took = run(3, 3000);
    tap_is_int(ran, 3, "    after the pause all rounds run");
    end(&p, 2);
}


int
main(void)
{
    base = bridge_base = event_base_new();

    test_interval();
    test_rate();
    test_most();
    test_times();

    event_base_free(base);

    return tap_done();
}
