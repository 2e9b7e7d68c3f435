
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A device's record: a written record is read again unchanged, records of each
 * earlier version are read, an unknown tag is skipped, and bytes that are not
 * a record are refused.
 */


#include <stdlib.h>

#include "tap.h"
#include "ngx_pimap_device_record.h"
#include "records_1.h"
#include "records_2.h"


static uint8_t  buf[4096];


static void
set(ngx_pimap_record_str_t *str, const char *text)
{
    str->data = (uint8_t *) text;
    str->len = strlen(text);
}


static int
is(const ngx_pimap_record_str_t *str, const char *text)
{
    return str->len == strlen(text) && memcmp(str->data, text, str->len) == 0;
}


/* Records of version 1, as t/unit/handover/records_1.h has them. */

static void
plain(ngx_pimap_device_record_t *r)
{
    memset(r, 0, sizeof(ngx_pimap_device_record_t));

    set(&r->location, "/events");
    set(&r->account, "alice");
    set(&r->device, "phone");
    r->address[10] = r->address[11] = 0xff;
    r->address[12] = 127;
    r->address[15] = 1;
    r->ping = 300;
    r->issued = 1700000000;
    r->token = 0x0123456789abcdef;
    r->since = 1700000000123456;
    r->bytes = 70000;
    r->events = 12;
    r->silence = 3;
    r->confirmed = 1;
    r->id.epoch = 1699999999;
    r->id.n = 42;
    r->id_known = 1;
    r->id_newest = 1;
    r->chunked = 1;
    set(&r->out, "unsent");
}


static void
hibernated(ngx_pimap_device_record_t *r)
{
    plain(r);

    r->hibernated = 1;
    r->chunked = 0;
    r->format = 3;
    r->input = 1;
    set(&r->in, "\x17\x03\x03");
    r->tls.suite = 0x1302;
    r->tls.flags = 1;
    r->tls.stalls = 2;
    r->tls.tx_seq = 1 << 20;
    r->tls.rx_seq = 7;
    memset(r->tls.tx_secret, 0xa1, sizeof(r->tls.tx_secret));
    memset(r->tls.rx_secret, 0xb2, sizeof(r->tls.rx_secret));
    r->update_rate[0] = 9;
    r->partial = 1;
    set(&r->message, "{\"upd");
    r->ws.left = 100;
    r->ws.size = 5;
    memcpy(r->ws.head, "\x81\xfe\x00\x69keys", 8);
    r->ws.head_len = 8;
    r->ws.ready = 1;
    r->ws.mask_at = 1;
    r->ws.open = 1;
    r->ws.utf8.need = 1;
    r->ws.utf8.low = 0x80;
    r->ws.utf8.high = 0xbf;
    r->ws.control_len = 2;
    memcpy(r->ws.control, "pi", 2);
}


static void
body(ngx_pimap_device_record_t *r)
{
    plain(r);

    r->format = 1;
    r->input = 2;
    r->coding = 1;
    r->closeafter = 1;
    r->expires = 1700003600;
    r->id_known = 0;
    r->id_earliest = 1;
    r->checksum = 0xdeadbeef;
    r->length = 123456;
    r->blanks = 5;
    r->partial = 1;
    r->body.left = 65536;
    r->body.line = 300;
    r->body.state = 4;
    set(&r->filter, "filter");
}


/* Of version 2, which added the location and the rights of the login. */

static void
rights(ngx_pimap_device_record_t *r)
{
    plain(r);

    set(&r->location, "mail.example.com /events");
    set(&r->key, "mail.example.com\n= /events");
    set(&r->rules, "rules of");
    set(&r->origin_rules, "origins.");
    set(&r->updates, "store move");
    r->ping_default = 1;
    r->revocable = 1;
    r->limited = 1;
}


static int
same(const ngx_pimap_device_record_t *a, const ngx_pimap_device_record_t *b)
{
    size_t   n;
    uint8_t  again[sizeof(buf)];

    n = ngx_pimap_device_record_write(a, buf, sizeof(buf));

    return n != 0
           && n == ngx_pimap_device_record_write(b, again, sizeof(again))
           && memcmp(buf, again, n) == 0;
}


static size_t
unhex(const char *hex, uint8_t *out)
{
    size_t    n;
    unsigned  byte;

    for (n = 0; sscanf(hex + 2 * n, "%2x", &byte) == 1; n++) {
        out[n] = (uint8_t) byte;
    }

    return n;
}


