/*
 * Copyright (C) ngx_pimap_module authors
 */

/*
 * Owns the layout of the shared memory and the arithmetics of the latency
 * histogram.  Counters are naturally aligned 64-bit words with one writer
 * each, so that reading them needs no lock.
 */

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "board.h"


#define BOARD_MAGIC     0x70696d61
#define BOARD_SUB_BITS  4
#define BOARD_SUBS      (1 << BOARD_SUB_BITS)


struct board_s {
    uint32_t        magic;
    uint32_t        panels;
    uint32_t        devices;
    uint32_t        reserved;
    board_panel_t   panel[];       /* then board_device_t[devices] */
};


static uint32_t board_bucket(uint64_t ns);
static double board_floor(uint32_t bucket);


board_t *
board_create(const char *path, uint32_t panels, uint32_t devices)
{
    int       fd, flags;
    size_t    size;
    board_t  *board;

    fd = -1;
    flags = MAP_SHARED|MAP_ANONYMOUS;

    size = sizeof(board_t) + panels * sizeof(board_panel_t)
           + devices * sizeof(board_device_t);

    if (path) {
        flags = MAP_SHARED;

        fd = open(path, O_RDWR|O_CREAT|O_TRUNC|O_CLOEXEC, 0600);
        if (fd == -1) {
            return NULL;
        }

        if (ftruncate(fd, (off_t) size) == -1) {
            close(fd);
            return NULL;
        }
    }

    board = mmap(NULL, size, PROT_READ|PROT_WRITE, flags, fd, 0);

    if (fd != -1) {
        close(fd);
    }

    if (board == MAP_FAILED) {
        return NULL;
    }

    board->panels = panels;
    board->devices = devices;
    board->magic = BOARD_MAGIC;

    return board;
}


board_t *
board_open(const char *path)
{
    int          fd;
    board_t     *board;
    struct stat  st;

    fd = open(path, O_RDONLY|O_CLOEXEC);
    if (fd == -1) {
        return NULL;
    }

    if (fstat(fd, &st) == -1 || (size_t) st.st_size < sizeof(board_t)) {
        close(fd);
        return NULL;
    }

    board = mmap(NULL, (size_t) st.st_size, PROT_READ, MAP_SHARED, fd, 0);

    close(fd);

    if (board == MAP_FAILED) {
        return NULL;
    }

    if (board->magic != BOARD_MAGIC) {
        munmap(board, (size_t) st.st_size);
        return NULL;
    }

    return board;
}


board_panel_t *
board_panel(board_t *board, uint32_t n)
{
    return &board->panel[n];
}


board_device_t *
board_device(board_t *board, uint32_t n)
{
    board_device_t  *devices;

    devices = (board_device_t *) &board->panel[board->panels];

    return &devices[n];
}


uint32_t
board_devices(board_t *board)
{
    return board->devices;
}


void
board_latency(board_panel_t *panel, uint64_t ns)
{
    panel->latency[board_bucket(ns)]++;

    if (ns > panel->latency_max) {
        panel->latency_max = ns;
    }
}


void
board_sum(board_t *board, board_panel_t *sum)
{
    uint32_t        i, n;
    board_panel_t  *p;

    memset(sum, 0, sizeof(board_panel_t));

    for (n = 0; n < board->panels; n++) {
        p = &board->panel[n];

        sum->opened += p->opened;
        sum->parked += p->parked;
        sum->failed += p->failed;
        sum->closed += p->closed;
        sum->sampled += p->sampled;
        sum->events += p->events;
        sum->others += p->others;
        sum->bytes += p->bytes;
        sum->wrong += p->wrong;

        if (p->first_open
            && (sum->first_open == 0 || p->first_open < sum->first_open))
        {
            sum->first_open = p->first_open;
        }

        if (p->last_park > sum->last_park) {
            sum->last_park = p->last_park;
        }

        if (p->last_event > sum->last_event) {
            sum->last_event = p->last_event;
        }

        if (p->latency_max > sum->latency_max) {
            sum->latency_max = p->latency_max;
        }

        for (i = 0; i < BOARD_BUCKETS; i++) {
            sum->latency[i] += p->latency[i];
        }
    }
}


uint64_t
board_events(board_t *board)
{
    uint32_t  n;
    uint64_t  events;

    events = 0;

    for (n = 0; n < board->panels; n++) {
        events += __atomic_load_n(&board->panel[n].events, __ATOMIC_RELAXED);
    }

    return events;
}


/*
 * The maximum since a mark is not known: it is the maximum of the whole run,
 * unless the histogram shows that this one is older; then it is the end of the
 * highest bucket in use.
 */

void
board_since(board_panel_t *sum, const board_panel_t *mark)
{
    uint32_t  i, top;

    sum->closed -= mark->closed;
    sum->events -= mark->events;
    sum->others -= mark->others;
    sum->bytes -= mark->bytes;
    sum->wrong -= mark->wrong;

    top = 0;

    for (i = 0; i < BOARD_BUCKETS; i++) {
        sum->latency[i] -= mark->latency[i];

        if (sum->latency[i]) {
            top = i;
        }
    }

    if (board_floor(top + 1) < (double) sum->latency_max) {
        sum->latency_max = (uint64_t) board_floor(top + 1);
    }
}


double
board_quantile(const board_panel_t *sum, double q)
{
    double    floor, rank, seen, value;
    uint32_t  i;
    uint64_t  total;

    total = 0;

    for (i = 0; i < BOARD_BUCKETS; i++) {
        total += sum->latency[i];
    }

    if (total == 0) {
        return 0;
    }

    rank = q * (double) total;
    seen = 0;
    value = 0;

    for (i = 0; i < BOARD_BUCKETS; i++) {

        if (sum->latency[i] == 0) {
            continue;
        }

        if (seen + (double) sum->latency[i] >= rank) {
            floor = board_floor(i);
            value = floor + (board_floor(i + 1) - floor)
                            * (rank - seen) / (double) sum->latency[i];
            break;
        }

        seen += (double) sum->latency[i];
    }

    return value < (double) sum->latency_max ? value
                                             : (double) sum->latency_max;
}


/* below 16 a bucket is 1 ns, then each power of two has 16 of them */

static uint32_t
board_bucket(uint64_t ns)
{
    uint32_t  bucket, shift;

    if (ns < BOARD_SUBS) {
        return (uint32_t) ns;
    }

    shift = 63 - (uint32_t) __builtin_clzll(ns) - BOARD_SUB_BITS;
    bucket = (shift << BOARD_SUB_BITS) + (uint32_t) (ns >> shift);

    return bucket < BOARD_BUCKETS ? bucket : BOARD_BUCKETS - 1;
}


static double
board_floor(uint32_t bucket)
{
    uint32_t  shift;

    if (bucket < BOARD_SUBS) {
        return bucket;
    }

    shift = (bucket >> BOARD_SUB_BITS) - 1;

    return (double) (bucket - (shift << BOARD_SUB_BITS))
           * (double) (1ULL << shift);
}
