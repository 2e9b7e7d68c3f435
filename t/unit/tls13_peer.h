
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The two ends of tls13_openssl.h talk; the server is taken over from OpenSSL.
 */


#ifndef _TLS13_PEER_H_INCLUDED_
#define _TLS13_PEER_H_INCLUDED_


#include "tls13_openssl.h"


static uint8_t  peer_buf[4 * TLS13_BIG];


/* As nginx does: reads until there is nothing more. */

static inline int
peer_server_reads(const char *text)
{
    int   n;
    char  buf[256];

    n = SSL_read(peer.server, buf, sizeof(buf));

    return n == (int) strlen(text) && memcmp(buf, text, (size_t) n) == 0
           && SSL_read(peer.server, buf, sizeof(buf)) <= 0;
}


static inline int
peer_client_reads(const char *text, size_t len)
{
    int     n;
    size_t  got;

    static char  buf[4 * TLS13_BIG];

    for (got = 0; ; got += (size_t) n) {
        n = SSL_read(peer.client, buf + got, (int) (sizeof(buf) - got));

        if (n <= 0) {
            return got == len && memcmp(buf, text, len) == 0;
        }
    }
}


static inline const char *
peer_refusal(void)
{
    return ngx_pimap_tls13_capture_refusal(&peer.capture, tls13, peer.server);
}


/* From here on the test is the server; NULL or the reason of the refusal. */

static inline const char *
peer_take(void)
{
    const char  *refusal;

    refusal = ngx_pimap_tls13_capture_take(&peer.capture, tls13, peer.server,
                                           &tls13_us);
    if (refusal == NULL) {
        SSL_free(peer.server);
        peer.server = NULL;
    }

    return refusal;
}


static inline void
peer_close(void)
{
    /* or OpenSSL would mark its ticket as bad */

    SSL_set_shutdown(peer.client, SSL_SENT_SHUTDOWN|SSL_RECEIVED_SHUTDOWN);

    SSL_free(peer.client);
    SSL_free(peer.server);
    BIO_free(peer.up);
    BIO_free(peer.down);

    ngx_pimap_tls13_capture_wipe(&peer.capture);
    ngx_pimap_tls13_wipe(tls13, &tls13_us);
}


static inline int
peer_send(const char *text, size_t len, size_t pad)
{
    size_t  n;

    n = ngx_pimap_tls13_seal(tls13, &tls13_us, NULL, peer_buf,
                             sizeof(peer_buf), (const uint8_t *) text, len,
                             pad);

    return n && BIO_write(peer.down, peer_buf, (int) n) == (int) n;
}


/* Opens the next record that the client has sent. */

static inline ngx_pimap_tls13_result_t
peer_recv(void)
{
    int  n;

    n = BIO_read(peer.up, peer_buf, 5);

    if (n == 5) {
        n += BIO_read(peer.up, peer_buf + 5, peer_buf[3] << 8 | peer_buf[4]);
    }

    return tls13_open(peer_buf, n < 0 ? 0 : (size_t) n);
}


static inline int
peer_receives(const char *text)
{
    return peer_recv() == NGX_PIMAP_TLS13_DATA
           && tls13_in.len == strlen(text)
           && memcmp(tls13_in.data, text, tls13_in.len) == 0;
}


#endif /* _TLS13_PEER_H_INCLUDED_ */
