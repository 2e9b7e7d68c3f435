
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A record that is not allowed ends the connection with the alert of RFC 8446.
 * A damaged record is never taken for data.  A record may arrive in any
 * pieces.
 */


#include "tls13.h"


#define FATAL(alert)  NGX_PIMAP_TLS13_FATAL, SSL_AD_##alert


typedef struct {
    const char                *name;
    const char                *text;
    size_t                     len;
    ngx_pimap_tls13_result_t   rc;
    uint8_t                    alert;
} content_t;


#define content(text)  text, sizeof(text) - 1


static const content_t  contents[] = {

    { "data", content("hello\27"), NGX_PIMAP_TLS13_DATA, 0 },
    { "data, padded", content("hello\27\0\0\0"), NGX_PIMAP_TLS13_DATA, 0 },
    { "data that ends with zero", content("hell\0\27"),
      NGX_PIMAP_TLS13_DATA, 0 },
    { "no data", content("\27"), NGX_PIMAP_TLS13_SKIP, 0 },
    { "no data, padded", content("\27\0\0\0\0"), NGX_PIMAP_TLS13_SKIP, 0 },

    { "nothing", content(""), FATAL(UNEXPECTED_MESSAGE) },
    { "zeros only", content("\0\0\0\0"), FATAL(UNEXPECTED_MESSAGE) },
    { "unknown content type", content("hello\30"),
      FATAL(UNEXPECTED_MESSAGE) },
    { "change_cipher_spec inside", content("\1\24"),
      FATAL(UNEXPECTED_MESSAGE) },

    { "close_notify", content("\1\0\25"), NGX_PIMAP_TLS13_CLOSED, 0 },
    { "close_notify, level fatal", content("\2\0\25"),
      NGX_PIMAP_TLS13_CLOSED, 0 },
    { "close_notify, padded", content("\1\0\25\0\0"),
      NGX_PIMAP_TLS13_CLOSED, 0 },
    { "user_canceled", content("\1\132\25"), NGX_PIMAP_TLS13_SKIP,
      SSL_AD_USER_CANCELLED },
    { "fatal alert", content("\2\24\25"), NGX_PIMAP_TLS13_ALERT,
      SSL_AD_BAD_RECORD_MAC },
    { "fatal alert, level warning", content("\1\24\25"),
      NGX_PIMAP_TLS13_ALERT, SSL_AD_BAD_RECORD_MAC },
    { "unknown alert", content("\1\372\25"), NGX_PIMAP_TLS13_ALERT, 250 },
    { "empty alert", content("\25"), FATAL(UNEXPECTED_MESSAGE) },
    { "half an alert", content("\1\25"), FATAL(DECODE_ERROR) },
    { "two alerts", content("\1\132\1\0\25"), FATAL(DECODE_ERROR) },

    { "KeyUpdate", content("\30\0\0\1\0\26"), NGX_PIMAP_TLS13_SKIP, 0 },
    { "KeyUpdate, padded", content("\30\0\0\1\1\26\0\0"),
      NGX_PIMAP_TLS13_SKIP, 0 },
    { "KeyUpdate of unknown kind", content("\30\0\0\1\2\26"),
      FATAL(ILLEGAL_PARAMETER) },
    { "KeyUpdate, long", content("\30\0\0\2\0\0\26"), FATAL(DECODE_ERROR) },
    { "KeyUpdate, empty", content("\30\0\0\0\26"), FATAL(DECODE_ERROR) },
    { "KeyUpdate, very long", content("\30\1\0\1\0\26"),
      FATAL(DECODE_ERROR) },
    { "KeyUpdate, split", content("\30\0\0\1\26"),
      FATAL(UNEXPECTED_MESSAGE) },
    { "KeyUpdate, split early", content("\30\26"),
      FATAL(UNEXPECTED_MESSAGE) },
    { "KeyUpdate twice", content("\30\0\0\1\0\30\0\0\1\0\26"),
      FATAL(UNEXPECTED_MESSAGE) },
    { "message before KeyUpdate",
      content("\4\0\0\1\0\30\0\0\1\0\26"), FATAL(UNEXPECTED_MESSAGE) },
    { "empty handshake message", content("\26"), FATAL(UNEXPECTED_MESSAGE) },
    { "ClientHello", content("\1\0\0\2\3\3\26"), FATAL(UNEXPECTED_MESSAGE) },
    { "NewSessionTicket", content("\4\0\0\1\0\26"),
      FATAL(UNEXPECTED_MESSAGE) },
    { "Certificate", content("\13\0\0\4\0\0\0\0\26"),
      FATAL(UNEXPECTED_MESSAGE) },
    { "Finished", content("\24\0\0\1\0\26"), FATAL(UNEXPECTED_MESSAGE) }
};


