
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A connection stays with OpenSSL while OpenSSL has data in its buffers, if
 * the module does not support it, or if its secrets are not known.
 */


#include "tls13_peer.h"


static void
opened(void)
{
    peer_open();
    tap_ok(peer_refusal() != NULL && peer_handshake(), "handshake");
}


/* Each line, and the lengths of our secret and the peer's after it. */

static void
keylog(int client)
{
    int                         tx, rx;
    size_t                      i;
    char                        line[256];
    ngx_pimap_tls13_capture_t   c;

#define HEX16  "00112233445566778899aAbBcCdDeEfF"
#define HEX32  HEX16 HEX16

    static const struct {
        const char  *line;
        int          client;
        int          server;
    } lines[] = {
        { "CLIENT_TRAFFIC_SECRET_0 " HEX32 " " HEX32, 32, 0 },
        { "SERVER_TRAFFIC_SECRET_0 " HEX32 " " HEX32 HEX32, 32, 0 },
        { "SERVER_TRAFFIC_SECRET_0 " HEX32 " " HEX32 HEX16, 32, 48 },
        { "CLIENT_HANDSHAKE_TRAFFIC_SECRET " HEX32 " " HEX32, 32, 48 },
        { "CLIENT_TRAFFIC_SECRET_0 " HEX32 " " HEX32 "0", 0, 48 },
        { "CLIENT_TRAFFIC_SECRET_0 " HEX32 " 0g", 0, 48 },
        { "SERVER_TRAFFIC_SECRET_0 " HEX32 HEX32, 0, 48 },
        { "SERVER_TRAFFIC_SECRET_0 " HEX32, 0, 48 },
        { "SERVER_TRAFFIC_SECRET_0 ", 0, 48 },
        { "", 0, 48 }
    };

    ngx_pimap_tls13_capture_init(&c, client);

    for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        snprintf(line, sizeof(line), "%s", lines[i].line);
        ngx_pimap_tls13_capture_keylog(&c, line);

        tx = client ? lines[i].client : lines[i].server;
        rx = client ? lines[i].server : lines[i].client;

        tap_ok(c.tx_len == tx && c.rx_len == rx, lines[i].line);
    }
}


/* A record of the client arrives at OpenSSL byte by byte. */

static void
partial(int ahead)
{
    int   i, n, ok;
    char  rec[64], byte;

    SSL_CTX_set_read_ahead(peer.server_ctx, ahead);
    opened();

    (void) SSL_read(peer.server, &byte, 1);
    tap_is_str(peer_refusal(), NULL, "nothing pending");

    SSL_write(peer.client, "GET", 3);
    n = BIO_read(peer.up, rec, sizeof(rec));
    ok = 1;

    for (i = 0; i < n - 1; i++) {
        BIO_write(peer.up, rec + i, 1);
        ok &= SSL_read(peer.server, &byte, 1) <= 0 && peer_refusal() != NULL;
    }

    tap_ok(ok, "refused in the middle of a record");

    BIO_write(peer.up, rec + i, 1);
    tap_ok(SSL_read(peer.server, &byte, 1) == 1 && peer_refusal() != NULL,
           "refused until all data is read");
    tap_ok(peer_server_reads("ET"), "the rest of the data");
    tap_is_str(peer_take(), NULL, "then the connection is taken over");
    tap_ok(peer_send("down", 4, 0) && peer_client_reads("down", 4)
           && SSL_write(peer.client, "up", 2) == 2 && peer_receives("up"),
           "and data is exchanged");
    peer_close();

    SSL_CTX_set_read_ahead(peer.server_ctx, 0);
}


static void
refused(const char *why, const char *name)
{
    tap_is_str(peer_refusal(), why, name);
    peer_close();
}


/* A socket that accepts less than a record. */

static void
unsent(void)
{
    BIO   *small, *far;
    char   text[300];

    opened();

    BIO_new_bio_pair(&small, 64, &far, 64);
    SSL_set0_wbio(peer.server, small);
    memset(text, 'x', sizeof(text));

    tap_ok(SSL_write(peer.server, text, sizeof(text)) < 0
           && SSL_get_error(peer.server, -1) == SSL_ERROR_WANT_WRITE,
           "half of a record is sent");
    refused("data is pending", "OpenSSL has the other half");

    BIO_free(far);
}


static void
refusals(void)
{
    SSL_CTX  *server = peer.server_ctx, *client = peer.client_ctx;

    SSL_CTX_set_max_proto_version(client, TLS1_2_VERSION);
    opened();
    refused("not TLS 1.3", "TLS 1.2");
    SSL_CTX_set_max_proto_version(client, 0);

    SSL_CTX_set_ciphersuites(client, "TLS_AES_128_CCM_SHA256");
    SSL_CTX_set_ciphersuites(server, "TLS_AES_128_CCM_SHA256");
    opened();
    refused("cipher suite", "CCM");
    SSL_CTX_set_ciphersuites(client, TLS_DEFAULT_CIPHERSUITES);
    SSL_CTX_set_ciphersuites(server, TLS_DEFAULT_CIPHERSUITES);

    SSL_CTX_set_tlsext_max_fragment_length(client,
                                           TLSEXT_max_fragment_length_1024);
    opened();
    refused("max_fragment_length", "short records");
    SSL_CTX_set_tlsext_max_fragment_length(client, 0);

    opened();
    SSL_shutdown(peer.client);
    peer_server_reads("");
    refused("connection is closing", "close_notify is in");

    SSL_CTX_set_keylog_callback(server, NULL);
    opened();
    refused("secrets are not known", "no key log");
    SSL_CTX_set_keylog_callback(server, peer_keylog);

    SSL_CTX_set_post_handshake_auth(client, 1);
    opened();
    SSL_set_verify(peer.server, SSL_VERIFY_PEER, NULL);
    tap_ok(SSL_verify_client_post_handshake(peer.server) == 1
           && SSL_do_handshake(peer.server) == 1, "certificate asked for");
    refused("authentication after the handshake",
            "the certificate has not arrived");
    SSL_CTX_set_post_handshake_auth(client, 0);
}


int
main(void)
{
    tls13 = ngx_pimap_tls13_ctx_create();
    peer_create();

    keylog(0);
    keylog(1);
    partial(0);
    partial(1);
    unsent();
    refusals();

    peer_destroy();
    ngx_pimap_tls13_ctx_destroy(tls13);

    return tap_done();
}
