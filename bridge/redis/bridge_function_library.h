
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the knowledge whether the masters of Redis have the function library,
 * and loads it.  Called when the connection for commands is up.
 */


#ifndef _BRIDGE_FUNCTION_LIBRARY_H_INCLUDED_
#define _BRIDGE_FUNCTION_LIBRARY_H_INCLUDED_


#include "bridge_redis_command.h"


/* The handler is called for each master that has it, after each connection. */
void bridge_function_library_start(void (*ready)(void));

void bridge_function_library_open(bridge_node_t *node);
void bridge_function_library_close(bridge_node_t *node);

/* The connection for commands is up, or down. */
void bridge_function_library_up(bridge_node_t *node);
void bridge_function_library_down(bridge_node_t *node);

/* A function was not found, as the functions were flushed. */
void bridge_function_library_lost(bridge_node_t *node);

/* The connection is up, and Redis has the functions: this master, any. */
int bridge_function_library_is_ready(bridge_node_t *node);
int bridge_function_library_ready(void);


#endif /* _BRIDGE_FUNCTION_LIBRARY_H_INCLUDED_ */
