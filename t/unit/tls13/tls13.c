
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The records of RFC 8448 ("Example Handshake Traces for TLS 1.3", section 3)
 * are written byte for byte, and are read.  Records that one side seals, the
 * other side opens: sizes, padding, in place, alerts, KeyUpdate.
 */


#include "tls13.h"


static const char  client_secret[] =
    "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5";
static const char  server_secret[] =
    "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643";
static const char  client_iv[] = "5b78923dee08579033e523d9";
static const char  server_iv[] = "cf782b88dd83549aadf1e984";
static const char  server_ticket[] =
    "17030300de3a6b8f90414a97d6959c3487680de5134a2b240e6cffac116e95d41d6af8f6"
    "b580dcf3d11d63c758db289a015940252f55713e061dc13e078891a38efbcf5753ad8ef1"
    "70ad3c7353d16d9da773b9ca7f2b9fa1b6c0d4a3d03f75e09c30ba1e62972ac46f75f7b9"
    "81be63439b2999ce13064615139891d5e4c5b406f16e3fc181a77ca475840025db2f0a77"
    "f81b5ab05b94c01346755f69232c86519d86cbeeac87aac347d143f9605d64f650db4d02"
    "3e70e952ca49fe5137121c74bc2697687e248746d6df353005f3bce18696129c8153556b"
    "3b6c6779b37bf15985684f";
static const char  client_data[] =
    "1703030043a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f2b9819a8"
    "a5b46b395bd54a9a20441e2b62974e1f5a6292a2977014bd1e3deae63aeebb21694915e4";
static const char  server_data[] =
    "17030300432e937e11ef4ac740e538ad36005fc4a46932fc3225d05f82aa1b36e30efaf9"
    "7d90e6dffc602dcb501a59a8fcc49c4bf2e5f0a21c0047c2abf332540dd032e167c2955d";
static const char  client_close[] =
    "1703030013c9872760655666b74d7ff1153efd6db6d0b0e3";
static const char  server_close[] =
    "1703030013b58fd67166ebf599d24720cfbe7efa7a8864a9";


static size_t
unhex(uint8_t *out, const char *hex)
{
    size_t    n;
    unsigned  byte;

    for (n = 0; sscanf(hex + 2 * n, "%2x", &byte) == 1; n++) {
        out[n] = (uint8_t) byte;
    }

    return n;
}


static int
is_hex(const uint8_t *data, size_t len, const char *hex)
{
    uint8_t  expected[512];

    return unhex(expected, hex) == len && memcmp(data, expected, len) == 0;
}


/* The trace seen from one side; a server has sent its ticket already. */

static void
trace(const char *tx, const char *rx, const char *iv, const char *data,
    const char *close, uint64_t seq)
{
    size_t              i, n;
    uint8_t             out[128], text[50], got[NGX_PIMAP_TLS13_NONCE];
    ngx_pimap_tls13_t  *s;

    s = &tls13_us;

    tls13_pair(0);
    unhex(s->tx_secret, tx);
    unhex(s->rx_secret, rx);
    s->tx_seq = seq;

    for (i = 0; i < sizeof(text); i++) {
        text[i] = (uint8_t) i;
    }

    tap_ok(ngx_pimap_tls13_load(tls13, s->suite, s->tx_secret, 1, got)
           && is_hex(got, sizeof(got), iv), "RFC 8448: iv");

    n = ngx_pimap_tls13_seal(tls13, s, NULL, out, sizeof(out), text, 50, 0);
    tap_ok(is_hex(out, n, data), "RFC 8448: data sealed");

    n = ngx_pimap_tls13_seal_alert(tls13, s, out, sizeof(out), 0);
    tap_ok(is_hex(out, n, close), "RFC 8448: close_notify sealed");
}


static void
trace_open(const char *rx, const char *data, const char *close, uint64_t seq)
{
    size_t              n;
    uint8_t             buf[128];

    tls13_pair(0);
    unhex(tls13_us.rx_secret, rx);
    tls13_us.rx_seq = seq;

    n = unhex(buf, data);
    tap_ok(tls13_open(buf, n) == NGX_PIMAP_TLS13_DATA && tls13_in.len == 50
           && tls13_in.data[0] == 0 && tls13_in.data[49] == 49
           && tls13_in.used == n, "RFC 8448: data opened");

    n = unhex(buf, close);
    tap_ok(tls13_open(buf, n) == NGX_PIMAP_TLS13_CLOSED,
           "RFC 8448: close_notify opened");
}


