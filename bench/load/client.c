/*
 * Copyright (C) ngx_pimap_module authors
 */

/*
 * The event loop of one client process.  Devices are opened at the planned
 * rate, with at most a window of them in flight; then it only listens.
 */

#define _GNU_SOURCE

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "device.h"


#define CLIENT_EVENTS  512
#define CLIENT_MOMENT  (CLOCK_SECOND / 100)
#define CLIENT_MUCH    100         /* events of epoll in a moment */
#define CLIENT_PAUSE   100000      /* ns */


static int client_init(client_t *client, uint32_t process);
static int client_tls(client_t *client);
static int client_open(client_t *client, uint32_t *next, uint64_t start);
static int client_loop(client_t *client);
static void client_moderate(client_t *client, int n);
static void client_again(client_t *client, device_t *device);
static void client_stop(int sig);


static volatile sig_atomic_t  client_stopped;


int
client_run(const plan_t *plan, board_t *board, uint32_t process)
{
    client_t  client;

    memset(&client, 0, sizeof(client_t));

    client.plan = plan;
    client.board = board;
    client.panel = board_panel(board, process);
    client.again = client_again;

    if (client_init(&client, process) == -1) {
        fprintf(stderr, "park: process %u: cannot start: %s\n", process,
                strerror(errno));
        return 1;
    }

    return client_loop(&client) == -1;
}


static int
client_init(client_t *client, uint32_t process)
{
    uint64_t           devices;
    const plan_t      *plan;
    struct sigaction   sa;

    plan = client->plan;
    devices = plan->devices;

    client->first = (uint32_t) (devices * process / plan->processes);
    client->ndevices = (uint32_t) (devices * (process + 1) / plan->processes)
                       - client->first;

    TAILQ_INIT(&client->opening);

    client->devices = calloc(client->ndevices, sizeof(device_t));
    client->failed = calloc(client->ndevices, sizeof(uint32_t));
    client->buf = malloc(CLIENT_BUF);
    client->epoll = epoll_create1(EPOLL_CLOEXEC);

    if (client->devices == NULL || client->failed == NULL
        || client->buf == NULL || client->epoll == -1)
    {
        return -1;
    }

    memset(&sa, 0, sizeof(struct sigaction));
    sa.sa_handler = client_stop;

    if (sigaction(SIGTERM, &sa, NULL) == -1) {
        return -1;
    }

    return plan->target.tls ? client_tls(client) : 0;
}


/*
 * The certificate is the benchmark's own: the signature of the handshake is
 * checked as always, the chain is not.
 */

static int
client_tls(client_t *client)
{
    static const unsigned char  h2[] = "\2h2";

    client->tls = SSL_CTX_new(TLS_client_method());
    if (client->tls == NULL) {
        return -1;
    }

    SSL_CTX_set_verify(client->tls, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_session_cache_mode(client->tls, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(client->tls, SSL_MODE_RELEASE_BUFFERS);

    if (!SSL_CTX_set_min_proto_version(client->tls, TLS1_3_VERSION)
        || !SSL_CTX_set1_groups_list(client->tls, "X25519:P-256"))
    {
        return -1;
    }

    if (client->plan->h2
        && SSL_CTX_set_alpn_protos(client->tls, h2, sizeof(h2) - 1) != 0)
    {
        return -1;
    }

    return 0;
}


static int
client_loop(client_t *client)
{
    int                  i, n, timeout;
    sigset_t             mask;
    uint32_t             next;
    uint64_t             start;
    struct epoll_event   events[CLIENT_EVENTS];

    next = 0;
    start = clock_now();
    client->panel->first_open = start;

    /* SIGTERM is blocked outside this wait */

    sigemptyset(&mask);

    while (!client_stopped) {

        client->now = clock_now();

        timeout = client_open(client, &next, start);
        if (timeout == -1) {
            return -1;
        }

        n = epoll_pwait(client->epoll, events, CLIENT_EVENTS, timeout, &mask);

        if (n == -1 && errno != EINTR) {
            perror("park: epoll_pwait()");
            return -1;
        }

        for (i = 0; i < n; i++) {
            device_event(client, &client->devices[events[i].data.u64],
                         events[i].events);
        }

        device_expire(client);
        client_moderate(client, n);
    }

    return 0;
}


/*
 * As a network card does with its interrupts: while much comes, look again
 * after a moment, so that no server has to wake us up for each event.  Clients
 * on other machines are not woken up by a server either.  While devices are
 * opened, each handshake would wait for that moment.
 */

static void
client_moderate(client_t *client, int n)
{
    struct timespec  pause;

    if (client->now - client->moment > CLIENT_MOMENT) {
        client->busy = (client->came >= CLIENT_MUCH);
        client->came = 0;
        client->moment = client->now;
    }

    client->came += (uint32_t) (n > 0 ? n : 0);

    if (client->busy && client->nopening == 0) {
        pause.tv_sec = 0;
        pause.tv_nsec = CLIENT_PAUSE;
        nanosleep(&pause, NULL);
    }
}


/* returns the time until the next call, in ms */

static int
client_open(client_t *client, uint32_t *next, uint64_t start)
{
    uint64_t       allowed, opened;
    device_t      *device;
    const plan_t  *plan;

    plan = client->plan;
    opened = client->panel->opened;
    allowed = UINT64_MAX;

    if (plan->rate) {
        allowed = (client->now - start) / 1000 * plan->rate / plan->processes
                  / 1000000;
    }

    while (*next < client->ndevices || client->nfailed) {

        if (client->nopening >= plan->window) {
            return 1000;
        }

        if (opened >= allowed) {
            return 1;
        }

        if (*next < client->ndevices) {
            device = &client->devices[(*next)++];

        } else {
            device = &client->devices[client->failed[--client->nfailed]];
        }

        if (device_open(client, device) == -1) {
            perror("park: cannot open a socket");
            return -1;
        }

        opened++;
    }

    return 1000;
}


/* as many failures as devices: this server will not park them */

static void
client_again(client_t *client, device_t *device)
{
    if (client->panel->failed < client->ndevices) {
        client->failed[client->nfailed++] =
                                    (uint32_t) (device - client->devices);
    }
}


static void
client_stop(int sig)
{
    (void) sig;

    client_stopped = 1;
}
