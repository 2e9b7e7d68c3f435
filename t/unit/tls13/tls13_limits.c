
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A key seals no more records than its limit, a sequence number never wraps, a
 * peer that floods is stopped, KeyUpdate is answered once, and the secrets of
 * a closed connection are erased.
 */


#include "tls13.h"


static uint8_t  buf[1024];


static size_t
seal(size_t len)
{
    static const uint8_t  text[] = "0123456789";

    return ngx_pimap_tls13_seal(tls13, &tls13_us, NULL, buf, sizeof(buf), text,
                                len, 0);
}


static ngx_pimap_tls13_result_t
peer_open(size_t used)
{
    return ngx_pimap_tls13_open(tls13, &tls13_peer, buf + used,
                                sizeof(buf) - used, &tls13_in);
}


static void
key_limit(void)
{
    tls13_pair(0);
    tls13_us.tx_seq = tls13_peer.rx_seq = NGX_PIMAP_TLS13_REKEY - 1;

    tap_ok(seal(3) == 3 + NGX_PIMAP_TLS13_OVERHEAD
           && peer_open(0) == NGX_PIMAP_TLS13_DATA, "last record of a key");

    tap_ok(ngx_pimap_tls13_seal_size(&tls13_us, 3, 0)
           == 3 + NGX_PIMAP_TLS13_OVERHEAD + NGX_PIMAP_TLS13_UPDATE_SIZE,
           "at the limit a KeyUpdate is due");

    tap_ok(seal(3) == 3 + NGX_PIMAP_TLS13_OVERHEAD
                      + NGX_PIMAP_TLS13_UPDATE_SIZE
           && peer_open(0) == NGX_PIMAP_TLS13_SKIP
           && peer_open(tls13_in.used) == NGX_PIMAP_TLS13_DATA
           && tls13_us.tx_seq == 1 && tls13_peer.rx_seq == 1
           && !(tls13_peer.flags & NGX_PIMAP_TLS13_OWES_UPDATE),
           "it is sent before the data");

    tls13_us.tx_seq = tls13_peer.rx_seq = NGX_PIMAP_TLS13_LIMIT - 1;
    tap_ok(ngx_pimap_tls13_seal_update(tls13, &tls13_us, buf, sizeof(buf), 0)
           && peer_open(0) == NGX_PIMAP_TLS13_SKIP
           && seal(3) && peer_open(0) == NGX_PIMAP_TLS13_DATA,
           "a KeyUpdate at the limit");

    tls13_us.tx_seq = NGX_PIMAP_TLS13_LIMIT;
    tap_ok(seal(3) == 0 && (tls13_us.flags & NGX_PIMAP_TLS13_TX_CLOSED)
           && tls13_is_zero(tls13_us.tx_secret, NGX_PIMAP_TLS13_SECRET)
           && ngx_pimap_tls13_seal_size(&tls13_us, 3, 0) == 0,
           "no record follows it");

    tls13_pair(0);
    tap_ok(ngx_pimap_tls13_seal_size(&tls13_us, SIZE_MAX, 0) == 0,
           "a key seals no more than its limit");
}


static void
sequence(void)
{
    tls13_pair(2);
    tls13_us.rx_seq = tls13_peer.tx_seq = UINT64_MAX - 1;

    tap_ok(tls13_open(buf, tls13_forge(buf, "x\27", 2))
           == NGX_PIMAP_TLS13_DATA, "last sequence number");

    tap_ok(tls13_open(buf, tls13_forge(buf, "x\27", 2))
           == NGX_PIMAP_TLS13_FATAL, "the sequence number does not wrap");
}


static void
stalls(const char *text, size_t len, const char *name)
{
    int                        i, ok, round;
    ngx_pimap_tls13_result_t   rc;

    ok = 1;
    tls13_pair(0);

    for (round = 0; round < 2; round++) {

        for (i = 0; i < NGX_PIMAP_TLS13_STALLS; i++) {
            rc = tls13_open(buf, tls13_forge(buf, text, len));
            ok &= rc == NGX_PIMAP_TLS13_SKIP;

            if (text[0] == SSL3_MT_KEY_UPDATE) {
                ngx_pimap_tls13_next_secret(tls13, tls13_peer.suite,
                                            tls13_peer.tx_secret);
                tls13_peer.tx_seq = 0;
            }
        }

        if (round == 0) {
            ok &= seal(3) > 0;
        }
    }

    rc = tls13_open(buf, tls13_forge(buf, text, len));

    tap_ok(ok && rc == NGX_PIMAP_TLS13_FATAL
           && tls13_in.alert == SSL_AD_UNEXPECTED_MESSAGE, name);
}


