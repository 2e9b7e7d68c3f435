/*
 * Copyright (C) ngx_pimap_module authors
 */

/*
 * The board: counters in memory that all processes of a run share.  Each
 * client process writes its own panel, and each process may read all panels.
 * If the board is a file, a publisher can watch the deliveries.
 */

#ifndef BENCH_BOARD_H
#define BENCH_BOARD_H

#include <stddef.h>
#include <stdint.h>


#define BOARD_BUCKETS  640         /* latencies: 16 a power of two ns */


/* the counters of a client process; board_sum() adds them up */

typedef struct {
    uint64_t   opened;             /* connections tried */
    uint64_t   parked;             /* of these: answered and parked */
    uint64_t   failed;             /* of these: refused, lost or too late */
    uint64_t   closed;             /* parked and ended by the server */
    uint64_t   sampled;            /* parked, contents are read */

    uint64_t   events;
    uint64_t   others;             /* heartbeats, comments, alerts */
    uint64_t   bytes;              /* received after parking */
    uint64_t   wrong;              /* events for another account */

    uint64_t   first_open;         /* clock_now(), 0: not yet */
    uint64_t   last_park;
    uint64_t   last_event;

    uint64_t   latency_max;        /* ns */
    uint64_t   latency[BOARD_BUCKETS];
} board_panel_t;


/* the events of a device since it was parked */

typedef struct {
    uint32_t   events;
    uint32_t   bytes;              /* of these events, where known */
} board_device_t;


typedef struct board_s  board_t;


/* a NULL path: shared by fork() only; otherwise the file is made anew */
board_t *board_create(const char *path, uint32_t panels, uint32_t devices);
board_t *board_open(const char *path);

board_panel_t *board_panel(board_t *board, uint32_t n);
board_device_t *board_device(board_t *board, uint32_t n);
uint32_t board_devices(board_t *board);

void board_latency(board_panel_t *panel, uint64_t ns);
void board_sum(board_t *board, board_panel_t *sum);
uint64_t board_events(board_t *board);

/* subtracts "mark" from "sum" */
void board_since(board_panel_t *sum, const board_panel_t *mark);

/* latency in ns, by linear interpolation within a bucket of 1/16 octave */
double board_quantile(const board_panel_t *sum, double q);


#endif /* BENCH_BOARD_H */