static const content_t  headers[] = {
    { "plain alert", content("\25\3\3\0\2"), FATAL(UNEXPECTED_MESSAGE) },
    { "plain change_cipher_spec", content("\24\3\3\0\1"),
      FATAL(UNEXPECTED_MESSAGE) },
    { "plain handshake", content("\26\3\3\1\0"), FATAL(UNEXPECTED_MESSAGE) },
    { "HTTP", content("GET /"), FATAL(UNEXPECTED_MESSAGE) },
    { "version of TLS 1.0", content("\27\3\1\0\24"), FATAL(DECODE_ERROR) },
    { "version of TLS 1.3", content("\27\3\4\0\24"), FATAL(DECODE_ERROR) },
    { "longest record", content("\27\3\3\101\0"), NGX_PIMAP_TLS13_AGAIN, 0 },
    { "too long", content("\27\3\3\101\1"), FATAL(RECORD_OVERFLOW) },
    { "much too long", content("\27\3\3\377\377"), FATAL(RECORD_OVERFLOW) },
    { "shorter than a tag", content("\27\3\3\0\17"), FATAL(BAD_RECORD_MAC) },
    { "empty record", content("\27\3\3\0\0"), FATAL(BAD_RECORD_MAC) }
};


/* A direction that has ended has no secrets. */

static int
is_ended(const content_t *c)
{
    int  ended;

    ended = (c->rc != NGX_PIMAP_TLS13_DATA && c->rc != NGX_PIMAP_TLS13_SKIP
             && c->rc != NGX_PIMAP_TLS13_AGAIN);

    return tls13_is_zero(tls13_us.rx_secret, NGX_PIMAP_TLS13_SECRET) == ended
           && tls13_is_zero(tls13_us.tx_secret, NGX_PIMAP_TLS13_SECRET)
              == (c->rc == NGX_PIMAP_TLS13_ALERT);
}


static void
table(const content_t *c, size_t n, int forge)
{
    size_t   len;
    uint8_t  buf[128];

    for ( /* void */ ; n; n--, c++) {
        tls13_pair(0);

        if (forge) {
            len = tls13_forge(buf, c->text, c->len);

        } else {
            len = c->len;
            memcpy(buf, c->text, len);
        }

        tap_ok(tls13_open(buf, len) == c->rc && tls13_in.alert == c->alert
               && is_ended(c), c->name);
    }
}


static void
overflow(void)
{
    size_t          n;

    static uint8_t  text[NGX_PIMAP_TLS13_PLAINTEXT + 2];
    static uint8_t  buf[NGX_PIMAP_TLS13_RECORD];

    tls13_pair(0);
    memset(text, 23, sizeof(text));

    n = tls13_forge(buf, text, sizeof(text) - 1);
    tap_ok(tls13_open(buf, n) == NGX_PIMAP_TLS13_DATA
           && tls13_in.len == NGX_PIMAP_TLS13_PLAINTEXT, "longest content");

    text[1] = 0;
    n = tls13_forge(buf, text, sizeof(text));
    tap_ok(tls13_open(buf, n) == NGX_PIMAP_TLS13_FATAL
           && tls13_in.alert == SSL_AD_RECORD_OVERFLOW, "content too long");
}


/* Each bit of a record is flipped; OpenSSL's error queue stays empty. */

static void
flips(int suite)
{
    int      ok;
    size_t   i, n;
    uint8_t  rec[64], buf[64];

    ok = 1;
    tls13_pair(suite);
    n = tls13_forge(rec, "hello, world\27\0", 14);

    for (i = 0; i < 8 * n; i++) {
        tls13_pair(suite);
        memcpy(buf, rec, n);
        buf[i / 8] ^= (uint8_t) (1 << i % 8);

        if (tls13_open(buf, n) == NGX_PIMAP_TLS13_AGAIN) {

            /* a longer length: more bytes do not help */

            ok &= (i / 8 == 3 || i / 8 == 4);
            continue;
        }

        ok &= tls13_in.data == NULL && ERR_peek_error() == 0
              && (tls13_us.flags & NGX_PIMAP_TLS13_RX_CLOSED);

        if (i / 8 > 4) {
            ok &= tls13_in.alert == SSL_AD_BAD_RECORD_MAC
                  && tls13_is_zero(buf + 5, n - 5);
        }
    }

    tap_ok(ok, tls13_suite[suite]);
}


static void
pieces(void)
{
    int      ok;
    size_t   i, n;
    uint8_t  buf[64];

    ok = 1;
    tls13_pair(1);
    n = tls13_forge(buf, "hello, world\27", 13);

    for (i = 0; i < n; i++) {
        ok &= tls13_open(buf, i) == NGX_PIMAP_TLS13_AGAIN
              && tls13_in.used == 0
              && tls13_in.need == (i < 5 ? 5 : n);
    }

    tap_ok(ok && tls13_open(buf, n) == NGX_PIMAP_TLS13_DATA
           && memcmp(tls13_in.data, "hello, world", tls13_in.len) == 0,
           "a record byte by byte");

    tap_ok(tls13_open(buf, n) == NGX_PIMAP_TLS13_FATAL, "a record again");
    tap_ok(tls13_open(buf, n) == NGX_PIMAP_TLS13_CLOSED, "after the end");
}


int
main(void)
{
    int  suite;

    tls13 = ngx_pimap_tls13_ctx_create();

    table(contents, sizeof(contents) / sizeof(contents[0]), 1);
    table(headers, sizeof(headers) / sizeof(headers[0]), 0);
    overflow();
    pieces();

    for (suite = 0; suite < TLS13_SUITES; suite++) {
        flips(suite);
    }

    ngx_pimap_tls13_ctx_destroy(tls13);

    return tap_done();
}
