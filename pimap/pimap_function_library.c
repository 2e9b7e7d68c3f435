
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The function library's text and version, and what its replies mean.
 */


#include <stdlib.h>
#include <string.h>

#include "pimap_function_library.h"


/* PIMAP_LUA comes from the build: the path of redis/pimap.lua. */

__asm__ (".section .rodata\n"
         ".local pimap_function_library_begin\n"
         ".local pimap_function_library_end\n"
         "pimap_function_library_begin:\n"
         ".incbin \"" PIMAP_LUA "\"\n"
         "pimap_function_library_end:\n"
         ".byte 0\n"
         ".previous\n");

extern const char  pimap_function_library_begin[]
                       __attribute__ ((visibility ("hidden")));
extern const char  pimap_function_library_end[]
                       __attribute__ ((visibility ("hidden")));


/* Errors of a state that passes, in which no log is lost. */

static const char  *pimap_function_library_passing[] = {
    "OOM ", "BUSY ", "LOADING ", "MASTERDOWN ", "READONLY ", "MISCONF ",
    "NOREPLICAS ", "TRYAGAIN ", "CLUSTERDOWN ", NULL
};


const char *
pimap_function_library_text(size_t *len)
{
    *len = pimap_function_library_end - pimap_function_library_begin;

    return pimap_function_library_begin;
}


long long
pimap_function_library_version(void)
{
    const char  *line;

    static const char  begin[] = "\nlocal VERSION = ";

    line = strstr(pimap_function_library_begin, begin);

    return line ? atoll(line + sizeof(begin) - 1) : 0;
}


pimap_function_library_status_t
pimap_function_library_status(const char *error, long long version)
{
    const char  **passing;

    if (error == NULL) {
        return version >= pimap_function_library_version()
               ? PIMAP_FUNCTION_LIBRARY_READY : PIMAP_FUNCTION_LIBRARY_OLD;
    }

    if (pimap_function_library_is_lost(error)) {
        return PIMAP_FUNCTION_LIBRARY_OLD;
    }

    for (passing = pimap_function_library_passing; *passing; passing++) {
        if (strncmp(error, *passing, strlen(*passing)) == 0) {
            return PIMAP_FUNCTION_LIBRARY_BUSY;
        }
    }

    return PIMAP_FUNCTION_LIBRARY_REFUSED;
}


int
pimap_function_library_is_lost(const char *error)
{
    return strstr(error, "Function not found") != NULL;
}
