
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the connection of a session: DNS, TCP, TLS and the timer, by libevent.
 * Called by account/.  Invariant: failed() comes from the event loop, so that
 * the owner may free the client in it.
 */


#include "imap_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event_struct.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "bridge.h"


#define IMAP_CLIENT_CHUNK    16384
#define IMAP_CLIENT_CONNECT  (10 * 1000)
#define IMAP_CLIENT_LINGER   2          /* seconds for a LOGOUT */


struct imap_client_s {
    imap_session_t                 *session;
    imap_server_t                  *server;
    const imap_callbacks_t         *cb;
    void                           *data;

    struct bufferevent             *bev;
    SSL                            *ssl;    /* of the bufferevent */
    struct event                    timer;
    struct event                    over;
    char                           *why;
    imap_fail_t                     reason;

    unsigned                        started:1;
    unsigned                        failed:1;
    unsigned                        upgrade:1;
};


static int imap_client_tls(imap_client_t *c);
static int imap_client_verify(imap_client_t *c, SSL *ssl);
static void imap_client_read(struct bufferevent *bev, void *data);
static void imap_client_upgrade(imap_client_t *c);
static void imap_client_event(struct bufferevent *bev, short what,
    void *data);
static void imap_client_lost(imap_client_t *c, short what);
static int imap_client_is_away(imap_client_t *c, unsigned long error);
static void imap_client_timeout(evutil_socket_t fd, short what, void *data);
static void imap_client_over(evutil_socket_t fd, short what, void *data);
static void imap_client_linger(struct bufferevent *bev, void *data);
static void imap_client_lingered(struct bufferevent *bev, short what,
    void *data);

static void imap_client_on_write(void *data, const char *bytes, size_t len);
static void imap_client_on_starttls(void *data);
static void imap_client_on_timer(void *data, uint32_t ms);
static uint64_t imap_client_on_now(void *data);
static void imap_client_on_failed(void *data, imap_fail_t reason,
    const char *why);


static const imap_io_t  imap_client_io = {
    imap_client_on_write,
    imap_client_on_starttls,
    imap_client_on_timer,
    imap_client_on_now,
    imap_client_on_failed
};


imap_client_t *
imap_client_open(imap_server_t *server, const imap_callbacks_t *cb,
    void *data, const imap_login_t *login)
{
    int             rc;
    imap_client_t  *c;

    c = bridge_alloc(sizeof(imap_client_t));

    c->server = server;
    c->cb = cb;
    c->data = data;

    server->options.starttls = server->tls == IMAP_TLS_STARTTLS;

    c->session = imap_session_create(&server->options, &imap_client_io, c, cb,
                                     data, login);

    event_assign(&c->timer, server->base, -1, 0, imap_client_timeout, c);
    event_assign(&c->over, server->base, -1, 0, imap_client_over, c);

    if (server->tls == IMAP_TLS_IMPLICIT) {
        rc = imap_client_tls(c);

    } else {
        c->bev = bufferevent_socket_new(server->base, -1,
                                        BEV_OPT_CLOSE_ON_FREE);
        rc = c->bev ? 0 : -1;
    }

    if (rc == -1) {
        imap_session_lost(c->session, IMAP_FAIL_AWAY, "cannot connect");
        return c;
    }

    bufferevent_setcb(c->bev, imap_client_read, NULL, imap_client_event, c);
    bufferevent_enable(c->bev, EV_READ|EV_WRITE);

    imap_client_on_timer(c, server->connect ? server->connect
                            : IMAP_CLIENT_CONNECT);

    if (bufferevent_socket_connect_hostname(c->bev, server->dns, AF_UNSPEC,
                                            server->host, server->port)
        == -1)
    {
        imap_session_lost(c->session, IMAP_FAIL_AWAY, "cannot connect");
    }

    return c;
}


imap_session_t *
imap_client_session(imap_client_t *c)
{
    return  c->session;
}


/* Over a new connection or, for STARTTLS, over the present one. */

static int
imap_client_tls(imap_client_t *c)
{
    SSL                 *ssl;
    struct bufferevent  *bev;

    ssl = c->server->ssl ? SSL_new(c->server->ssl) : NULL;

    if (ssl == NULL || imap_client_verify(c, ssl) == -1) {
        SSL_free(ssl);
        return -1;
    }

    if (c->bev) {
        bev = bufferevent_openssl_filter_new(c->server->base, c->bev, ssl,
                                             BUFFEREVENT_SSL_CONNECTING,
                                             BEV_OPT_CLOSE_ON_FREE
                                             |BEV_OPT_DEFER_CALLBACKS);
    } else {
        bev = bufferevent_openssl_socket_new(c->server->base, -1, ssl,
                                             BUFFEREVENT_SSL_CONNECTING,
                                             BEV_OPT_CLOSE_ON_FREE
                                             |BEV_OPT_DEFER_CALLBACKS);
    }

    if (bev == NULL) {
        SSL_free(ssl);
        return -1;
    }

    /* many servers close without a TLS alert; the session finds a response
       that is cut off */

    bufferevent_openssl_set_allow_dirty_shutdown(bev, 1);

    c->bev = bev;
    c->ssl = ssl;

    return 0;
}


static int
imap_client_verify(imap_client_t *c, SSL *ssl)
{
    unsigned char   address[16];
    const char     *host = c->server->host;

    if (inet_pton(AF_INET, host, address) != 1
        && inet_pton(AF_INET6, host, address) != 1
        && SSL_set_tlsext_host_name(ssl, host) != 1)
    {
        return -1;
    }

    return SSL_set1_host(ssl, host) == 1 ? 0 : -1;
}


