/*
 * Copyright (C) ngx_pimap_module authors
 */

/*
 * A client process: its devices, its event loop, its options.
 */

#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include <openssl/ssl.h>
#include <stdint.h>
#include <sys/queue.h>

#include "board.h"
#include "target.h"


typedef struct device_s   device_t;
typedef struct session_s  session_t;

TAILQ_HEAD(session_list_s, session_s);


/* the same for all processes of a run */

typedef struct {
    target_t    target;
    uint32_t    devices;           /* of all processes */
    uint32_t    per_account;
    uint32_t    processes;
    uint32_t    sources;           /* client addresses */
    uint32_t    ports;             /* consecutive server ports */
    uint32_t    window;            /* connections being opened, a process */
    uint32_t    rate;              /* connections a second of all, 0: any */
    uint32_t    sample;            /* contents of each n-th TLS device */
    uint32_t    min_event;         /* bytes in a record of an event */
    uint32_t    timeout;           /* seconds to be parked in */
    unsigned    gzip:1;            /* accepted, and not undone */
    unsigned    h2:1;
    unsigned    ws:1;              /* WebSocket: its events are not read */
} plan_t;


typedef struct client_s   client_t;

struct client_s {
    const plan_t           *plan;
    board_t                *board;
    board_panel_t          *panel;
    device_t               *devices;       /* [first, first + ndevices) */
    uint32_t               *failed;        /* to be opened again */
    SSL_CTX                *tls;
    unsigned char          *buf;
    struct session_list_s   opening;       /* oldest first */
    uint64_t                now;           /* of this turn of the loop */
    uint32_t                first;
    uint32_t                ndevices;
    uint32_t                nfailed;
    uint32_t                nopening;
    int                     epoll;

    uint64_t                moment;        /* its beginning */
    uint32_t                came;          /* events of epoll in it */
    int                     busy;          /* much came in the last one */

    /* the device is to be opened once more, a little later */
    void                  (*again)(client_t *client, device_t *device);
};


#define CLIENT_BUF  65536


/* runs until SIGTERM; returns the process's exit status */
int client_run(const plan_t *plan, board_t *board, uint32_t process);

#endif /* BENCH_CLIENT_H */
