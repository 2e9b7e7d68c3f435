/*
 * Copyright (C) ngx_pimap_module authors
 */

/*
 * Sending the request, reading the head of its response, plain or by TLS.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "device.h"
#include "session.h"


#define SESSION_OUT  1024


static int session_tls_error(session_t *session, int n);


static const char  session_upgrade[] =
    "Upgrade: websocket\r\n"
    "Connection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";


session_t *
session_create(client_t *client, device_t *device)
{
    session_t  *session;

    session = calloc(1, sizeof(session_t));
    if (session == NULL) {
        return NULL;
    }

    session->device = device;
    session->opened = client->now;

    TAILQ_INSERT_TAIL(&client->opening, session, link);
    client->nopening++;

    return session;
}


/* a parked device's session has left the list of those being opened */

void
session_free(client_t *client, session_t *session)
{
    if (session->device->state < DEVICE_PARKED) {
        TAILQ_REMOVE(&client->opening, session, link);
        client->nopening--;
    }

    SSL_free(session->ssl);
    free(session->out);
    free(session);
}


int
session_request(session_t *session, const plan_t *plan, uint32_t n)
{
    int              len;
    char             path[TARGET_TEXT];
    const target_t  *target;

    target = &plan->target;

    if (target_expand(path, sizeof(path), target->path,
                      n / plan->per_account, n)
        == 0)
    {
        return -1;
    }

    session->out = malloc(SESSION_OUT);
    if (session->out == NULL) {
        return -1;
    }

    if (plan->h2) {
        session->out_len = frame_h2_request(session->out, SESSION_OUT,
                                            target->tls ? "https" : "http",
                                            target->authority, path);
        return session->out_len ? 0 : -1;
    }

    len = snprintf((char *) session->out, SESSION_OUT,
                   "GET %s HTTP/1.1\r\n"
                   "Host: %s\r\n"
                   "%s%s"
                   "\r\n",
                   path, target->authority,
                   plan->gzip ? "Accept-Encoding: gzip\r\n" : "",
                   plan->ws ? session_upgrade
                            : "Accept: text/event-stream\r\n");

    session->out_len = (size_t) len;

    return len < SESSION_OUT ? 0 : -1;
}


int
session_send(session_t *session, int fd)
{
    int             n;
    size_t          len;
    unsigned char  *p;

    while (session->out_sent < session->out_len) {

        p = session->out + session->out_sent;
        len = session->out_len - session->out_sent;

        if (session->ssl) {
            n = SSL_write(session->ssl, p, (int) len);
            if (n <= 0) {
                return session_tls_error(session, n);
            }

        } else {
            n = (int) send(fd, p, len, MSG_NOSIGNAL);
            if (n < 0) {
                return errno == EAGAIN ? SESSION_AGAIN : SESSION_ERROR;
            }
        }

        session->out_sent += (size_t) n;
    }

    free(session->out);
    session->out = NULL;
    session->out_len = 0;
    session->out_sent = 0;

    return 0;
}


ssize_t
session_read(session_t *session, int fd, unsigned char *buf, size_t size)
{
    int      n;
    ssize_t  len;

    if (session && session->ssl) {
        n = SSL_read(session->ssl, buf, (int) size);
        if (n > 0) {
            return n;
        }

        return SSL_get_error(session->ssl, n) == SSL_ERROR_ZERO_RETURN
               ? 0 : session_tls_error(session, n);
    }

    len = recv(fd, buf, size, 0);
    if (len >= 0) {
        return len;
    }

    return errno == EAGAIN ? SESSION_AGAIN : SESSION_ERROR;
}


int
session_head(session_t *session, const plan_t *plan,
    const unsigned char **p, const unsigned char *last)
{
    unsigned char      ch;
    const char        *status;
    static const char  end[] = "\r\n\r\n";

    status = plan->ws ? "HTTP/1.1 101" : "HTTP/1.1 200";

    while (*p < last && !session->answered) {
        ch = *(*p)++;

        if (session->nstatus < SESSION_STATUS) {
            session->status[session->nstatus++] = ch;

            if (session->nstatus == SESSION_STATUS
                && memcmp(session->status, status, SESSION_STATUS))
            {
                return SESSION_ERROR;
            }
        }

        if (ch == (unsigned char) end[session->end]) {
            session->end++;
            session->answered = (session->end == 4);

        } else {
            session->end = (ch == '\r');
        }
    }

    return 0;
}


static int
session_tls_error(session_t *session, int n)
{
    switch (SSL_get_error(session->ssl, n)) {

    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return SESSION_AGAIN;

    default:
        return SESSION_ERROR;
    }
}
