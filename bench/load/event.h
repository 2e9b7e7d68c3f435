/*
 * Copyright (C) ngx_pimap_module authors
 */

/*
 * The event that the benchmark publishes: a new mail, about 350 bytes.
 */

#ifndef BENCH_EVENT_H
#define BENCH_EVENT_H

#include <stddef.h>
#include <stdint.h>


#define EVENT_SIZE  512


/* "number" makes events differ, as uid and modseq; returns the length */
size_t event_format(char *buf, uint64_t time, uint32_t account,
    uint32_t number);


#endif /* BENCH_EVENT_H */
