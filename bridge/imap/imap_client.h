
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A session and its connection.
 */


#ifndef _IMAP_CLIENT_H_INCLUDED_
#define _IMAP_CLIENT_H_INCLUDED_


#include <event2/dns.h>
#include <event2/event.h>

#include <openssl/ssl.h>

#include "imap_session.h"


typedef struct imap_client_s  imap_client_t;


typedef enum {
    IMAP_TLS_NONE,
    IMAP_TLS_STARTTLS,
    IMAP_TLS_IMPLICIT
} imap_tls_t;


/* A server; all must stay as long as there are clients of it. */

typedef struct {
    const char           *host;         /* name or address; the certificate
                                           has to be for it */
    uint16_t              port;
    imap_tls_t            tls;
    SSL_CTX              *ssl;          /* of the owner, with the CA that it
                                           trusts.  NULL: no TLS */
    uint32_t              connect;      /* ms for connecting and TLS, 10 s */
    imap_options_t        options;      /* "starttls" is set by the client */
    struct event_base    *base;
    struct evdns_base    *dns;
} imap_server_t;


/*
 * Begins to connect.  failed() is called from the event loop, never within a
 * call of imap_client_*(), so that the owner may free the client in it.
 */

imap_client_t *imap_client_open(imap_server_t *server,
    const imap_callbacks_t *cb, void *data, const imap_login_t *login);

/* The session: for imap_session_watch() and imap_session_update(). */

imap_session_t *imap_client_session(imap_client_t *c);

/*
 * Frees the client; "logout" sends LOGOUT before, without waiting for the
 * answer.  Waiting updates get their done() before this returns.  Must not be
 * called within logged_in(), publish(), ready() and log().
 */

void imap_client_close(imap_client_t *c, int logout);


#endif /* _IMAP_CLIENT_H_INCLUDED_ */
