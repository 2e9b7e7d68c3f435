
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the time until the next attempt: twice as long after each failure,
 * within bounds, and random, so that clients that failed together spread.
 */


#ifndef _BRIDGE_BACKOFF_H_INCLUDED_
#define _BRIDGE_BACKOFF_H_INCLUDED_


#include "bridge.h"


typedef struct {
    unsigned  failures;
} bridge_backoff_t;


static inline bridge_msec_t
bridge_backoff_next(bridge_backoff_t *backoff, bridge_msec_t min,
    bridge_msec_t max)
{
    bridge_msec_t  wait;

    wait = backoff->failures < 20 ? min << backoff->failures : max;
    wait = wait < max ? wait : max;

    backoff->failures++;

    return wait / 2 + bridge_random(wait / 2 + 1);
}


static inline void
bridge_backoff_reset(bridge_backoff_t *backoff)
{
    backoff->failures = 0;
}


#endif /* _BRIDGE_BACKOFF_H_INCLUDED_ */
