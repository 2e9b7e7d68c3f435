/*
 * Copyright (C) ngx_pimap_module authors
 */

/*
 * The life of a device.  Once the response has begun, the TLS object of a
 * device that is not sampled is freed: a million of them would not fit.  From
 * then on the device counts records by their heads.  OpenSSL reads no further
 * than the record that it is in, so that after SSL_has_pending() says no, the
 * next byte of the socket is the first of a record.
 */

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "device.h"
#include "session.h"


static int device_connected(client_t *client, device_t *device);
static int device_handshake(device_t *device);
static int device_send(client_t *client, device_t *device);
static void device_read(client_t *client, device_t *device);
static int device_input(client_t *client, device_t *device,
    const unsigned char *p, const unsigned char *last);
static int device_frames(client_t *client, device_t *device,
    const unsigned char *p, const unsigned char *last);
static int device_frame(device_t *device);
static void device_records(client_t *client, device_t *device,
    const unsigned char *p, const unsigned char *last);
static void device_body(client_t *client, device_t *device,
    const unsigned char *p, const unsigned char *last);
static void device_received(client_t *client, device_t *device,
    uint32_t bytes);
static void device_park(client_t *client, device_t *device);
static void device_let_go(client_t *client, device_t *device);
static void device_close(client_t *client, device_t *device);
static uint32_t device_number(client_t *client, device_t *device);
static int device_sampled(client_t *client, device_t *device);


int
device_open(client_t *client, device_t *device)
{
    int                 fd;
    struct epoll_event  ee;

    client->panel->opened++;

    fd = socket(AF_INET, SOCK_STREAM|SOCK_NONBLOCK|SOCK_CLOEXEC, 0);
    if (fd == -1) {
        return -1;
    }

    memset(device, 0, sizeof(device_t));
    device->fd = fd;
    device->state = DEVICE_CONNECT;

    device->session = session_create(client, device);
    if (device->session == NULL) {
        close(fd);
        return -1;
    }

    ee.events = EPOLLIN|EPOLLOUT;
    ee.data.u64 = (uint64_t) (device - client->devices);

    if (session_request(device->session, client->plan,
                        device_number(client, device))
        == -1
        || target_connect(&client->plan->target, fd,
                          device_number(client, device),
                          client->plan->sources, client->plan->ports)
           == -1
        || epoll_ctl(client->epoll, EPOLL_CTL_ADD, fd, &ee) == -1)
    {
        device_close(client, device);
    }

    return 0;
}


void
device_event(client_t *client, device_t *device, uint32_t events)
{
    int  rc;

    rc = 0;

    if (device->state == DEVICE_CONNECT && (events & (EPOLLOUT|EPOLLERR))) {
        rc = device_connected(client, device);
    }

    if (rc == 0 && device->state == DEVICE_HANDSHAKE) {
        rc = device_handshake(device);
    }

    if (rc == 0 && device->state == DEVICE_SEND) {
        rc = device_send(client, device);
    }

    if (rc == SESSION_ERROR) {
        device_close(client, device);
        return;
    }

    if (device->state == DEVICE_HEAD || device->state == DEVICE_PARKED) {
        device_read(client, device);
    }
}