static void
trace_ticket(void)
{
    size_t   n;
    uint8_t  buf[256];

    tls13_pair(0);
    unhex(tls13_us.rx_secret, server_secret);

    n = unhex(buf, server_ticket);

    tap_ok(tls13_open(buf, n) == NGX_PIMAP_TLS13_FATAL
           && tls13_in.alert == SSL_AD_UNEXPECTED_MESSAGE
           && buf[5] == SSL3_MT_NEWSESSION_TICKET,
           "RFC 8448: a ticket is opened, and is not expected");
}


/* We seal "size" bytes; the peer opens them as the same text. */

static int
carries(size_t len, size_t pad, int tail)
{
    size_t                     size, n;
    uint8_t                   *p, *end;
    ngx_pimap_tls13_result_t   rc;

    static uint8_t             text[TLS13_BIG], buf[2 * TLS13_BIG];

    for (n = 0; n < len; n++) {
        text[n] = (uint8_t) (n * 31 + len);
    }

    size = ngx_pimap_tls13_seal_size(&tls13_us, len, pad);
    p = text;

    if (tail) {
        p = buf + size - len;
        memcpy(p, text, len);
    }

    if (ngx_pimap_tls13_seal(tls13, &tls13_us, NULL, buf, size - 1, p, len,
                             pad)
        || ngx_pimap_tls13_seal(tls13, &tls13_us, NULL, buf, size, p, len, pad)
           != size)
    {
        return 0;
    }

    p = buf;
    end = buf + size;
    n = 0;

    while (p < end) {
        rc = ngx_pimap_tls13_open(tls13, &tls13_peer, p, (size_t) (end - p),
                                  &tls13_in);

        if (rc == NGX_PIMAP_TLS13_DATA) {

            if (n + tls13_in.len > len
                || memcmp(tls13_in.data, text + n, tls13_in.len) != 0)
            {
                return 0;
            }

            n += tls13_in.len;

        } else if (rc != NGX_PIMAP_TLS13_SKIP) {
            return 0;
        }

        p += tls13_in.used;
    }

    return n == len;
}


static void
round_trip(int suite)
{
    size_t  i, j;
    int     ok, tail;

    static const size_t  len[] = {
        1, 15, 16, 350, 16383, 16384, 16385, 32768, 40000, TLS13_BIG
    };
    static const size_t  pad[] = { 0, 1, 7, 256, 4096, 16384, 100000 };

    tls13_pair(suite);
    ok = 1;

    for (i = 0; i < sizeof(len) / sizeof(len[0]); i++) {
        for (j = 0; j < sizeof(pad) / sizeof(pad[0]); j++) {
            for (tail = 0; tail < 2; tail++) {

                if (tail) {
                    tls13_us.flags |= NGX_PIMAP_TLS13_OWES_UPDATE;
                }

                ok &= carries(len[i], pad[j], tail);
            }
        }
    }

    tap_ok(ok, tls13_suite[suite]);
}


/* RFC 8446, 5.4: the size of a record shows only the number of blocks. */

static void
padded(size_t pad)
{
    int     ok;
    size_t  len, plain, max;

    tls13_pair(0);
    ok = 1;
    max = NGX_PIMAP_TLS13_PLAINTEXT + 1;

    for (len = 1; len < max; len++) {

        plain = ngx_pimap_tls13_seal_size(&tls13_us, len, pad)
                - (NGX_PIMAP_TLS13_OVERHEAD - 1);

        if (plain < len + 1 || plain > max
            || plain != (len + pad) / pad * pad)
        {
            ok &= plain == max && len + 1 > max / pad * pad;
        }
    }

    tap_ok(ok, "content and type are padded to whole blocks");
    tap_ok(ngx_pimap_tls13_seal_size(&tls13_us, max, pad)
           == max - 1 + NGX_PIMAP_TLS13_OVERHEAD
              + pad + NGX_PIMAP_TLS13_OVERHEAD - 1,
           "so are those of the last record");
}


int
main(void)
{
    int  suite;

    tls13 = ngx_pimap_tls13_ctx_create();

    trace(server_secret, client_secret, server_iv, server_data, server_close,
          1);
    trace(client_secret, server_secret, client_iv, client_data, client_close,
          0);
    trace_open(client_secret, client_data, client_close, 0);
    trace_open(server_secret, server_data, server_close, 1);
    trace_ticket();

    for (suite = 0; suite < TLS13_SUITES; suite++) {
        round_trip(suite);
    }

    padded(16);
    padded(100);
    padded(4096);

    ngx_pimap_tls13_ctx_destroy(tls13);

    return tap_done();
}
