
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Whether Redis has our function library, which keeps the log, and loading
 * it there.
 */


#ifndef _NGX_PIMAP_LIBRARY_H_INCLUDED_
#define _NGX_PIMAP_LIBRARY_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_redis.h"


/* Values of the parameter "functions" of "pimap_redis". */
#define NGX_PIMAP_FUNCTION_LIBRARY_OFF     0         /* live only */
#define NGX_PIMAP_FUNCTION_LIBRARY_USE     1         /* never load it */
#define NGX_PIMAP_FUNCTION_LIBRARY_LOAD    2


typedef enum {
    NGX_PIMAP_FUNCTION_LIBRARY_UNKNOWN = 0,          /* not asked, or asking */
    NGX_PIMAP_FUNCTION_LIBRARY_READY,
    NGX_PIMAP_FUNCTION_LIBRARY_MISSING               /* there is no log */
} ngx_pimap_function_library_state_t;


ngx_pimap_function_library_state_t ngx_pimap_function_library_state(void);

/* The commander is up, or down. */
void ngx_pimap_function_library_start(ngx_pimap_conf_redis_t *conf);
void ngx_pimap_function_library_stop(void);

/* A function was not found: somebody has flushed them. */
void ngx_pimap_function_library_lost(void);

/* A function has failed, not by what it was given: said, and seen to. */
void ngx_pimap_function_library_refused(const char *what, redisReply *reply,
    ngx_log_t *log);


#endif /* _NGX_PIMAP_LIBRARY_H_INCLUDED_ */
