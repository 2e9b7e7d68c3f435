
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the knowledge whether Redis has our function library, which keeps the
 * log, and loads it there.  Called by the room's client, and by each caller of
 * a function.
 */


#ifndef _NGX_PIMAP_FUNCTION_LIBRARY_H_INCLUDED_
#define _NGX_PIMAP_FUNCTION_LIBRARY_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_redis.h"


typedef enum {
    NGX_PIMAP_FUNCTION_LIBRARY_UNKNOWN = 0,     /* not asked, or no answer */
    NGX_PIMAP_FUNCTION_LIBRARY_READY,
    NGX_PIMAP_FUNCTION_LIBRARY_MISSING          /* there is no log */
} ngx_pimap_function_library_state_t;

typedef void (*ngx_pimap_function_library_pt)(
    ngx_pimap_function_library_state_t state);


/* The handler is called when the library is ready or missing. */
void ngx_pimap_function_library_init_process(ngx_cycle_t *cycle,
    ngx_pimap_conf_redis_t *conf, ngx_pimap_function_library_pt handler);

ngx_pimap_function_library_state_t ngx_pimap_function_library_state(void);

/* Commands can be sent, or no longer. */
void ngx_pimap_function_library_start(void);
void ngx_pimap_function_library_stop(void);

/* A function was not found: another client has flushed them. */
void ngx_pimap_function_library_lost(void);

/* Logs the error of a function, and acts on it. */
void ngx_pimap_function_library_refused(const char *what, redisReply *reply,
    ngx_log_t *log);


#endif /* _NGX_PIMAP_FUNCTION_LIBRARY_H_INCLUDED_ */
