
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the clock of a program of a test.  Loaded by LD_PRELOAD.  Invariant:
 * all processes share the file that CLOCK_FILE names, whose size in bytes is
 * the number of hours that the clock is ahead.  With CLOCK_RATE, the monotonic
 * clock runs so many times as fast, and epoll_wait() waits by it.
 */


#define _GNU_SOURCE

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>


static char  *file;
static int    rate;


__attribute__((constructor)) static void
clock_begin(void)
{
    /* nginx removes it from the environment */

    file = getenv("CLOCK_FILE") ? strdup(getenv("CLOCK_FILE")) : NULL;
    rate = getenv("CLOCK_RATE") ? atoi(getenv("CLOCK_RATE")) : 1;
}


int
gettimeofday(struct timeval *restrict tv, void *restrict tz)
{
    struct stat       st;
    struct timespec   now;

    if (file == NULL || stat(file, &st) != 0) {
        st.st_size = 0;
    }

    if (clock_gettime(CLOCK_REALTIME, &now) != 0) {
        return -1;
    }

    tv->tv_sec = now.tv_sec + st.st_size * 3600;
    tv->tv_usec = now.tv_nsec / 1000;

    return 0;
}


int
clock_gettime(clockid_t id, struct timespec *ts)
{
    int        rc;
    long long  ns;

    rc = syscall(SYS_clock_gettime, id, ts);

    if (rate > 1 && (id == CLOCK_MONOTONIC || id == CLOCK_MONOTONIC_COARSE)) {
        ns = ts->tv_nsec * (long long) rate;
        ts->tv_sec = ts->tv_sec * rate + ns / 1000000000;
        ts->tv_nsec = ns % 1000000000;
    }

    return rc;
}


int
epoll_wait(int fd, struct epoll_event *events, int n, int ms)
{
    ms = rate > 1 && ms > 0 ? (ms - 1) / rate + 1 : ms;

    return epoll_pwait(fd, events, n, ms, NULL);
}
