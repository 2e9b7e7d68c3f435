
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the knowledge whether Redis has the function library, and loads it.
 */


#ifndef _BRIDGE_FUNCTION_LIBRARY_H_INCLUDED_
#define _BRIDGE_FUNCTION_LIBRARY_H_INCLUDED_


#include "bridge.h"


/* The connection for commands is up, and Redis has the functions. */
int bridge_function_library_ready(void);

/* The connection for commands is up, or down. */
void bridge_function_library_start(void);
void bridge_function_library_stop(void);

/* A function was not found, as the functions were flushed. */
void bridge_function_library_lost(void);


#endif /* _BRIDGE_FUNCTION_LIBRARY_H_INCLUDED_ */
