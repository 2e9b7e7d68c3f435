
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * After a real handshake the test takes the server's place, and an OpenSSL
 * client notices nothing: data, KeyUpdate and close_notify both ways, alerts.
 * With each suite and number of tickets, resumed or not.
 */


#include "tls13_peer.h"


static char  big[TLS13_BIG];


static void
connect_with(int suite, size_t tickets)
{
    SSL_CTX_set_ciphersuites(peer.server_ctx, tls13_suite[suite]);
    SSL_CTX_set_num_tickets(peer.server_ctx, tickets);

    peer_open();

    tap_ok(peer_handshake()
           && SSL_write(peer.client, "GET", 3) == 3
           && peer_server_reads("GET")
           && SSL_write(peer.server, "200", 3) == 3, "handshake");

    tap_is_str(peer_take(), NULL, "the connection is taken over");
    tap_ok(ngx_pimap_tls13_check(tls13, &tls13_us) == 0
           && peer_client_reads("200", 3), "the state is valid");
}


static void
data(void)
{
    int   i, ok;
    char  text[16];

    tap_ok(peer_send("one", 3, 0) && peer_client_reads("one", 3),
           "data to the client");
    tap_ok(SSL_write(peer.client, "two", 3) == 3 && peer_receives("two"),
           "data from the client");
    tap_ok(peer_send("three", 5, 512) && peer_client_reads("three", 5),
           "padded data");
    tap_ok(peer_send(big, sizeof(big), 4096)
           && peer_client_reads(big, sizeof(big)), "several records");

    ok = 1;

    for (i = 0; i < 300; i++) {
        snprintf(text, sizeof(text), "n%d", i);
        ok &= peer_send(text, strlen(text), 0)
              && peer_client_reads(text, strlen(text))
              && SSL_write(peer.client, text, (int) strlen(text)) > 0
              && peer_receives(text);
    }

    tap_ok(ok, "300 records both ways");
}


static void
client_updates(void)
{
    int  request;

    for (request = 0; request < 2; request++) {
        SSL_key_update(peer.client, request ? SSL_KEY_UPDATE_REQUESTED
                                            : SSL_KEY_UPDATE_NOT_REQUESTED);

        tap_ok(SSL_write(peer.client, "four", 4) == 4
               && peer_recv() == NGX_PIMAP_TLS13_SKIP
               && peer_receives("four")
               && (tls13_us.flags & NGX_PIMAP_TLS13_OWES_UPDATE)
                  == (unsigned) request, "a KeyUpdate of the client");

        tap_ok(peer_send("five", 4, 0) && peer_client_reads("five", 4)
               && peer_send("six", 3, 0) && peer_client_reads("six", 3)
               && tls13_us.flags == 0, "data after the KeyUpdate");
    }
}


static void
server_updates(void)
{
    int     request;
    size_t  n;

    for (request = 0; request < 2; request++) {
        n = ngx_pimap_tls13_seal_update(tls13, &tls13_us, peer_buf,
                                        sizeof(peer_buf), request);
        BIO_write(peer.down, peer_buf, (int) n);

        tap_ok(n == NGX_PIMAP_TLS13_UPDATE_SIZE
               && peer_send("seven", 5, 0) && peer_client_reads("seven", 5),
               "a KeyUpdate of the server");

        tap_ok(SSL_write(peer.client, "eight", 5) == 5
               && (!request || peer_recv() == NGX_PIMAP_TLS13_SKIP)
               && peer_receives("eight")
               && tls13_us.flags == 0, "the client answers if asked for");
    }

    tls13_us.tx_seq = 0;
}


static void
server_closes(uint8_t alert)
{
    int     rc;
    char    byte;
    size_t  n;

    n = ngx_pimap_tls13_seal_alert(tls13, &tls13_us, peer_buf,
                                   sizeof(peer_buf), alert);
    BIO_write(peer.down, peer_buf, (int) n);

    rc = SSL_get_error(peer.client, SSL_read(peer.client, &byte, 1));

    if (alert == SSL_AD_CLOSE_NOTIFY) {
        tap_ok(rc == SSL_ERROR_ZERO_RETURN, "close_notify of the server");
        return;
    }

    tap_ok(rc == SSL_ERROR_SSL
           && ERR_GET_REASON(ERR_peek_last_error())
              == SSL_AD_REASON_OFFSET + alert, "an alert of the server");

    ERR_clear_error();
}


static void
client_closes(void)
{
    SSL_shutdown(peer.client);

    tap_ok(peer_recv() == NGX_PIMAP_TLS13_CLOSED,
           "close_notify of the client");
}


static void
client_fails(void)
{
    char  byte;

    peer_send("broken", 6, 0);
    BIO_read(peer.down, peer_buf, sizeof(peer_buf));
    peer_buf[7] ^= 1;
    BIO_write(peer.down, peer_buf, 6 + NGX_PIMAP_TLS13_OVERHEAD);

    tap_ok(SSL_read(peer.client, &byte, 1) <= 0
           && peer_recv() == NGX_PIMAP_TLS13_ALERT
           && tls13_in.alert == SSL_AD_BAD_RECORD_MAC,
           "an alert of the client");

    tap_ok(!peer_send("more", 4, 0)
           && tls13_is_zero(tls13_us.tx_secret, NGX_PIMAP_TLS13_SECRET),
           "an alert ends both directions");

    ERR_clear_error();
}


int
main(void)
{
    int     suite;
    size_t  tickets;

    memset(big, 'x', sizeof(big));

    tls13 = ngx_pimap_tls13_ctx_create();
    peer_create();

    for (suite = 0; suite < TLS13_SUITES; suite++) {
        for (tickets = 0; tickets < 3; tickets++) {
            connect_with(suite, tickets);
            data();
            client_updates();
            server_updates();
            client_closes();
            tap_ok(SSL_session_reused(peer.client) == (tickets > 1),
                   "the session is resumed if there was a ticket");
            tap_ok(peer_send("last", 4, 0),
                   "data after close_notify of the client");
            peer_close();
        }

        connect_with(suite, 1);
        server_closes(SSL_AD_CLOSE_NOTIFY);
        client_closes();
        peer_close();

        connect_with(suite, 1);
        server_closes(SSL_AD_UNEXPECTED_MESSAGE);
        peer_close();

        connect_with(suite, 1);
        client_fails();
        peer_close();

        SSL_SESSION_free(peer.session);
        peer.session = NULL;
    }

    peer_destroy();
    ngx_pimap_tls13_ctx_destroy(tls13);

    return tap_done();
}
