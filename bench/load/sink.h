/*
 * Copyright (C) ngx_pimap_module authors
 */

/*
 * The server for a publisher's events: Redis or an HTTP server.  Both pipeline
 * and never block; publish.c decides when an event is due.
 */

#ifndef BENCH_SINK_H
#define BENCH_SINK_H

#include <stddef.h>
#include <stdint.h>


typedef struct {
    uint64_t   answered;
    uint64_t   failed;             /* answered with an error */
    uint64_t   receivers;          /* as Redis tells */
    uint64_t   unheard;            /* answered, and no receiver */
} sink_counters_t;


typedef struct sink_s  sink_t;

struct sink_s {
    /* 0: taken; -1: no room until answers come */
    int      (*add)(sink_t *sink, uint32_t account, const char *event,
                    size_t len);

    /* sends and receives, waits at most "ns"; -1: the connection failed */
    int      (*turn)(sink_t *sink, uint64_t ns);

    void     (*destroy)(sink_t *sink);

    sink_counters_t   counters;
    uint64_t          added;
    void             *data;
};


/* by "function" with the arguments of pimap_publish, by XADD if it is "", or
   by PUBLISH if it is NULL.  NULL: the reason was printed */
sink_t *redis_sink(const char *path, const char *channel,
    const char *function, uint32_t depth);

/* POST by some connections, each with up to "depth" events in flight; with
   "lines" above 0 a request has up to so many events, as lines that name
   their accounts */
sink_t *post_sink(const char *url, uint32_t connections, uint32_t depth,
    uint32_t lines);


#endif /* BENCH_SINK_H */
