
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A payload of a publisher becomes an event, or is refused with the reason and
 * leaves nothing behind.  Devices get the publisher's text.
 */


#include <errno.h>
#include <stdlib.h>

static void *fail_malloc(size_t size);

#define malloc(size)  fail_malloc(size)
#include "pimap_event.c"
#include "pimap_json_keys.c"
#undef malloc

#include "payloads.h"
#include "tap.h"


#define MAX         4096


static char  *copy;                     /* of exact size, for sanitizers */
static char   why[256];
static int    fail_after = -1;          /* allocations, -1: never */


static void *
fail_malloc(size_t size)
{
    if (fail_after == 0) {
        errno = ENOMEM;
        return NULL;
    }

    if (fail_after > 0) {
        fail_after--;
    }

    return malloc(size);
}


static int
parse(pimap_event_t *ev, const char *payload, size_t len, size_t max)
{
    free(copy);

    copy = malloc(len ? len : 1);
    if (copy == NULL) {
        return PIMAP_EVENT_NO_MEMORY;
    }

    memcpy(copy, payload, len);
    why[0] = '\0';

    return pimap_event_parse(ev, copy, len, max, why, sizeof(why));
}


static void
test_payloads(void)
{
    int               status;
    size_t            i;
    pimap_event_t     ev;
    const payload_t  *p;

    static const pimap_event_t  none;

    for (i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
        p = &payloads[i];

        status = parse(&ev, p->payload, p->len, MAX);

        if (!tap_is_int(status, p->status, p->name)) {
            printf("# why: %s\n", why);
        }

        if (status == PIMAP_EVENT_OK) {
            pimap_event_free(&ev);
            continue;
        }

        tap_ok(why[0] && memcmp(&ev, &none, sizeof(ev)) == 0
               && (status > PIMAP_EVENT_NOT_OBJECT
                   || memcmp(copy, p->payload, p->len) == 0),
               "    has a reason, and leaves nothing behind");
    }
}


static void
test_text(void)
{
    pimap_event_t  ev;

    tap_is_int(parse(&ev, S("\r\n {\r\n\t\"event\" : \"X\",\r\n "
                            "\"a\":[1,\n2\r],\"b\":\"\\r\\n\"\n}\n\t "), MAX),
               PIMAP_EVENT_OK, "text on several lines");
    tap_is_mem(ev.json.data, ev.json.len,
               "{\t\"event\" : \"X\", \"a\":[1,2],\"b\":\"\\r\\n\"}",
               "    is on a line, otherwise unchanged");
    tap_is_mem(ev.id.data, ev.id.len, NULL, "    has no id");
    tap_ok(ev.epoch == 0 && ev.n == 0, "    has no numbers");
    pimap_event_free(&ev);
    tap_ok(ev.json.data == NULL, "    is freed");
    pimap_event_free(&ev);
    tap_ok(ev.json.data == NULL, "    is freed a second time");

    tap_is_int(parse(&ev, S("18446744073709551615-18446744073709551614 "
                            "{\"event\":\n\"X\"} "), MAX),
               PIMAP_EVENT_OK, "text with an id");
    tap_is_mem(ev.id.data, ev.id.len,
               "18446744073709551615-18446744073709551614",
               "    has its text");
    tap_ok(ev.epoch == UINT64_MAX && ev.n == UINT64_MAX - 1,
           "    has its numbers");
    tap_is_int(ev.id.len, PIMAP_EVENT_MAX_ID, "    is of greatest length");
    tap_is_mem(ev.json.data, ev.json.len, "{\"event\":\"X\"}",
               "    is not in the JSON");
    tap_ok(ev.time == 0, "    has no time");
    pimap_event_free(&ev);

    tap_is_int(parse(&ev, S("17-3@1795906579031 {\"event\":\"X\"}"), MAX),
               PIMAP_EVENT_OK, "an id with a time");
    tap_is_mem(ev.id.data, ev.id.len, "17-3", "    the time is not in the id");
    tap_ok(ev.epoch == 17 && ev.n == 3 && ev.time == 1795906579031,
           "    all numbers");
    tap_is_mem(ev.json.data, ev.json.len, "{\"event\":\"X\"}",
               "    the JSON");
    pimap_event_free(&ev);
}


static void
test_members(void)
{
    pimap_event_t  ev;

    tap_is_int(parse(&ev, S("{\"mailbox\":\"Entw\\u00fcrfe\",\"oldMailbox\":"
                            "\"\",\"event\":\"MessageNew\"}"), MAX),
               PIMAP_EVENT_OK, "members");
    tap_is_mem(ev.name.data, ev.name.len, "MessageNew", "    name");
    tap_is_mem(ev.mailbox.data, ev.mailbox.len, "Entw\xc3\xbcrfe",
               "    mailbox is decoded");
    tap_is_mem(ev.old_mailbox.data, ev.old_mailbox.len, "",
               "    empty old mailbox is not absent");
    tap_is_int(ev.types, pimap_types_of_event("MessageNew", 10), "    types");
    pimap_event_free(&ev);

    tap_is_int(parse(&ev, S(EV(",\"mailbox\":\"a\\u0000b\"")), MAX),
               PIMAP_EVENT_OK, "zero in a mailbox");
    tap_ok(ev.mailbox.len == 3 && memcmp(ev.mailbox.data, "a\0b", 3) == 0,
           "    does not end the mailbox");
    tap_is_mem(ev.old_mailbox.data, ev.old_mailbox.len, NULL,
               "    old mailbox is absent");
    tap_is_int(ev.types, 0, "    unknown event has no types");
    tap_is_mem(ev.collection.data, ev.collection.len, NULL,
               "    collection is absent");
    pimap_event_free(&ev);

    tap_is_int(parse(&ev, S(EV(",\"collection\":\"/a/\\u00fc/\"")), MAX),
               PIMAP_EVENT_OK, "a collection");
    tap_is_mem(ev.collection.data, ev.collection.len, "/a/\xc3\xbc/",
               "    is decoded");
    pimap_event_free(&ev);

    tap_is_int(parse(&ev, S(EV(",\"collection\":[\"/a/\"]")), MAX),
               PIMAP_EVENT_OK, "a collection that is no string");
    tap_is_mem(ev.collection.data, ev.collection.len, NULL, "    is ignored");
    pimap_event_free(&ev);
}


