
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the event base, the time and the memory.  Used by all rooms.
 *
 * The process has one thread and one event base.  Each file keeps its own
 * state, and has an init function, and a done function if it has to free
 * something at the end.  Nothing blocks after the start.
 */


#ifndef _BRIDGE_H_INCLUDED_
#define _BRIDGE_H_INCLUDED_


#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <event2/event.h>
#include <event2/event_struct.h>


#define BRIDGE_NAME           "pimap-bridge"
#define BRIDGE_VERSION        "0.1.0"

#define bridge_literal(s)     (s), sizeof(s) - 1


typedef uint64_t  bridge_msec_t;


/* Created by main() before the rooms begin. */
extern struct event_base  *bridge_base;


/* Milliseconds that never go back. */
bridge_msec_t bridge_now(void);

/* A number below "max"; "max" is not 0. */
uint32_t bridge_random(uint32_t max);

/* The timer fires after so many milliseconds, and not at a former time. */
void bridge_timer_set(struct event *timer, bridge_msec_t after);

/*
 * Memory, zeroed.  Without memory the process logs that and ends.  systemd
 * starts it again, and it goes on with the state in Redis.
 */
void *bridge_alloc(size_t size);
char *bridge_copy(const char *text, size_t len);
char *bridge_string(const char *text);
char *bridge_format(const char *format, ...)
    __attribute__((format(printf, 1, 2)));
char *bridge_vformat(const char *format, va_list args);

/* Room for item "n" of an array, which may move; not zeroed. */
void *bridge_grow(void *items, size_t n, size_t *size, size_t item);

/* Wipes and frees. */
void bridge_wipe_free(void *data, size_t size);

/* libevent wipes what it frees from now on, as logins pass through it. */
void bridge_memory_init(void);


#endif /* _BRIDGE_H_INCLUDED_ */
