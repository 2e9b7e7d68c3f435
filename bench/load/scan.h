/*
 * Copyright (C) ngx_pimap_module authors
 */

/*
 * Finds the benchmark's events in a stream of Server-Sent Events, which may
 * be cut anywhere, in a few bytes of state.  Pure.
 */

#ifndef BENCH_SCAN_H
#define BENCH_SCAN_H

#include <stddef.h>
#include <stdint.h>


/*
 * How the JSON of an event starts: the time of publishing, then the number of
 * the account that it is for.
 */
#define SCAN_TIME     "{\"ts\":"
#define SCAN_ACCOUNT  ",\"n\":"


typedef enum {
    SCAN_MORE = 0,                 /* all bytes read */
    SCAN_EVENT,                    /* an event: its time and account are set */
    SCAN_OTHER                     /* data without a time, e.g. a heartbeat */
} scan_rc_t;


typedef struct {
    uint64_t   time;
    uint32_t   account;
    uint8_t    at;                 /* zero at start: a new line begins */
} scan_t;


/* reads up to the next find, and moves *p to behind it */
scan_rc_t scan_next(scan_t *scan, const unsigned char **p,
    const unsigned char *last);


#endif /* BENCH_SCAN_H */