static void
test_jmap(void)
{
    pimap_event_t  ev;

    tap_is_int(parse(&ev, S("{\"@type\":\"StateChange\",\"changed\":{"
                            "\"a\":{\"Email\":\"1\",\"Mailbox\":\"2\"},"
                            "\"b\":{\"Quota\":\"3\"},\"c\":{}}}"), MAX),
               PIMAP_EVENT_OK, "StateChange");
    tap_is_mem(ev.name.data, ev.name.len, "state", "    name");
    tap_is_int(ev.types,
               pimap_type_bit("Email", 5) | pimap_type_bit("Mailbox", 7)
               | pimap_type_bit("Quota", 5), "    types of all accounts");
    pimap_event_free(&ev);

    tap_is_int(parse(&ev, S("{\"@type\":\"StateChange\",\"changed\":{"
                            "\"a\":{\"Foo\":\"1\"}}}"), MAX),
               PIMAP_EVENT_OK, "StateChange of an unknown type");
    tap_is_int(ev.types, PIMAP_TYPE_OTHER, "    types");
    pimap_event_free(&ev);

    tap_is_int(parse(&ev, S("{\"@type\":\"CalendarAlert\",\"uid\":\"u\"}"),
                     MAX),
               PIMAP_EVENT_OK, "CalendarAlert");
    tap_is_mem(ev.name.data, ev.name.len, "calendarAlert", "    name");
    tap_is_int(ev.types, pimap_type_bit("CalendarAlert", 13), "    types");
    pimap_event_free(&ev);
}


static void
test_limits(void)
{
    char           text[] = " " EV(",\n\"a\":1") "\n";
    size_t         len;
    pimap_event_t  ev;

    len = sizeof(text) - 3;             /* without white space around it */

    tap_is_int(parse(&ev, S(text), len), PIMAP_EVENT_OK, "size at the limit");
    pimap_event_free(&ev);

    tap_is_int(parse(&ev, S(text), len - 1), PIMAP_EVENT_TOO_LARGE,
               "size over the limit");
    tap_is_int(parse(&ev, S(EV("")), 0), PIMAP_EVENT_TOO_LARGE, "limit zero");
    tap_is_int(parse(&ev, S("1-1 " EV("")), sizeof(EV("")) - 1),
               PIMAP_EVENT_OK, "the id is not limited");
    pimap_event_free(&ev);

    tap_is_int(pimap_event_parse_json(&ev, text, sizeof(text) - 1, MAX,
                                      NULL, 0),
               PIMAP_EVENT_OK, "a body");
    tap_ok(ev.json.data == text + 1, "    the event points into the body");
    pimap_event_free(&ev);

    strcpy(text, "1-1 {}");
    tap_is_int(pimap_event_parse_json(&ev, text, 6, MAX, why, sizeof(why)),
               PIMAP_EVENT_BAD_JSON, "a body has no id");
    tap_is_int(pimap_event_parse_json(&ev, NULL, 0, MAX, NULL, 0),
               PIMAP_EVENT_BAD_JSON, "no body");
    tap_is_int(pimap_event_parse(&ev, NULL, 0, MAX, NULL, 0),
               PIMAP_EVENT_BAD_JSON, "no payload");
}


static void
test_why(void)
{
    char           text[] = "{\"secret\":x}", small[8];
    pimap_event_t  ev;

    parse(&ev, S("{\"secret\":secret}"), MAX);
    tap_is_str(why, "syntax error at byte 11",
               "the reason does not quote the text");

    memset(small, 'x', sizeof(small));
    pimap_event_parse_json(&ev, text, sizeof(text) - 1, MAX, small, 5);
    tap_ok(memcmp(small, "synt\0xxx", 8) == 0,
           "the reason is cut to its buffer");

    pimap_event_parse_json(&ev, text, sizeof(text) - 1, MAX, small, 0);
    tap_ok(small[0] == 's', "the reason has no buffer");
}


/* Each allocation fails in turn. */

static void
test_memory(void)
{
    int            i, n, other, status;
    char           text[4096];
    size_t         len;
    pimap_event_t  ev;

    len = sprintf(text, "{\"event\":\"MessageNew\",\"mailbox\":\"\\u00e4\"");

    for (i = 0; i < 300; i++) {
        len += sprintf(text + len, ",\"%d\":%d", i, i);
    }

    text[len++] = '}';

    other = 0;
    status = PIMAP_EVENT_NO_MEMORY;

    for (n = 0; status != PIMAP_EVENT_OK && n < 1000; n++) {
        fail_after = n;
        status = parse(&ev, text, len, MAX);

        if (status != PIMAP_EVENT_OK && status != PIMAP_EVENT_NO_MEMORY) {
            other++;
        }
    }

    fail_after = -1;

    tap_is_int(n, 6, "each allocation fails in turn");
    tap_is_int(other, 0, "    no failure is reported as bad text");
    pimap_event_free(&ev);
}


int
main(void)
{
    test_payloads();
    test_text();
    test_members();
    test_jmap();
    test_limits();
    test_why();
    test_memory();

    free(copy);

    return tap_done();
}
