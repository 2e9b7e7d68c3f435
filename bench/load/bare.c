/*
 * Copyright (C) ngx_pimap_module authors
 */

/*
 * The ceiling: a server that does nothing but send().
 *
 * It answers each request with a head, and on "N" from its standard input
 * writes N events to random connections, one send() each, and prints the time
 * that this took.  No server that sends each device its event at once can be
 * faster on this machine.
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

#include "clock.h"
#include "event.h"


#define BARE_MAX      20000            /* connections */
#define BARE_REQUEST  2048

#define BARE_HEAD                                                            \
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"                 \
    "Connection: close\r\n\r\n: parked\n\n"


typedef struct {
    int        fd;
    uint32_t   account;
} bare_device_t;


static int bare_listen(const char *port);
static int bare_accept(int fd);
static int bare_send(unsigned long n);
static size_t bare_event(char *buf, uint32_t account, uint32_t number);
static uint64_t bare_cpu(void);


static bare_device_t  bare_devices[BARE_MAX];
static uint32_t       bare_parked;


int
main(int argc, char **argv)
{
    int             fd;
    char            line[32];
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
                || bare_send(strtoul(line, NULL, 10)) == -1))
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
bare_send(unsigned long n)
{
    char            text[EVENT_SIZE + 64];
    double          seconds;
    size_t          len;
    uint64_t        start, cpu;
    unsigned long   i;
    bare_device_t  *d;

    if (n == 0 || bare_parked == 0) {
        return -1;
    }

    start = clock_now();
    cpu = bare_cpu();

    for (i = 0; i < n; i++) {
        d = &bare_devices[(uint32_t) random() % bare_parked];
        len = bare_event(text, d->account, (uint32_t) i);

        if (send(d->fd, text, len, MSG_DONTWAIT) != (ssize_t) len) {
            perror("bare: send()");
            return -1;
        }
    }

    seconds = (double) (clock_now() - start) / CLOCK_SECOND;

    printf("{\"sent\":%lu,\"seconds\":%.4f,\"per_second\":%.0f,"
           "\"cpu_ns\":%lu}\n", n, seconds, (double) n / seconds,
           (bare_cpu() - cpu) / n);

    return fflush(stdout);
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
