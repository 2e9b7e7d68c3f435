/*
 * Copyright (C) ngx_pimap_module authors
 */

/*
 * The ceiling: a server that does nothing but send().
 *
 * It answers each request with a head, and on "N" from its standard input
 * writes N events to random connections, one send() each, and prints the time
 * that this took.  "N WINDOW BOARD" keeps at most a window of events on their
 * way, as "publish -w" does by the board of park, and waits for the last one.
 * "each" writes one event to each connection, in their order.  No server that
 * sends each device its event at once can be faster on this machine.
 */

#define _GNU_SOURCE

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "board.h"
#include "clock.h"
#include "event.h"


#define BARE_MAX      20000            /* connections */
#define BARE_REQUEST  2048
#define BARE_LINE     4096

#define BARE_HEAD                                                            \
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"                 \
    "Connection: close\r\n\r\n: parked\n\n"


typedef struct {
    int        fd;
    uint32_t   account;
} bare_device_t;


static int bare_listen(const char *port);
static int bare_accept(int fd);
static int bare_command(char *line);
static int bare_send(unsigned long n, unsigned long window, board_t *board,
    int in_order);
static int bare_wait(board_t *board, uint64_t events);
static size_t bare_event(char *buf, uint32_t account, uint32_t number);
static uint64_t bare_cpu(void);


static bare_device_t  bare_devices[BARE_MAX];
static uint32_t       bare_parked;


int
main(int argc, char **argv)
{
    int             fd;
    char            line[BARE_LINE];
    struct pollfd   fds[2];

    if (argc != 2) {
        fprintf(stderr, "usage: bare PORT\n");
        return 2;
    }

    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdin, NULL, _IONBF, 0);

    fd = bare_listen(argv[1]);
    if (fd == -1) {
        perror("bare: cannot listen");
        return 1;
    }

    fds[0] = (struct pollfd) { .fd = fd, .events = POLLIN };
    fds[1] = (struct pollfd) { .fd = 0, .events = POLLIN };

    while (poll(fds, 2, -1) > 0) {

        if (fds[0].revents && bare_accept(fd) == -1) {
            perror("bare: cannot accept");
            return 1;
        }

        if (fds[1].revents
            && (fgets(line, sizeof(line), stdin) == NULL
                || bare_command(line) == -1))
        {
            break;
        }
    }

    return 0;
}


static int
bare_listen(const char *port)
{
    int                  fd, on;
    struct sockaddr_in   addr;

    on = 1;
    memset(&addr, 0, sizeof(addr));

    addr.sin_family = AF_INET;
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    addr.sin_port = htons((uint16_t) atoi(port));

    fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd == -1
        || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1
        || bind(fd, (struct sockaddr *) &addr, sizeof(addr)) == -1
        || listen(fd, 4096) == -1)
    {
        return -1;
    }

    return fd;
}


/* the request of a benchmark client arrives in one piece */

static int
bare_accept(int listener)
{
    int            fd, on;
    char          *p, request[BARE_REQUEST];
    ssize_t        n;

    fd = accept4(listener, NULL, NULL, 0);
    if (fd == -1) {
        return -1;
    }

    n = recv(fd, request, sizeof(request) - 1, 0);

    if (n <= 0 || bare_parked == BARE_MAX) {
        return close(fd);
    }

    request[n] = '\0';
    p = strstr(request, "account-");
    on = 1;

    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == -1
        || send(fd, BARE_HEAD, sizeof(BARE_HEAD) - 1, 0) == -1)
    {
        return -1;
    }

    bare_devices[bare_parked].fd = fd;
    bare_devices[bare_parked++].account = p ? (uint32_t) atoi(p + 8) : 0;

    return 0;
}


static int
bare_command(char *line)
{
    char           *end;
    board_t        *board;
    unsigned long   n, window;

    board = NULL;
    line[strcspn(line, "\n")] = '\0';

    if (strcmp(line, "each") == 0) {
        return bare_send(bare_parked, 0, NULL, 1);
    }

    n = strtoul(line, &end, 10);
    window = strtoul(end, &end, 10);

    if (window) {
        board = board_open(end + strspn(end, " "));
        if (board == NULL) {
            fprintf(stderr, "bare: no board in \"%s\"\n", line);
            return -1;
        }
    }

    return bare_send(n, window, board, 0);
}


static int
bare_send(unsigned long n, unsigned long window, board_t *board, int in_order)
{
    char            text[EVENT_SIZE + 64];
    double          seconds;
    size_t          len;
    uint64_t        start, cpu, base;
    unsigned long   i;
    bare_device_t  *d;

    if (n == 0 || bare_parked == 0) {
        return -1;
    }

    base = board ? board_events(board) : 0;
    start = clock_now();
    cpu = bare_cpu();

    for (i = 0; i < n; i++) {

        if (i >= window && bare_wait(board, base + i - window + 1) == -1) {
            return -1;
        }

        d = &bare_devices[(in_order ? i : (unsigned long) random())
                          % bare_parked];
        len = bare_event(text, d->account, (uint32_t) i);

        if (send(d->fd, text, len, MSG_DONTWAIT) != (ssize_t) len) {
            perror("bare: send()");
            return -1;
        }
    }

    if (bare_wait(board, base + n) == -1) {
        return -1;
    }

    seconds = (double) (clock_now() - start) / CLOCK_SECOND;

    printf("{\"sent\":%lu,\"seconds\":%.4f,\"per_second\":%.0f,"
           "\"cpu_ns\":%lu}\n", n, seconds, (double) n / seconds,
           (bare_cpu() - cpu) / n);

    return fflush(stdout);
}


/* until the devices have so many events; for as long as some still come */

static int
bare_wait(board_t *board, uint64_t events)
{
    uint64_t         came, last, progress;
    struct timespec  pause;

    if (board == NULL) {
        return 0;
    }

    last = 0;
    progress = clock_now();

    while ((came = board_events(board)) < events) {

        if (came != last) {
            last = came;
            progress = clock_now();
        }

        if (clock_now() - progress > 10 * CLOCK_SECOND) {
            fprintf(stderr, "bare: %lu events are missing\n", events - came);
            return -1;
        }

        pause.tv_sec = 0;
        pause.tv_nsec = 500000;
        nanosleep(&pause, NULL);
    }

    return 0;
}


static size_t
bare_event(char *buf, uint32_t account, uint32_t number)
{
    size_t  len;

    len = (size_t) sprintf(buf, "event: MessageNew\ndata: ");
    len += event_format(buf + len, clock_now(), account, number);

    memcpy(buf + len, "\n\n", 2);

    return len + 2;
}


static uint64_t
bare_cpu(void)
{
    struct rusage  used;

    getrusage(RUSAGE_SELF, &used);

    return (uint64_t) (used.ru_utime.tv_sec + used.ru_stime.tv_sec)
           * CLOCK_SECOND
           + (uint64_t) (used.ru_utime.tv_usec + used.ru_stime.tv_usec)
             * 1000;
}
