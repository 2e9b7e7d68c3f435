
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Whether Redis has our function library, and loading it there.
 */


#ifndef _BRIDGE_LIBRARY_H_INCLUDED_
#define _BRIDGE_LIBRARY_H_INCLUDED_


#include "bridge.h"


/* The commander is up and the functions are there. */
int bridge_function_library_ready(void);

/* The commander is up, or down. */
void bridge_function_library_start(void);
void bridge_function_library_stop(void);

/* A function was not found: somebody has flushed them. */
void bridge_function_library_lost(void);


#endif /* _BRIDGE_LIBRARY_H_INCLUDED_ */
