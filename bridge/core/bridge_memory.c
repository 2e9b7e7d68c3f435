
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Memory, time and chance.
 *
 * GLib's allocator ends the process if there is no memory.  Libraries use it,
 * too: they would report "no memory" as they report a bad input.
 */


#include "bridge.h"

#include <malloc.h>
#include <stdlib.h>

#include <event2/util.h>
#include <jansson.h>
#include <libxml/xmlmemory.h>


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
    json_set_alloc_funcs(g_malloc, free);
    xmlMemSetup(free, g_malloc, g_realloc, g_strdup);
    event_set_mem_functions(g_malloc, bridge_memory_resize,
                            bridge_memory_free);
}


void
bridge_memory_none(const char *what)
{
    g_error("no memory for %s", what);      /* does not return */
}


/* realloc() would leave the bytes behind where they have been. */

static void *
bridge_memory_resize(void *data, size_t size)
{
    void  *new;

    new = g_malloc(size);

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
