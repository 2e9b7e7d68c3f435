/*
 * Copyright (C) ngx_pimap_module authors
 */

/*
 * Parks devices: forks the client processes, sums their counters on the board,
 * and executes the commands on its standard input:
 *
 *   stats        print the counters, a line of JSON
 *   mark         events, bytes and latencies count from here
 *   dump FILE    write "DEVICE EVENTS BYTES" of each device that got any,
 *                since the start
 *   quit         close all connections and leave; so does the end of input
 *
 * SIGUSR1 is "stats", SIGINT and SIGTERM are "quit".
 */

#define _GNU_SOURCE

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"
#include "clock.h"


#define PARK_FDS      100          /* of a process, that are not devices */
#define PARK_LINE     4096


static void park_options(plan_t *plan, int argc, char **argv);
static uint32_t park_number(const char *value, long min, long max);
static void park_plan(plan_t *plan);
static int park_signals(void);
static int park_fork(const plan_t *plan);
static int park_serve(void);
static int park_read(void);
static int park_command(char *line);
static void park_stats(void);
static int park_dump(const char *path);
static int park_stop(void);
static void park_signal(int sig);
static void park_usage(void);


static board_t                *park_board;
static board_panel_t           park_mark;
static const char             *park_board_path;
static pid_t                  *park_pids;
static uint32_t                park_npids;
static volatile sig_atomic_t   park_quit, park_child, park_print;


int
main(int argc, char **argv)
{
    int     rc;
    plan_t  plan;

    park_options(&plan, argc, argv);
    park_plan(&plan);

    park_board = board_create(park_board_path, plan.processes, plan.devices);
    if (park_board == NULL) {
        perror("park: cannot make the board");
        return 1;
    }

    setvbuf(stdout, NULL, _IOLBF, 0);

    if (park_signals() == -1) {
        perror("park: cannot set signals");
        return 1;
    }

    rc = 1;

    if (park_fork(&plan) == 0) {
        rc = park_serve();
    }

    return park_stop() == -1 ? 1 : rc;
}


static void
park_options(plan_t *plan, int argc, char **argv)
{
    int          c;
    const char  *error;

    memset(plan, 0, sizeof(plan_t));

    plan->devices = 1;
    plan->per_account = 1;
    plan->ports = 1;
    plan->window = 64;
    plan->sample = 1000;
    plan->min_event = 256;
    plan->timeout = 60;

    while ((c = getopt(argc, argv, "2b:e:k:m:n:p:P:r:s:t:w:Wz")) != -1) {

        switch (c) {
        case '2':
            plan->h2 = 1;
            break;
        case 'b':
            park_board_path = optarg;
            break;
        case 'e':
            plan->min_event = park_number(optarg, 1, 16384);
            break;
        case 'k':
            plan->sample = park_number(optarg, 0, 100000000);
            break;
        case 'm':
            plan->per_account = park_number(optarg, 1, 100000000);
            break;
        case 'n':
            plan->devices = park_number(optarg, 1, 100000000);
            break;
        case 'p':
            plan->processes = park_number(optarg, 1, 10000);
            break;
        case 'P':
            plan->ports = park_number(optarg, 1, 1000);
            break;
        case 'r':
            plan->rate = park_number(optarg, 0, 10000000);
            break;
        case 's':
            plan->sources = park_number(optarg, 1, 60000);
            break;
        case 't':
            plan->timeout = park_number(optarg, 1, 3600);
            break;
        case 'w':
            plan->window = park_number(optarg, 1, 100000);
            break;
        case 'W':
            plan->ws = 1;
            break;
        case 'z':
            plan->gzip = 1;
            break;
        default:
            park_usage();
        }
    }

    if (optind + 1 != argc) {
        park_usage();
    }

    error = target_parse(&plan->target, argv[optind]);
    if (error) {
        fprintf(stderr, "park: %s\n", error);
        exit(2);
    }
}


static uint32_t
park_number(const char *value, long min, long max)
{
    char  *end;
    long   n;

    n = strtol(value, &end, 10);

    if (end == value || *end || n < min || n > max) {
        fprintf(stderr, "park: \"%s\" is not a number from %ld to %ld\n",
                value, min, max);
        exit(2);
    }

    return (uint32_t) n;
}


