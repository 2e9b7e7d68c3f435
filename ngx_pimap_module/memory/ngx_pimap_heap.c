
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns when the freed heap of a worker goes back to the system.  Called where
 * requests, TLS objects and devices are freed.  Invariant: trimming takes a
 * hundredth of the worker's time at most.
 *
 * While much is freed the heap is full of holes, and is needed again soon.  So
 * it is trimmed after that, or after some seconds of it.
 */


#include "ngx_pimap_heap.h"
#include "ngx_pimap_arena.h"

#if (NGX_PIMAP_HAVE_MALLOC_TRIM)
#include <malloc.h>
#endif


#define NGX_PIMAP_HEAP_TICK   2000          /* msec */
#define NGX_PIMAP_HEAP_QUIET  50            /* freed in a tick, at most */
#define NGX_PIMAP_HEAP_TICKS  5             /* before a trim, at most */
#define NGX_PIMAP_HEAP_SHARE  100           /* of the time: one of so many */


void *
ngx_pimap_heap_record(size_t size, ngx_log_t *log)
{
    void  *record;

    record = ngx_pimap_arena_alloc(size);

    if (record == NULL) {
        ngx_log_error(NGX_LOG_EMERG, log, ngx_errno,
                      "pimap cannot allocate a record of %uz bytes", size);
    }

    return record;
}


void
ngx_pimap_heap_record_free(void *record)
{
    ngx_pimap_arena_free(record);
}


#if (NGX_PIMAP_HAVE_MALLOC_TRIM)


static void ngx_pimap_heap_handler(ngx_event_t *ev);
static void ngx_pimap_heap_trim(ngx_log_t *log);


static ngx_event_t  ngx_pimap_heap_timer;
static ngx_uint_t   ngx_pimap_heap_objects;     /* freed in this tick */
static ngx_uint_t   ngx_pimap_heap_ticks;       /* since the last trim */
static ngx_msec_t   ngx_pimap_heap_pause;       /* before the next trim */


void
ngx_pimap_heap_init_process(ngx_cycle_t *cycle)
{
    ngx_pimap_timer_init(&ngx_pimap_heap_timer, ngx_pimap_heap_handler,
                         cycle->log, 1);
}


void
ngx_pimap_heap_trim_later(void)
{
    ngx_pimap_heap_objects++;

    if (!ngx_pimap_heap_timer.timer_set) {
        ngx_add_timer(&ngx_pimap_heap_timer,
                      NGX_PIMAP_HEAP_TICK + ngx_pimap_heap_pause);
    }
}


static void
ngx_pimap_heap_handler(ngx_event_t *ev)
{
    ngx_uint_t  n;

    n = ngx_pimap_heap_objects;
    ngx_pimap_heap_objects = 0;

    if (n > NGX_PIMAP_HEAP_QUIET
        && ++ngx_pimap_heap_ticks < NGX_PIMAP_HEAP_TICKS)
    {
        ngx_add_timer(ev, NGX_PIMAP_HEAP_TICK);
        return;
    }

    ngx_pimap_heap_ticks = 0;

    ngx_pimap_heap_trim(ev->log);
}


static void
ngx_pimap_heap_trim(ngx_log_t *log)
{
    int         given;
    ngx_msec_t  start, time;

    ngx_time_update();
    start = ngx_current_msec;

    given = malloc_trim(0);

    ngx_time_update();
    time = ngx_current_msec - start;

    ngx_pimap_heap_pause = time * NGX_PIMAP_HEAP_SHARE;

    ngx_log_error(NGX_LOG_INFO, log, 0,
                  "pimap heap: %s to the system, msec:%M",
                  given ? "given back" : "nothing", time);
}


#else


void
ngx_pimap_heap_init_process(ngx_cycle_t *cycle)
{
}


void
ngx_pimap_heap_trim_later(void)
{
}


#endif
