
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A connection is taken over from OpenSSL after any handshake: tickets or
 * session cache, HelloRetryRequest, early data, KeyUpdate.
 */


#include "tls13_peer.h"


static void
opened(void)
{
    peer_open();
    tap_ok(peer_refusal() != NULL && peer_handshake(), "handshake");
}


/* Both sequence numbers are right, or the tag would not match. */

static void
goes_on(void)
{
    tap_ok(peer_send("down", 4, 0) && peer_client_reads("down", 4)
           && SSL_write(peer.client, "up", 2) == 2 && peer_receives("up"),
           "data both ways");

    peer_close();
}


static void
works(const char *name)
{
    tap_is_str(peer_take(), NULL, name);
    goes_on();
}


static void
handshakes(void)
{
    SSL_CTX  *ctx = peer.server_ctx;

    SSL_CTX_set1_groups_list(ctx, "P-384");
    opened();
    works("HelloRetryRequest");
    SSL_CTX_set1_groups_list(ctx, "X25519:P-256");

    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
    opened();
    works("session in the cache");
    tap_is_int(SSL_CTX_sess_number(ctx), 2, "the cache has two sessions");

    opened();
    tap_ok(SSL_session_reused(peer.client), "resumed from the cache");
    works("the resumed session is taken over");

    SSL_CTX_clear_options(ctx, SSL_OP_NO_TICKET);
    SSL_CTX_clear_options(ctx, SSL_OP_ENABLE_MIDDLEBOX_COMPAT);
    SSL_CTX_clear_options(peer.client_ctx, SSL_OP_ENABLE_MIDDLEBOX_COMPAT);
    opened();
    works("without change_cipher_spec");
    SSL_CTX_set_options(ctx, SSL_OP_ENABLE_MIDDLEBOX_COMPAT);
    SSL_CTX_set_options(peer.client_ctx, SSL_OP_ENABLE_MIDDLEBOX_COMPAT);
}


static void
early_data(void)
{
    int     i, rc;
    char    buf[64];
    size_t  n;

    SSL_CTX_set_max_early_data(peer.server_ctx, 16384);
    opened();
    works("early data allowed");

    peer_open();

    for (i = 0; i < 3; i++) {
        tap_ok(SSL_write_early_data(peer.client, "early", 5, &n) == 1,
               "early data sent");
    }

    for (i = 0; i < 3; i++) {
        rc = SSL_read_early_data(peer.server, buf, sizeof(buf), &n);
        tap_ok(rc == SSL_READ_EARLY_DATA_SUCCESS && n == 5,
               "early data read");
    }

    tap_ok(SSL_write_early_data(peer.server, "soon", 4, &n) == 1,
           "answered before the end of the handshake");
    tap_ok(peer_refusal() != NULL,
           "a handshake that is not finished is refused");

    (void) SSL_do_handshake(peer.client);

    while (SSL_read_early_data(peer.server, buf, sizeof(buf), &n)
           == SSL_READ_EARLY_DATA_SUCCESS)
    {
        /* void */
    }

    tap_ok(peer_handshake() && peer_client_reads("soon", 4)
           && SSL_get_early_data_status(peer.server)
              == SSL_EARLY_DATA_ACCEPTED, "accepted");
    works("early data");

    SSL_CTX_set_max_early_data(peer.server_ctx, 0);
    peer_open();
    (void) SSL_write_early_data(peer.client, "early", 5, &n);
    tap_ok(peer_handshake() && SSL_get_early_data_status(peer.server)
                               != SSL_EARLY_DATA_ACCEPTED, "rejected");
    works("early data rejected");
}


/* OpenSSL follows KeyUpdates itself as long as it owns the connection. */

static void
updates(void)
{
    int  type;

    for (type = 0; type < 2; type++) {
        opened();
        SSL_key_update(peer.client, type);
        tap_ok(SSL_write(peer.client, "GET", 3) == 3
               && peer_server_reads("GET"), "a KeyUpdate of the client");
        tap_ok(peer_take() == NULL
               && tls13_us.flags == (type ? NGX_PIMAP_TLS13_OWES_UPDATE : 0),
               "its answer is pending if asked for");
        goes_on();

        opened();
        SSL_key_update(peer.server, type);
        tap_ok(peer_refusal() != NULL, "a KeyUpdate of the server is pending");
        tap_ok(SSL_write(peer.server, "200", 3) == 3
               && peer_client_reads("200", 3), "it is sent");

        if (type == SSL_KEY_UPDATE_REQUESTED) {
            tap_ok(SSL_write(peer.client, "GET", 3) == 3
                   && peer_server_reads("GET"), "it is answered");
        }

        works("after KeyUpdates");
    }
}


int
main(void)
{
    tls13 = ngx_pimap_tls13_ctx_create();
    peer_create();

    handshakes();
    early_data();
    updates();

    peer_destroy();
    ngx_pimap_tls13_ctx_destroy(tls13);

    return tap_done();
}