static void
imap_client_read(struct bufferevent *bev, void *data)
{
    size_t          n;
    imap_client_t  *c = data;

    static char  chunk[IMAP_CLIENT_CHUNK];

    while (!c->failed && !c->upgrade) {
        n = bufferevent_read(bev, chunk, sizeof(chunk));

        if (n == 0) {
            break;
        }

        imap_session_bytes(c->session, chunk, n);
    }

    if (c->upgrade && !c->failed) {
        imap_client_upgrade(c);
    }
}


static void
imap_client_upgrade(imap_client_t *c)
{
    c->upgrade = 0;

    /* bytes in clear must not be taken for TLS */

    if (evbuffer_get_length(bufferevent_get_input(c->bev))
        || imap_client_tls(c) == -1)
    {
        imap_session_lost(c->session, IMAP_FAIL_TLS, "cannot start TLS");
        return;
    }

    bufferevent_setcb(c->bev, imap_client_read, NULL, imap_client_event, c);
    bufferevent_enable(c->bev, EV_READ|EV_WRITE);
}


static void
imap_client_event(struct bufferevent *bev, short what, void *data)
{
    imap_client_t  *c = data;

    if (c->failed) {
        return;
    }

    if (!(what & BEV_EVENT_CONNECTED)) {

        /* bytes that came before the end */

        imap_client_read(bev, c);

        if (!c->failed) {
            imap_client_lost(c, what);
        }

        return;
    }

    evutil_make_socket_closeonexec(bufferevent_getfd(bev));

    if (c->started) {
        imap_session_secured(c->session);
        return;
    }

    c->started = 1;
    imap_session_start(c->session, c->ssl != NULL);
}


static void
imap_client_lost(imap_client_t *c, short what)
{
    int            dns;
    long           verified;
    char           reason[256], text[300];
    unsigned long  error;

    error = bridge_tls_error(c->bev);
    dns = bufferevent_socket_get_dns_error(c->bev);
    verified = c->ssl ? SSL_get_verify_result(c->ssl) : X509_V_OK;

    if (verified != X509_V_OK) {
        snprintf(text, sizeof(text), "the server's certificate is refused: %s",
                 X509_verify_cert_error_string(verified));
        imap_session_lost(c->session, IMAP_FAIL_TLS, text);

    } else if (error) {
        ERR_error_string_n(error, reason, sizeof(reason));
        snprintf(text, sizeof(text), "TLS fails: %s", reason);
        imap_session_lost(c->session, imap_client_is_away(c, error)
                          ? IMAP_FAIL_AWAY : IMAP_FAIL_TLS, text);

    } else if (dns) {
        imap_session_lost(c->session, IMAP_FAIL_AWAY,
                          evutil_gai_strerror(dns));

    } else if ((what & BEV_EVENT_EOF) && (c->started || errno == 0)) {
        imap_session_lost(c->session, IMAP_FAIL_AWAY, "connection closed");

    } else {
        imap_session_lost(c->session, IMAP_FAIL_AWAY,
                          evutil_socket_error_to_string(errno));
    }
}


/* A server that crashes or is overloaded closes without a TLS alert. */

static int
imap_client_is_away(imap_client_t *c, unsigned long error)
{
    if (ERR_GET_REASON(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
        return 1;
    }

    return c->started && (c->ssl == NULL || SSL_is_init_finished(c->ssl));
}


static void
imap_client_timeout(evutil_socket_t fd, short what, void *data)
{
    imap_client_t  *c = data;

    if (c->failed) {
        return;
    }

    if (!c->started) {
        imap_session_lost(c->session, IMAP_FAIL_AWAY, "connecting takes too "
                          "long");
        return;
    }

    imap_session_timeout(c->session);
}


static void
imap_client_over(evutil_socket_t fd, short what, void *data)
{
    imap_client_t  *c = data;

    c->cb->failed(c->data, c->reason, c->why);
}


void
imap_client_close(imap_client_t *c, int logout)
{
    struct timeval  tv;

    if (logout && c->started && !c->failed) {
        imap_session_logout(c->session);
    }

    c->failed = 1;
    event_del(&c->timer);
    event_del(&c->over);

    if (c->bev) {

        if (logout
            && evbuffer_get_length(bufferevent_get_output(c->bev)) > 0)
        {
            /* the bufferevent ends itself when LOGOUT is written */

            tv.tv_sec = IMAP_CLIENT_LINGER;
            tv.tv_usec = 0;

            bufferevent_setcb(c->bev, NULL, imap_client_linger,
                              imap_client_lingered, NULL);
            bufferevent_disable(c->bev, EV_READ);
            bufferevent_set_timeouts(c->bev, NULL, &tv);

        } else {
            bufferevent_free(c->bev);
        }
    }

    imap_session_free(c->session);
    free(c->why);
    free(c);
}


static void
imap_client_linger(struct bufferevent *bev, void *data)
{
    bufferevent_free(bev);
}


static void
imap_client_lingered(struct bufferevent *bev, short what, void *data)
{
    bufferevent_free(bev);
}


static void
imap_client_on_write(void *data, const char *bytes, size_t len)
{
    imap_client_t  *c = data;

    bufferevent_write(c->bev, bytes, len);
}


static void
imap_client_on_starttls(void *data)
{
    imap_client_t  *c = data;

    c->upgrade = 1;
}


static void
imap_client_on_timer(void *data, uint32_t ms)
{
    imap_client_t  *c = data;

    bridge_timer_set(&c->timer, ms);
}


static uint64_t
imap_client_on_now(void *data)
{
    return  bridge_now();
}


static void
imap_client_on_failed(void *data, imap_fail_t reason, const char *why)
{
    imap_client_t  *c = data;

    c->failed = 1;
    c->reason = reason;
    c->why = bridge_string(why);

    event_del(&c->timer);
    event_active(&c->over, 0, 0);
}
