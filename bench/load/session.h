/*
 * Copyright (C) ngx_pimap_module authors
 */

/*
 * The state of a device until it is parked, or permanently if it is sampled:
 * the TLS object, the request, the response head.
 */

#ifndef BENCH_SESSION_H
#define BENCH_SESSION_H

#include <openssl/ssl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "client.h"


#define SESSION_STATUS  12         /* bytes of "HTTP/1.1 200" */


struct session_s {
    TAILQ_ENTRY(session_s)   link;
    device_t                *device;
    SSL                     *ssl;
    uint64_t                 opened;
    unsigned char           *out;  /* being sent */
    size_t                   out_len;
    size_t                   out_sent;
    unsigned char            status[SESSION_STATUS];
    uint8_t                  nstatus;
    uint8_t                  end;  /* bytes of CR LF CR LF seen */
    unsigned                 answered:1;
};


#define SESSION_AGAIN  -1
#define SESSION_ERROR  -2

session_t *session_create(client_t *client, device_t *device);
void session_free(client_t *client, session_t *session);

/* prepares the request of device number "n" for sending; -1: no room */
int session_request(session_t *session, const plan_t *plan, uint32_t n);

/* 0: all sent */
int session_send(session_t *session, int fd);

/* bytes read, 0 at the end of the connection */
ssize_t session_read(session_t *session, int fd, unsigned char *buf,
    size_t size);

/* moves *p behind the head of an HTTP/1.1 response, or is SESSION_ERROR */
int session_head(session_t *session, const plan_t *plan,
    const unsigned char **p, const unsigned char *last);


#endif /* BENCH_SESSION_H */
