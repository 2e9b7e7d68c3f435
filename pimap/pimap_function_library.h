
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the text of redis/pimap.lua, its version, and the reading of Redis'
 * replies about it.  Called by the module and the bridge.
 */


#ifndef _PIMAP_FUNCTION_LIBRARY_H_INCLUDED_
#define _PIMAP_FUNCTION_LIBRARY_H_INCLUDED_


#include <stddef.h>


typedef enum {
    PIMAP_FUNCTION_LIBRARY_READY = 0,
    PIMAP_FUNCTION_LIBRARY_OLD,         /* missing or older: load it */
    PIMAP_FUNCTION_LIBRARY_BUSY,        /* Redis' state passes: ask again */
    PIMAP_FUNCTION_LIBRARY_REFUSED      /* no functions, or no permission */
} pimap_function_library_status_t;


const char *pimap_function_library_text(size_t *len);

/* "local VERSION" of the text. */
long long pimap_function_library_version(void);

/*
 * The reply to "FCALL pimap_version 0" or to "FUNCTION LOAD": an error, or
 * NULL and the version that Redis has.
 */
pimap_function_library_status_t pimap_function_library_status(
    const char *error, long long version);

/* True if a reply to any FCALL says that the library is gone. */
int pimap_function_library_is_lost(const char *error);


#endif /* _PIMAP_FUNCTION_LIBRARY_H_INCLUDED_ */
