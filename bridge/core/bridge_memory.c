
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Memory, time and chance.
 */


#include "bridge.h"

#include <malloc.h>
#include <stdlib.h>

#include <event2/util.h>


static void *bridge_memory_resize(void *data, size_t size);
static void bridge_memory_free(void *data);


struct event_base  *bridge_base;


bridge_msec_t
bridge_now(void)
{
    return g_get_monotonic_time() / 1000;
}


uint32_t
bridge_random(uint32_t max)
{
    uint32_t  n;

    evutil_secure_rng_get_bytes(&n, sizeof(n));

    return n % max;
}


void
bridge_timer_set(struct event *timer, bridge_msec_t after)
{
    struct timeval  tv;

    tv.tv_sec = after / 1000;
    tv.tv_usec = after % 1000 * 1000;

    evtimer_add(timer, &tv);
}


void *
bridge_grow(void *items, size_t n, size_t *size, size_t item)
{
    if (n == *size) {
        *size = n ? n * 2 : 4;
        items = g_realloc_n(items, *size, item);
    }

    return items;
}


char *
bridge_copy(const char *text, size_t len)
{
    char  *copy;

    copy = bridge_alloc(len + 1);

    if (len) {
        memcpy(copy, text, len);
    }

    return copy;
}


void
bridge_wipe_free(void *data, size_t size)
{
    if (data) {
        explicit_bzero(data, size);
        free(data);
    }
}


void
bridge_memory_init(void)
{
    event_set_mem_functions(malloc, bridge_memory_resize, bridge_memory_free);
}


/* realloc() would leave the bytes behind where they have been. */

static void *
bridge_memory_resize(void *data, size_t size)
{
    void  *new;

    new = malloc(size);

    if (new && data) {
        memcpy(new, data, MIN(malloc_usable_size(data), size));
        bridge_memory_free(data);
    }

    return new;
}


static void
bridge_memory_free(void *data)
{
    bridge_wipe_free(data, malloc_usable_size(data));
}