static int
device_connected(client_t *client, device_t *device)
{
    int        error;
    socklen_t  len;
    session_t  *session;

    len = sizeof(error);
    session = device->session;

    if (getsockopt(device->fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1
        || error)
    {
        return SESSION_ERROR;
    }

    if (client->tls == NULL) {
        device->state = DEVICE_SEND;
        return 0;
    }

    session->ssl = SSL_new(client->tls);

    if (session->ssl == NULL || !SSL_set_fd(session->ssl, device->fd)) {
        return SESSION_ERROR;
    }

    SSL_set_connect_state(session->ssl);
    device->state = DEVICE_HANDSHAKE;

    return 0;
}


static int
device_handshake(device_t *device)
{
    int         n;
    session_t  *session;

    session = device->session;

    n = SSL_do_handshake(session->ssl);

    if (n == 1) {
        device->state = DEVICE_SEND;
        return 0;
    }

    n = SSL_get_error(session->ssl, n);

    return n == SSL_ERROR_WANT_READ || n == SSL_ERROR_WANT_WRITE
           ? SESSION_AGAIN : SESSION_ERROR;
}


static int
device_send(client_t *client, device_t *device)
{
    int                 rc;
    struct epoll_event  ee;

    rc = session_send(device->session, device->fd);
    if (rc != 0) {
        return rc;
    }

    ee.events = EPOLLIN;
    ee.data.u64 = (uint64_t) (device - client->devices);

    if (epoll_ctl(client->epoll, EPOLL_CTL_MOD, device->fd, &ee) == -1) {
        return SESSION_ERROR;
    }

    device->state = DEVICE_HEAD;

    return 0;
}


static void
device_read(client_t *client, device_t *device)
{
    ssize_t  n;

    for ( ;; ) {
        n = session_read(device->session, device->fd, client->buf,
                         CLIENT_BUF);

        if (n == SESSION_AGAIN) {
            break;
        }

        if (n <= 0
            || device_input(client, device, client->buf, client->buf + n)
               == SESSION_ERROR)
        {
            device_close(client, device);
            return;
        }

        /* a short read of a socket has emptied it */

        if (n < CLIENT_BUF
            && (device->session == NULL || device->session->ssl == NULL))
        {
            break;
        }
    }

    if (device->state == DEVICE_PARKED) {
        device_let_go(client, device);
    }
}


static int
device_input(client_t *client, device_t *device, const unsigned char *p,
    const unsigned char *last)
{
    if (client->tls && device->session == NULL) {
        device_records(client, device, p, last);
        return 0;
    }

    if (client->plan->h2) {
        return device_frames(client, device, p, last);
    }

    if (device->state == DEVICE_HEAD
        && session_head(device->session, client->plan, &p, last)
           == SESSION_ERROR)
    {
        return SESSION_ERROR;
    }

    /* a WebSocket's peer may have sent nothing yet */

    if (client->plan->ws && device->state == DEVICE_HEAD
        && device->session->answered)
    {
        device_park(client, device);
    }

    device_body(client, device, p, last);

    return 0;
}


static int
device_frames(client_t *client, device_t *device, const unsigned char *p,
    const unsigned char *last)
{
    size_t                len;
    frame_t              *frame;
    const unsigned char  *body;

    frame = &device->frame;

    for ( ;; ) {

        switch (frame_next(frame, FRAME_H2_HEAD, &p, last, &body, &len)) {

        case FRAME_HEAD:
            if (device_frame(device) == SESSION_ERROR) {
                return SESSION_ERROR;
            }

            break;

        case FRAME_BODY:
            if (frame->head[3] == FRAME_H2_DATA) {
                device_body(client, device, body, body + len);
                break;
            }

            if (frame->head[3] == FRAME_H2_HEADERS
                && device->state == DEVICE_HEAD
                && !device->session->answered)
            {
                /* ":status: 200" of the static table, RFC 7541, 6.1 */

                if (body[0] != 0x88) {
                    return SESSION_ERROR;
                }

                device->session->answered = 1;
            }

            break;

        default:
            return 0;
        }
    }
}


/* a frame begins */

static int
device_frame(device_t *device)
{
    session_t  *session;

    session = device->session;

    switch (device->frame.head[3]) {

    case FRAME_H2_SETTINGS:
        if (session == NULL || (device->frame.head[4] & FRAME_H2_ACK)) {
            return 0;
        }

        session->out = malloc(FRAME_H2_HEAD);
        if (session->out == NULL) {
            return SESSION_ERROR;
        }

        memcpy(session->out, FRAME_H2_SETTINGS_ACK, FRAME_H2_HEAD);
        session->out_len = FRAME_H2_HEAD;
        session->out_sent = 0;

        /* nine bytes find room in a socket that only sent a request */

        return session_send(session, device->fd) == 0 ? 0 : SESSION_ERROR;

    case FRAME_H2_RST_STREAM:
    case FRAME_H2_GOAWAY:
        return SESSION_ERROR;

    case FRAME_H2_DATA:
        /* END_STREAM */
        return device->frame.head[4] & 1 ? SESSION_ERROR : 0;

    default:
        return 0;
    }
}


static void
device_records(client_t *client, device_t *device, const unsigned char *p,
    const unsigned char *last)
{
    size_t                len;
    frame_t              *frame;
    uint32_t              bytes;
    frame_rc_t            rc;
    const unsigned char  *body;

    frame = &device->frame;

    for ( ;; ) {
        rc = frame_next(frame, FRAME_TLS_HEAD, &p, last, &body, &len);

        if (rc == FRAME_MORE) {
            return;
        }

        if (rc == FRAME_HEAD || frame->left) {
            continue;
        }

        bytes = (uint32_t) (frame->head[3] << 8 | frame->head[4]);
        bytes = bytes > FRAME_TLS_OVERHEAD ? bytes - FRAME_TLS_OVERHEAD : 0;

        client->panel->bytes += bytes;

        if (bytes < client->plan->min_event) {
            client->panel->others++;
            continue;
        }

        device_received(client, device, bytes);
    }
}


/* the first byte of the response's body: the device is parked */

static void
device_body(client_t *client, device_t *device, const unsigned char *p,
    const unsigned char *last)
{
    scan_t    *scan;
    uint64_t   now;

    if (p == last) {
        return;
    }

    if (device->state == DEVICE_HEAD) {
        device_park(client, device);
    }

    scan = &device->scan;
    client->panel->bytes += (uint64_t) (last - p);

    for ( ;; ) {

        switch (scan_next(scan, &p, last)) {

        case SCAN_EVENT:
            now = clock_now();
            device_received(client, device, 0);
            board_latency(client->panel,
                          now > scan->time ? now - scan->time : 0);

            if (scan->account != device_number(client, device)
                                 / client->plan->per_account)
            {
                client->panel->wrong++;
            }

            break;

        case SCAN_OTHER:
            client->panel->others++;
            break;

        default:
            return;
        }
    }
}


static void
device_received(client_t *client, device_t *device, uint32_t bytes)
{
    board_device_t  *got;

    got = board_device(client->board, device_number(client, device));
    got->events++;
    got->bytes += bytes;

    client->panel->last_event = clock_now();
    __atomic_store_n(&client->panel->events, client->panel->events + 1,
                     __ATOMIC_RELAXED);
}


static void
device_park(client_t *client, device_t *device)
{
    TAILQ_REMOVE(&client->opening, device->session, link);
    client->nopening--;

    device->state = DEVICE_PARKED;

    client->panel->parked++;
    client->panel->last_park = clock_now();

    if (device_sampled(client, device)) {
        client->panel->sampled++;
    }
}


static void
device_let_go(client_t *client, device_t *device)
{
    session_t  *session;

    session = device->session;

    if (session == NULL) {
        return;
    }

    if (client->tls) {
        if (device_sampled(client, device) || SSL_has_pending(session->ssl)) {
            return;
        }

        memset(&device->frame, 0, sizeof(frame_t));
    }

    session_free(client, session);
    device->session = NULL;
}


static void
device_close(client_t *client, device_t *device)
{
    int  parked;

    parked = (device->state == DEVICE_PARKED);

    if (device->session) {
        session_free(client, device->session);
        device->session = NULL;
    }

    ERR_clear_error();

    close(device->fd);
    device->fd = -1;

    if (parked) {
        device->state = DEVICE_CLOSED;
        client->panel->closed++;
        return;
    }

    device->state = DEVICE_NONE;
    client->panel->failed++;
    client->again(client, device);
}


void
device_expire(client_t *client)
{
    uint64_t    limit;
    session_t  *session;

    limit = client->plan->timeout * CLOCK_SECOND;

    while ((session = TAILQ_FIRST(&client->opening)) != NULL
           && client->now - session->opened > limit)
    {
        device_close(client, session->device);
    }
}


static uint32_t
device_number(client_t *client, device_t *device)
{
    return client->first + (uint32_t) (device - client->devices);
}


/* without TLS all contents can be read */

static int
device_sampled(client_t *client, device_t *device)
{
    return client->tls == NULL
           || (client->plan->sample
               && device_number(client, device) % client->plan->sample == 0);
}
