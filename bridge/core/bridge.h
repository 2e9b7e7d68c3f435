
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * What all rooms of pimap-bridge share: the event base, time, memory.
 *
 * One process, one thread, one event base.  A room keeps its state in a file
 * of its own, and has an init and, if it has to let go of something at the
 * end, a done.  Nothing blocks but what is done before "ready".
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


/* Made by main, before any room is. */
extern struct event_base  *bridge_base;


/* Milliseconds that never go back. */
bridge_msec_t bridge_now(void);

/* A number below "max", which is not 0. */
uint32_t bridge_random(uint32_t max);

/* The timer fires after so many milliseconds; what was set before is not. */
void bridge_timer_set(struct event *timer, bridge_msec_t after);

/*
 * Memory, zeroed.  If there is none the process logs that and ends: systemd
 * starts it again, and what is in Redis is what it goes on with.
 */
void *bridge_alloc(size_t size);
char *bridge_copy(const char *text, size_t len);
char *bridge_string(const char *text);
char *bridge_format(const char *format, ...)
    __attribute__((format(printf, 1, 2)));
char *bridge_vformat(const char *format, va_list args);

/* Room for item "n" of an array, which may move; not zeroed. */
void *bridge_grow(void *items, size_t n, size_t *size, size_t item);

/* Frees what may have had a secret in it. */
void bridge_wipe_free(void *data, size_t size);

/* From now on whatever libevent frees is wiped: logins pass through it. */
void bridge_memory_init(void);


#endif /* _BRIDGE_H_INCLUDED_ */