/* as few processes as the limit of open files allows, if not told */

static void
park_plan(plan_t *plan)
{
    rlim_t         room;
    struct rlimit  limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == -1
        || limit.rlim_max <= PARK_FDS)
    {
        fprintf(stderr, "park: no open files allowed\n");
        exit(1);
    }

    limit.rlim_cur = limit.rlim_max;

    if (setrlimit(RLIMIT_NOFILE, &limit) == -1) {
        perror("park: setrlimit()");
        exit(1);
    }

    room = limit.rlim_max - PARK_FDS;

    if (plan->processes == 0) {
        plan->processes = (uint32_t) ((plan->devices + room - 1) / room);
    }

    if (plan->processes > plan->devices) {
        plan->processes = plan->devices;
    }

    if ((plan->devices + plan->processes - 1) / plan->processes > room) {
        fprintf(stderr, "park: a process can have %lu devices: "
                "more processes are needed\n", (unsigned long) room);
        exit(1);
    }

    if (plan->sources == 0) {
        plan->sources = plan->processes;
    }
}


/* all are blocked but while waiting, the clients' SIGTERM too */

static int
park_signals(void)
{
    sigset_t          set;
    struct sigaction  sa;

    memset(&sa, 0, sizeof(struct sigaction));
    sa.sa_handler = park_signal;

    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGUSR1);

    signal(SIGPIPE, SIG_IGN);

    return sigprocmask(SIG_BLOCK, &set, NULL) == -1
           || sigaction(SIGCHLD, &sa, NULL) == -1
           || sigaction(SIGINT, &sa, NULL) == -1
           || sigaction(SIGTERM, &sa, NULL) == -1
           || sigaction(SIGUSR1, &sa, NULL) == -1
           ? -1 : 0;
}


static int
park_fork(const plan_t *plan)
{
    pid_t  parent, pid;

    parent = getpid();

    park_pids = calloc(plan->processes, sizeof(pid_t));
    if (park_pids == NULL) {
        return -1;
    }

    while (park_npids < plan->processes) {
        pid = fork();

        if (pid == -1) {
            perror("park: fork()");
            return -1;
        }

        if (pid == 0) {
            signal(SIGINT, SIG_IGN);
            signal(SIGUSR1, SIG_IGN);

            /* not to outlive the parent, which may be gone already */

            if (prctl(PR_SET_PDEATHSIG, SIGTERM) == -1
                || getppid() != parent)
            {
                _exit(1);
            }

            _exit(client_run(plan, park_board, park_npids));
        }

        park_pids[park_npids++] = pid;
    }

    return 0;
}


static int
park_serve(void)
{
    int            n;
    sigset_t       mask;
    struct pollfd  pfd;

    pfd.fd = STDIN_FILENO;
    pfd.events = POLLIN;

    sigemptyset(&mask);

    while (!park_quit) {

        n = ppoll(&pfd, 1, NULL, &mask);

        if (n == -1 && errno != EINTR) {
            perror("park: ppoll()");
            return 1;
        }

        if (park_child) {
            fprintf(stderr, "park: a client process is gone\n");
            return 1;
        }

        if (park_print) {
            park_print = 0;
            park_stats();
        }

        if (n > 0 && park_read() == -1) {
            break;
        }
    }

    return 0;
}


/* -1: to leave */

static int
park_read(void)
{
    char           *end, *p;
    ssize_t         n;
    static char     line[PARK_LINE];
    static size_t   len;

    n = read(STDIN_FILENO, line + len, sizeof(line) - 1 - len);
    if (n <= 0) {
        return -1;
    }

    len += (size_t) n;
    line[len] = '\0';

    for (p = line; (end = strchr(p, '\n')) != NULL; p = end + 1) {
        *end = '\0';

        if (park_command(p) == -1) {
            return -1;
        }
    }

    len -= (size_t) (p - line);
    memmove(line, p, len);

    if (len == sizeof(line) - 1) {
        fprintf(stderr, "park: too long a command\n");
        return -1;
    }

    return 0;
}


