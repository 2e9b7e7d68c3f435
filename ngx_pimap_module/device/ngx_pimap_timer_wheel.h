
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns when a device has its next turn: one nginx timer for all devices of a
 * worker, and a list for each second.  It is also the list of all devices.
 */


#ifndef _NGX_PIMAP_TIMER_WHEEL_H_INCLUDED_
#define _NGX_PIMAP_TIMER_WHEEL_H_INCLUDED_


#include "ngx_pimap_conf.h"


#define NGX_PIMAP_TIMER_WHEEL_MAX  NGX_PIMAP_PING_MAX  /* seconds ahead */


/* How many there were in one of the wheel's seconds. */
typedef struct {
    uint8_t       second;               /* its last bits */
    uint8_t       n;
} ngx_pimap_rate_t;


/* A link is due; it is in the wheel no more. */
typedef void (*ngx_pimap_timer_wheel_pt)(ngx_queue_t *link);


void ngx_pimap_timer_wheel_init_process(ngx_cycle_t *cycle,
    ngx_pimap_timer_wheel_pt due);

/* Due in so many seconds (1 .. NGX_PIMAP_TIMER_WHEEL_MAX), once. */
void ngx_pimap_timer_wheel_add(ngx_queue_t *link, ngx_uint_t seconds);
void ngx_pimap_timer_wheel_remove(ngx_queue_t *link);

/* The link that is due next; NULL: the wheel is empty. */
ngx_queue_t *ngx_pimap_timer_wheel_first(void);

/* Seconds since the worker's start, as the wheel counts them. */
uint32_t ngx_pimap_timer_wheel_now(void);

/* Counts one; true if this second has had "most" (255 at most) already. */
ngx_uint_t ngx_pimap_rate_exceeded(ngx_pimap_rate_t *rate, ngx_uint_t most);


#endif /* _NGX_PIMAP_TIMER_WHEEL_H_INCLUDED_ */
