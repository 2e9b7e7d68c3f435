
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Who is due when: one nginx timer for all devices of a worker, a bucket a
 * second.  It is also the list of all devices.
 */


#ifndef _NGX_PIMAP_WHEEL_H_INCLUDED_
#define _NGX_PIMAP_WHEEL_H_INCLUDED_


#include "ngx_pimap.h"


#define NGX_PIMAP_TIMER_WHEEL_MAX   1023      /* seconds ahead */


/* How much of something has come in one of the wheel's seconds. */
typedef struct {
    uint8_t       second;               /* its last bits */
    uint8_t       n;
} ngx_pimap_pace_t;


ngx_int_t ngx_pimap_timer_wheel_init_process(ngx_cycle_t *cycle);

/* Due in so many seconds (1 .. NGX_PIMAP_TIMER_WHEEL_MAX), once. */
void ngx_pimap_timer_wheel_add(ngx_queue_t *link, ngx_uint_t seconds);
void ngx_pimap_timer_wheel_remove(ngx_queue_t *link);

/* The next device in the order of their turns; NULL: there is none. */
ngx_queue_t *ngx_pimap_timer_wheel_first(void);

/* Seconds since the worker's start, as the wheel counts them. */
uint32_t ngx_pimap_timer_wheel_now(void);

/* One more of it: true if there are more than "most", 255 at most, now. */
ngx_uint_t ngx_pimap_timer_wheel_over(ngx_pimap_pace_t *pace, ngx_uint_t most);


#endif /* _NGX_PIMAP_WHEEL_H_INCLUDED_ */
