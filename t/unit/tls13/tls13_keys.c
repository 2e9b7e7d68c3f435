
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Keys that a caller keeps: the records are those that are sealed without
 * them, they are derived once, and a KeyUpdate or another secret replaces
 * them.
 */


#include "tls13.h"


static const uint8_t  text[] = "0123456789";

static ngx_pimap_tls13_keys_t  keys;

static uint8_t  kept[256], plain[256];


static size_t
seal(ngx_pimap_tls13_t *s, ngx_pimap_tls13_keys_t *k, uint8_t *out)
{
    return ngx_pimap_tls13_seal(tls13, s, k, out, sizeof(kept), text,
                                sizeof(text), 0);
}


static int
peer_opens(size_t len)
{
    size_t                     used;
    ngx_pimap_tls13_result_t   rc;

    rc = NGX_PIMAP_TLS13_SKIP;

    for (used = 0; rc == NGX_PIMAP_TLS13_SKIP; used += tls13_in.used) {
        rc = ngx_pimap_tls13_open(tls13, &tls13_peer, kept + used, len - used,
                                  &tls13_in);
    }

    return rc == NGX_PIMAP_TLS13_DATA && used == len
           && tls13_in.len == sizeof(text)
           && memcmp(tls13_in.data, text, sizeof(text)) == 0;
}


static void
same(int suite)
{
    int                 i, ok;
    size_t              n;
    ngx_pimap_tls13_t   other;

    tls13_pair(suite);
    other = tls13_us;
    memset(&keys, 0, sizeof(keys));
    ok = 1;

    for (i = 0; i < 3; i++) {
        n = seal(&tls13_us, &keys, kept);
        ok &= n != 0 && seal(&other, NULL, plain) == n
              && memcmp(kept, plain, n) == 0;
    }

    tap_ok(ok, tls13_suite[suite]);

    keys.key[0] ^= 1;
    n = seal(&tls13_us, &keys, kept);
    tap_ok(n == seal(&other, NULL, plain) && memcmp(kept, plain, n) != 0,
           "keys that are there are taken");
}


static void
update(int suite)
{
    size_t   n;
    uint8_t  request[NGX_PIMAP_TLS13_UPDATE_SIZE];

    tls13_pair(suite);
    memset(&keys, 0, sizeof(keys));

    tap_ok(peer_opens(seal(&tls13_us, &keys, kept)), "a record");

    ngx_pimap_tls13_seal_update(tls13, &tls13_peer, request, sizeof(request),
                                1);
    (void) tls13_open(request, sizeof(request));
    n = seal(&tls13_us, &keys, kept);

    tap_ok(n > NGX_PIMAP_TLS13_UPDATE_SIZE && peer_opens(n),
           "a KeyUpdate, and a record under its keys");
    tap_ok(peer_opens(seal(&tls13_us, &keys, kept)), "the next one");

    ngx_pimap_tls13_seal_update(tls13, &tls13_us, kept, sizeof(kept), 0);
    (void) ngx_pimap_tls13_open(tls13, &tls13_peer, kept, sizeof(kept),
                                &tls13_in);
    tap_ok(peer_opens(seal(&tls13_us, &keys, kept)),
           "a record after a KeyUpdate of its own");
}


static void
another(void)
{
    tls13_pair(1);
    memset(&keys, 0, sizeof(keys));
    (void) seal(&tls13_us, &keys, kept);

    tls13_pair(1);
    tls13_us.tx_secret[0] ^= 1;
    tls13_peer.rx_secret[0] ^= 1;

    tap_ok(peer_opens(seal(&tls13_us, &keys, kept)),
           "keys of another secret are not taken");

    tls13_us.suite = 0x1304;
    tap_ok(seal(&tls13_us, &keys, kept) == 0, "an unknown suite");
}


int
main(void)
{
    int  suite;

    tls13 = ngx_pimap_tls13_ctx_create();

    for (suite = 0; suite < TLS13_SUITES; suite++) {
        same(suite);
        update(suite);
    }

    another();

    ngx_pimap_tls13_ctx_destroy(tls13);

    return tap_done();
}
