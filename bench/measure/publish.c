/*
 * Copyright (C) ngx_pimap_module authors
 */

/*
 * Publishes events to random accounts, and prints their results.
 *
 * At a rate (-r) the event carries the time at which it was due, so that a
 * publisher or a server that falls behind shows in the latency.  Without a
 * rate it is as fast as a window (-w) of events allows that were published
 * and not yet delivered, as the board of park tells: saturation, with a
 * queue of known length wherever it may be.
 */

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "board.h"
#include "clock.h"
#include "event.h"
#include "sink.h"


#define PUBLISH_BATCH    256
#define PUBLISH_OPTIONS  "a:b:B:c:d:fF:k:l:m:n:r:R:s:u:w:x"
#define PUBLISH_PATIENCE (10 * CLOCK_SECOND)


typedef struct {
    const char   *redis;           /* -R */
    const char   *channel;
    const char   *function;        /* -f, -F, -x */
    const char   *url;
    const char   *log;             /* -l: accounts, one a line */
    board_t      *board;
    uint64_t      count;
    uint64_t      window;
    uint64_t      seed;
    uint32_t      accounts;
    uint32_t      fan;             /* devices of an account */
    uint32_t      rate;
    uint32_t      connections;
    uint32_t      depth;
    uint32_t      lines;           /* -B */
} publish_t;


typedef struct {
    sink_t       *sink;
    FILE         *log;
    uint64_t      base;            /* events on the board at start */
    uint64_t      start;
    uint64_t      sent;
    uint64_t      delivered;
    uint64_t      progress;        /* clock_now() of the last delivery */
    int           full;            /* the sink waits for answers */
} publish_run_t;


static void publish_options(publish_t *p, int argc, char **argv);
static uint64_t publish_number(const char *value, uint64_t min);
static int publish_run(publish_t *p, publish_run_t *run);
static int publish_batch(publish_t *p, publish_run_t *run);
static uint64_t publish_pause(publish_t *p, publish_run_t *run);
static int publish_done(publish_t *p, publish_run_t *run);
static void publish_watch(publish_t *p, publish_run_t *run);
static void publish_report(publish_t *p, publish_run_t *run);
static uint32_t publish_account(publish_t *p);
static void publish_usage(void);


int
main(int argc, char **argv)
{
    int            rc;
    publish_t      p;
    publish_run_t  run;

    publish_options(&p, argc, argv);

    memset(&run, 0, sizeof(publish_run_t));

    signal(SIGPIPE, SIG_IGN);

    /* 50 us of slack would be part of every latency */

    if (prctl(PR_SET_TIMERSLACK, 1) == -1) {
        perror("publish: prctl()");
        return 1;
    }

    run.sink = p.url ? post_sink(p.url, p.connections, p.depth, p.lines)
                     : redis_sink(p.redis, p.channel, p.function, p.depth);

    if (run.sink == NULL) {
        return 1;
    }

    if (p.log) {
        run.log = fopen(p.log, "w");
        if (run.log == NULL) {
            perror("publish: cannot write the list of accounts");
            return 1;
        }
    }

    rc = publish_run(&p, &run);

    if (run.log && fclose(run.log) != 0) {
        perror("publish: cannot write the list of accounts");
        rc = -1;
    }

    publish_report(&p, &run);
    run.sink->destroy(run.sink);

    return rc == -1;
}


static void
publish_options(publish_t *p, int argc, char **argv)
{
    int  c;

    memset(p, 0, sizeof(publish_t));

    p->channel = "pimap:{account-%a}";
    p->count = 1;
    p->accounts = 1;
    p->fan = 1;
    p->seed = 1;
    p->connections = 4;
    p->depth = 1000;

    while ((c = getopt(argc, argv, PUBLISH_OPTIONS)) != -1) {

        switch (c) {
        case 'a':
            p->accounts = (uint32_t) publish_number(optarg, 1);
            break;
        case 'b':
            p->board = board_open(optarg);
            if (p->board == NULL) {
                fprintf(stderr, "publish: no board in %s\n", optarg);
                exit(1);
            }
            break;
        case 'B':
            p->lines = (uint32_t) publish_number(optarg, 1);
            break;
        case 'c':
            p->channel = optarg;
            break;
        case 'd':
            p->depth = (uint32_t) publish_number(optarg, 1);
            break;
        case 'f':
            p->function = "pimap_publish";
            break;
        case 'F':
            p->function = optarg;
            break;
        case 'k':
            p->connections = (uint32_t) publish_number(optarg, 1);
            break;
        case 'l':
            p->log = optarg;
            break;
        case 'm':
            p->fan = (uint32_t) publish_number(optarg, 1);
            break;
        case 'n':
            p->count = publish_number(optarg, 1);
            break;
        case 'r':
            p->rate = (uint32_t) publish_number(optarg, 1);
            break;
        case 'R':
            p->redis = optarg;
            break;
        case 's':
            p->seed = publish_number(optarg, 1);
            break;
        case 'u':
            p->url = optarg;
            break;
        case 'w':
            p->window = publish_number(optarg, 1);
            break;
        case 'x':
            p->function = "";
            break;
        default:
            publish_usage();
        }
    }

    if (optind != argc || (p->redis == NULL) == (p->url == NULL)
        || (p->window && p->board == NULL))
    {
        publish_usage();
    }
}


