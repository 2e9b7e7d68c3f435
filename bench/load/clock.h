/*
 * Copyright (C) ngx_pimap_module authors
 */

/*
 * The clock of the benchmark.  CLOCK_MONOTONIC is the same in all
 * processes of a machine: an event carries the time at which it was
 * published, and the device takes the difference.
 */

#ifndef BENCH_CLOCK_H
#define BENCH_CLOCK_H

#include <stdint.h>
#include <time.h>


#define CLOCK_SECOND  1000000000ULL


static inline uint64_t
clock_now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * CLOCK_SECOND + (uint64_t) ts.tv_nsec;
}


#endif /* BENCH_CLOCK_H */