static int
park_command(char *line)
{
    if (strcmp(line, "quit") == 0) {
        return -1;
    }

    if (strcmp(line, "stats") == 0) {
        park_stats();

    } else if (strcmp(line, "mark") == 0) {
        board_sum(park_board, &park_mark);
        printf("{\"marked\":true}\n");

    } else if (strncmp(line, "dump ", 5) == 0) {
        printf("{\"dumped\":%s}\n",
               park_dump(line + 5) == 0 ? "true" : "false");

    } else {
        fprintf(stderr, "park: unknown command \"%s\"\n", line);
    }

    return 0;
}


static void
park_stats(void)
{
    double         seconds;
    uint32_t       i;
    uint64_t       timed;
    board_panel_t  sum;

    board_sum(park_board, &sum);

    seconds = 0;
    timed = 0;

    if (sum.last_park > sum.first_open) {
        seconds = (double) (sum.last_park - sum.first_open) / CLOCK_SECOND;
    }

    board_since(&sum, &park_mark);

    for (i = 0; i < BOARD_BUCKETS; i++) {
        timed += sum.latency[i];
    }

    printf("{\"devices\":%u,\"parked\":%lu,\"failed\":%lu,\"closed\":%lu,"
           "\"sampled\":%lu,\"seconds\":%.3f,\"connects_per_second\":%.0f,"
           "\"events\":%lu,\"others\":%lu,\"bytes\":%lu,\"wrong\":%lu,"
           "\"last_event\":%lu,"
           "\"latency_us\":{\"count\":%lu,\"p50\":%.1f,\"p99\":%.1f,"
           "\"max\":%.1f}}\n",
           board_devices(park_board), sum.parked, sum.failed, sum.closed,
           sum.sampled, seconds,
           seconds > 0 ? (double) sum.parked / seconds : 0.0,
           sum.events, sum.others, sum.bytes, sum.wrong, sum.last_event,
           timed, board_quantile(&sum, 0.5) / 1000,
           board_quantile(&sum, 0.99) / 1000,
           timed ? (double) sum.latency_max / 1000 : 0.0);
}


static int
park_dump(const char *path)
{
    FILE            *file;
    uint32_t         n;
    board_device_t  *device;

    file = fopen(path, "w");
    if (file == NULL) {
        return -1;
    }

    for (n = 0; n < board_devices(park_board); n++) {
        device = board_device(park_board, n);

        if (device->events) {
            fprintf(file, "%u %u %u\n", n, device->events, device->bytes);
        }
    }

    return fclose(file) == 0 ? 0 : -1;
}


static int
park_stop(void)
{
    int       rc, status;
    uint32_t  n;

    rc = 0;

    for (n = 0; n < park_npids; n++) {
        kill(park_pids[n], SIGTERM);
    }

    for (n = 0; n < park_npids; n++) {
        if (waitpid(park_pids[n], &status, 0) == -1
            || !WIFEXITED(status) || WEXITSTATUS(status))
        {
            rc = -1;
        }
    }

    return rc;
}


static void
park_signal(int sig)
{
    switch (sig) {
    case SIGCHLD:
        park_child = 1;
        break;
    case SIGUSR1:
        park_print = 1;
        break;
    default:
        park_quit = 1;
    }
}


static void
park_usage(void)
{
    fprintf(stderr,
            "usage: park [options] URL\n"
            "  The URL has %%a for the account's number, %%d for the "
            "device's.\n"
            "  -n N     devices (1)\n"
            "  -m N     devices per account (1)\n"
            "  -p N     client processes (as few as open files allow)\n"
            "  -s N     source addresses, 127.1.0.1 and on (processes)\n"
            "  -P N     server ports, the URL's and on (1)\n"
            "  -r N     connections a second (as many as there may be)\n"
            "  -w N     connections being opened at a time, a process (64)\n"
            "  -t N     seconds for a device to be parked (60)\n"
            "  -2       HTTP/2: by ALPN, or with prior knowledge if plain\n"
            "  -z       accept gzip by HTTP/1.1; such events are not read\n"
            "  -k N     read the contents of each N-th TLS device, 0: none "
            "(1000)\n"
            "  -e N     bytes that a TLS record of an event has at least "
            "(256)\n"
            "  -b FILE  a board that publish can watch\n");
    exit(2);
}