static void
answer(void)
{
    int  i;

    tls13_pair(1);

    for (i = 0; i < 3; i++) {
        ngx_pimap_tls13_seal_update(tls13, &tls13_peer, buf, sizeof(buf), 1);
        (void) tls13_open(buf, sizeof(buf));
    }

    tap_ok(seal(3) == 3 + NGX_PIMAP_TLS13_OVERHEAD
                      + NGX_PIMAP_TLS13_UPDATE_SIZE
           && peer_open(0) == NGX_PIMAP_TLS13_SKIP
           && peer_open(tls13_in.used) == NGX_PIMAP_TLS13_DATA,
           "three requests for a KeyUpdate, one answer");

    tap_ok(seal(3) == 3 + NGX_PIMAP_TLS13_OVERHEAD, "no second answer");
}


static void
forget(void)
{
    size_t             i;
    ngx_pimap_tls13_t  *s;

    static const uint8_t  alerts[] = { 0, SSL_AD_USER_CANCELLED, 10, 20 };

    s = &tls13_us;

    for (i = 0; i < sizeof(alerts); i++) {
        tls13_pair(0);

        tap_ok(ngx_pimap_tls13_seal_alert(tls13, s, buf, 23, alerts[i]) == 0
               && ngx_pimap_tls13_seal_alert(tls13, s, buf, 24, alerts[i])
                  == NGX_PIMAP_TLS13_ALERT_SIZE
               && tls13_is_zero(s->tx_secret, NGX_PIMAP_TLS13_SECRET)
                  == (i != 1)
               && tls13_is_zero(s->rx_secret, NGX_PIMAP_TLS13_SECRET)
                  == (i > 1)
               && (seal(3) != 0) == (i == 1),
               SSL_alert_desc_string_long(alerts[i]));
    }

    tls13_pair(2);
    ngx_pimap_tls13_wipe(tls13, s);
    tap_ok(tls13_is_zero(s->tx_secret, 2 * NGX_PIMAP_TLS13_SECRET)
           && seal(3) == 0
           && tls13_open(buf, 24) == NGX_PIMAP_TLS13_CLOSED
           && !ngx_pimap_tls13_seal_update(tls13, s, buf, sizeof(buf), 0)
           && !ngx_pimap_tls13_seal_alert(tls13, s, buf, sizeof(buf), 0),
           "the secrets are erased");
}


static void
check(void)
{
    ngx_pimap_tls13_t  *s;

    s = &tls13_us;

#define refused(change)                                                       \
    tls13_pair(0);                                                            \
    change;                                                                   \
    tap_ok(ngx_pimap_tls13_check(tls13, s) == -1, #change)

    tls13_pair(0);
    tap_ok(ngx_pimap_tls13_check(tls13, s) == 0, "the state is valid");

    refused(s->suite = 0x1304);
    refused(s->suite = 0x1300);
    refused(s->suite = 0);
    refused(s->tx_seq = NGX_PIMAP_TLS13_LIMIT + 1);
    refused(s->rx_seq = UINT64_MAX);
    refused(s->flags = 0x08);
    refused(s->stalls = NGX_PIMAP_TLS13_STALLS + 1);
}


int
main(void)
{
    tls13 = ngx_pimap_tls13_ctx_create();

    key_limit();
    sequence();
    stalls("\30\0\0\1\1\26", 6, "KeyUpdates without end");
    stalls("\27\0\0", 3, "empty records without end");
    stalls("\1\132\25", 3, "user_canceled without end");
    answer();
    forget();
    check();

    ngx_pimap_tls13_ctx_destroy(tls13);

    return tap_done();
}
