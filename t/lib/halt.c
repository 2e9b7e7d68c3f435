
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the halt of one process of a test's program, while it reads or changes
 * the shared zone.  Loaded by LD_PRELOAD.  Invariant: the file that HALT_FILE
 * names has the signal.  The first process that looks whether another process
 * is alive removes the file, and sends the signal to itself.
 */


#define _GNU_SOURCE

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>


static char  *file;


__attribute__((constructor)) static void
halt_begin(void)
{
    /* nginx removes it from the environment */

    file = getenv("HALT_FILE") ? strdup(getenv("HALT_FILE")) : NULL;
}


static int
halt_signal(void)
{
    int    signo;
    FILE  *f;

    f = file ? fopen(file, "re") : NULL;

    if (f == NULL) {
        return 0;
    }

    if (fscanf(f, "%d", &signo) != 1 || unlink(file) != 0) {
        signo = 0;
    }

    fclose(f);

    return signo;
}


int
kill(pid_t pid, int signo)
{
    int  own;

    own = signo == 0 ? halt_signal() : 0;

    if (own) {
        (void) syscall(SYS_kill, getpid(), own);
    }

    return syscall(SYS_kill, pid, signo);
}
