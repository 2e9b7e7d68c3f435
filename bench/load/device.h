/*
 * Copyright (C) ngx_pimap_module authors
 */

/*
 * A device: from connect() to being parked, and the events it receives.
 */

#ifndef BENCH_DEVICE_H
#define BENCH_DEVICE_H

#include "client.h"
#include "frame.h"
#include "scan.h"


typedef enum {
    DEVICE_NONE = 0,
    DEVICE_CONNECT,
    DEVICE_HANDSHAKE,
    DEVICE_SEND,
    DEVICE_HEAD,
    DEVICE_PARKED,
    DEVICE_CLOSED
} device_state_t;


/* the whole state of a parked device whose TLS object was freed */

struct device_s {
    session_t   *session;          /* while opening, or sampled */
    scan_t       scan;
    frame_t      frame;            /* TLS records or HTTP/2 frames */
    int          fd;
    uint8_t      state;
};

_Static_assert(sizeof(device_t) <= 64, "a million devices must be small");


/* -1: no socket, see errno; other errors are counted */
int device_open(client_t *client, device_t *device);
void device_event(client_t *client, device_t *device, uint32_t events);

/* gives up devices that take too long to be parked */
void device_expire(client_t *client);


#endif /* BENCH_DEVICE_H */