static uint64_t
publish_number(const char *value, uint64_t min)
{
    char           *end;
    unsigned long   n;

    n = strtoul(value, &end, 10);

    if (*value < '0' || *value > '9' || *end || n < min || n > UINT32_MAX) {
        fprintf(stderr, "publish: \"%s\" is not a number from %lu\n", value,
                min);
        exit(2);
    }

    return n;
}


static int
publish_run(publish_t *p, publish_run_t *run)
{
    if (p->board) {
        run->base = board_events(p->board);
    }

    run->start = clock_now();
    run->progress = run->start;

    while (!publish_done(p, run)) {

        if (publish_batch(p, run) == -1
            || run->sink->turn(run->sink, publish_pause(p, run)) == -1)
        {
            return -1;
        }

        publish_watch(p, run);

        if (clock_now() - run->progress > PUBLISH_PATIENCE) {
            fprintf(stderr, "publish: nothing happens any more\n");
            return -1;
        }
    }

    return 0;
}


/* publishes the events that are due and that there is room for */

static int
publish_batch(publish_t *p, publish_run_t *run)
{
    int        n;
    char       event[EVENT_SIZE];
    size_t     len;
    uint64_t   now, seed, time;
    uint32_t   account;

    now = clock_now();
    run->full = 0;

    for (n = 0; n < PUBLISH_BATCH && run->sent < p->count; n++) {

        time = now;

        if (p->rate) {
            time = run->start + run->sent * CLOCK_SECOND / p->rate;
            if (time > now) {
                break;
            }
        }

        if (p->window && run->sent * p->fan - run->delivered >= p->window) {
            break;
        }

        seed = p->seed;
        account = publish_account(p);

        len = event_format(event, time, account, (uint32_t) run->sent);

        if (run->sink->add(run->sink, account, event, len) == -1) {
            p->seed = seed;
            run->full = 1;
            break;
        }

        if (run->log && fprintf(run->log, "%u\n", account) < 0) {
            return -1;
        }

        run->sent++;
    }

    return 0;
}


/* the longest time to wait for answers */

static uint64_t
publish_pause(publish_t *p, publish_run_t *run)
{
    uint64_t  due, now;

    if (p->rate && run->sent < p->count) {
        now = clock_now();
        due = run->start + run->sent * CLOCK_SECOND / p->rate;

        return due > now ? due - now : 0;
    }

    /* answers wake us, but the board does not: look again soon */

    if (p->window && run->sent < p->count && !run->full) {
        return run->sent * p->fan - run->delivered >= p->window ? 500000 : 0;
    }

    return 1000000;
}


static int
publish_done(publish_t *p, publish_run_t *run)
{
    if (run->sent < p->count
        || run->sink->counters.answered < run->sink->added)
    {
        return 0;
    }

    return p->board == NULL || run->delivered >= run->sent * p->fan;
}


static void
publish_watch(publish_t *p, publish_run_t *run)
{
    uint64_t  delivered;

    delivered = p->board ? board_events(p->board) - run->base
                         : run->sink->counters.answered;

    if (delivered != run->delivered || (p->rate && run->sent < p->count)) {
        run->delivered = delivered;
        run->progress = clock_now();
    }
}


static void
publish_report(publish_t *p, publish_run_t *run)
{
    double            seconds;
    uint64_t          end;
    board_panel_t     sum;
    sink_counters_t  *sc;

    sc = &run->sink->counters;
    end = run->progress;

    if (p->board) {
        board_sum(p->board, &sum);
        end = sum.last_event;
    }

    seconds = end > run->start ? (double) (end - run->start) / CLOCK_SECOND
                               : 0;

    printf("{\"sent\":%lu,\"answered\":%lu,\"failed\":%lu,\"receivers\":%lu,"
           "\"unheard\":%lu,\"delivered\":%lu,\"missing\":%ld,"
           "\"seconds\":%.4f,\"per_second\":%.0f}\n",
           run->sent, sc->answered, sc->failed, sc->receivers, sc->unheard,
           run->delivered, (long) (run->sent * p->fan - run->delivered),
           seconds, seconds > 0 ? (double) run->delivered / seconds : 0.0);
}


/* xorshift64*: the same seed is the same accounts */

static uint32_t
publish_account(publish_t *p)
{
    p->seed ^= p->seed >> 12;
    p->seed ^= p->seed << 25;
    p->seed ^= p->seed >> 27;

    return (uint32_t) ((p->seed * 2685821657736338717ULL) >> 33)
           % p->accounts;
}


static void
publish_usage(void)
{
    fprintf(stderr,
            "usage: publish -R REDIS|-u URL [options]\n"
            "  -R REDIS  a unix socket's path, or HOST:PORT\n"
            "  -f        FCALL pimap_publish instead of PUBLISH\n"
            "  -F NAME   FCALL of another function\n"
            "  -x        XADD to a stream of 1,000 events, by itself\n"
            "  -c NAME   channel or key, %%a is the account's number\n"
            "            (pimap:{account-%%a})\n"
            "  -u URL    POST to there, %%a is the account's number\n"
            "  -k N      connections for that (4)\n"
            "  -d N      unanswered at a time, on each connection (1000)\n"
            "  -B N      up to N events in a POST, as lines with accounts\n"
            "  -a N      accounts (1)\n"
            "  -m N      devices per account (1)\n"
            "  -n N      events (1)\n"
            "  -r N      events a second; if not given:\n"
            "  -w N      at most so many deliveries are outstanding\n"
            "  -b FILE   the board of park: wait until all are delivered\n"
            "  -s N      seed of the random accounts (1)\n"
            "  -l FILE   write the accounts, one a line\n");
    exit(2);
}