static void
golden(const char *name, const char *hex,
    void (*fill)(ngx_pimap_device_record_t *r))
{
    size_t                     n;
    uint8_t                    bytes[sizeof(buf)];
    ngx_pimap_device_record_t  r, expected;

    n = unhex(hex, bytes);
    fill(&expected);

    tap_ok(ngx_pimap_device_record_read(&r, bytes, n) == 0
           && same(&r, &expected), name);
}


/* Each byte of each member is written, and none changes another one. */

static void
all_members(void)
{
    size_t                     i, n, lost;
    uint8_t                   *p;
    ngx_pimap_device_record_t  r, back;

    plain(&r);
    set(&r.rest, "not read");
    n = ngx_pimap_device_record_write(&r, buf, sizeof(buf));

    tap_ok(n && ngx_pimap_device_record_read(&back, buf, n) == 0
           && is(&back.account, "alice") && is(&back.out, "unsent")
           && is(&back.rest, "not read")
           && back.id.n == 42 && back.bytes == 70000,
           "strings and numbers are read back");

    plain(&r);
    r.revocable = r.limited = 1;
    set(&r.updates, "store move");
    n = ngx_pimap_device_record_write(&r, buf, sizeof(buf));

    tap_ok(n && ngx_pimap_device_record_read(&back, buf, n) == 0
           && back.revocable == 1 && back.limited == 1
           && is(&back.updates, "store move"),
           "the rights of a login are read back");

    lost = 0;
    p = (uint8_t *) &r.tls;

    for (i = 0; i < sizeof(r.tls.tx_secret); i++) {
        plain(&r);
        r.tls.tx_secret[i] = 1;
        n = ngx_pimap_device_record_write(&r, buf, sizeof(buf));
        lost += ngx_pimap_device_record_read(&back, buf, n) != 0
                || memcmp(&back.tls, p, sizeof(r.tls)) != 0;
    }

    tap_is_int(lost, 0, "each byte of a secret is read back");
}


static void
unknown_tag(void)
{
    size_t                     n;
    ngx_pimap_device_record_t  r, expected;

    static const uint8_t  unknown[] = "\xff\xfe\0\0\0\3new";

    hibernated(&expected);

    memcpy(buf, unknown, 9);
    n = 9 + ngx_pimap_device_record_write(&expected, buf + 9, 2000);
    memcpy(buf + n, unknown, 9);

    tap_ok(ngx_pimap_device_record_read(&r, buf, n + 9) == 0
           && is(&r.message, "{\"upd") && r.ws.left == 100,
           "unknown tags are skipped");
}


static void
refused(const char *name, const char *hex)
{
    size_t                     n;
    ngx_pimap_device_record_t  r;

    n = unhex(hex, buf);

    tap_ok(ngx_pimap_device_record_read(&r, buf, n) == -1, name);
}


static void
limits(void)
{
    int                        rc;
    size_t                     i, n, taken;
    uint8_t                   *exact;
    ngx_pimap_device_record_t  r, back;

    hibernated(&r);
    n = ngx_pimap_device_record_write(&r, buf, sizeof(buf));
    rc = 1;

    for (i = 0; i < n; i++) {
        rc &= ngx_pimap_device_record_write(&r, buf, i) == 0;
    }

    tap_ok(rc && ngx_pimap_device_record_write(&r, buf, n) == n,
           "too little space: 0; exact space: written");

    /* memory of exactly this size, for the sanitizer */

    taken = 0;

    for (i = 0; i <= n; i++) {
        exact = malloc(i + 1);
        memcpy(exact, buf, i);
        taken += ngx_pimap_device_record_read(&back, exact, i) == 0;
        free(exact);
    }

    tap_ok(taken > 20 && taken < 60, "cut off: refused except between fields");
}


int
main(void)
{
    golden("version 1: plain", records_1_plain, plain);
    golden("version 1: hibernated WebSocket", records_1_hibernated,
           hibernated);
    golden("version 1: compressed, with a body", records_1_body, body);
    golden("version 2: location and rights", records_2_rights, rights);

    all_members();
    unknown_tag();

    refused("half a head", "0001000000");
    refused("longer than the record", "000100000005616263");
    refused("longer than memory", "0001ffffffff616263");
    refused("a number that is too long", "000a00000003010000");
    refused("bytes that are too long",
            "0005000000110000000000000000000000000000000000");

    limits();

    return tap_done();
}
