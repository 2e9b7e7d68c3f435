
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Dovecot's OX payload becomes a MessageNew event: only that payload, only
 * with members of the right types, and never with the name of the user.
 */


#include <stdlib.h>

static void *fail_malloc(size_t size);

#define malloc(size)  fail_malloc(size)
#include "pimap_ox.c"
#undef malloc

#include "pimap_types.h"
#include "tap.h"


#define OX(rest)                                                              \
    "{\"user\":\"alice\",\"event\":\"messageNew\",\"folder\":\"INBOX\"" rest


/* event: the expected event, NULL if the OX payload has to be refused */

static const struct {
    const char   *name;
    const char   *body;
    const char   *event;
} bodies[] = {

    { "as Dovecot 2.3 sends it",
      OX(",\"imap-uidvalidity\":1795485619,\"imap-uid\":1,"
         "\"from\":\"bob@example.net\",\"subject\":\"H\xc3\xa4llo push\","
         "\"snippet\":\"first body text\",\"unseen\":1}"),
      "{\"event\":\"MessageNew\",\"mailbox\":\"INBOX\","
      "\"uidvalidity\":1795485619,\"uid\":1,\"from\":\"bob@example.net\","
      "\"subject\":\"H\xc3\xa4llo push\",\"preview\":\"first body text\","
      "\"unseen\":1}" },

    { "absent and unknown members are left out",
      OX(",\"imap-uid\":7,\"x\":[1]}"),
      "{\"event\":\"MessageNew\",\"mailbox\":\"INBOX\",\"uid\":7}" },

    { "any case of the name",
      "{\"user\":\"a\",\"event\":\"MESSAGEnew\",\"folder\":\"\","
      "\"imap-uid\":0}",
      "{\"event\":\"MessageNew\",\"mailbox\":\"\",\"uid\":0}" },

    { "escapes",
      OX(",\"imap-uid\":7,\"subject\":\"\\\"\\\\\\u0000\\n\\ud83d\\ude00\"}"),
      "{\"event\":\"MessageNew\",\"mailbox\":\"INBOX\",\"uid\":7,"
      "\"subject\":\"\\\"\\\\\\u0000\\n\\ud83d\\ude00\"}" },

    { "largest number", OX(",\"imap-uid\":4294967295}"),
      "{\"event\":\"MessageNew\",\"mailbox\":\"INBOX\","
      "\"uid\":4294967295}" },

    { "number over 32 bits", OX(",\"imap-uid\":4294967296}"), NULL },
    { "number below zero", OX(",\"imap-uid\":-1}"), NULL },
    { "uid is a string", OX(",\"imap-uid\":\"7\"}"), NULL },
    { "uid is a real", OX(",\"imap-uid\":7.0}"), NULL },
    { "uidvalidity is a string",
      OX(",\"imap-uid\":7,\"imap-uidvalidity\":\"1\"}"), NULL },
    { "unseen is true", OX(",\"imap-uid\":7,\"unseen\":true}"), NULL },
    { "from is null", OX(",\"imap-uid\":7,\"from\":null}"), NULL },
    { "subject is an array", OX(",\"imap-uid\":7,\"subject\":[]}"), NULL },
    { "snippet is an object", OX(",\"imap-uid\":7,\"snippet\":{}}"), NULL },
    { "folder is a number",
      "{\"user\":\"a\",\"event\":\"messageNew\",\"folder\":1,"
      "\"imap-uid\":7}", NULL }
};


static const struct {
    const char   *name;
    const char   *body;
} others[] = {
    { "our own MessageNew",
      "{\"event\":\"MessageNew\",\"mailbox\":\"INBOX\",\"uid\":1}" },
    { "the name of another event",
      "{\"user\":\"a\",\"event\":\"messageNews\",\"folder\":\"INBOX\","
      "\"imap-uid\":7}" },
    { "no user",
      "{\"event\":\"messageNew\",\"folder\":\"INBOX\",\"imap-uid\":7}" },
    { "no folder",
      "{\"user\":\"a\",\"event\":\"messageNew\",\"imap-uid\":7}" },
    { "no uid", OX("}") },
    { "a StateChange",
      "{\"@type\":\"StateChange\",\"changed\":{},\"user\":\"a\","
      "\"folder\":\"INBOX\",\"imap-uid\":7}" }
};


static int  fail_after = -1;            /* allocations, -1: never */


static void *
fail_malloc(size_t size)
{
    if (fail_after == 0) {
        return NULL;
    }

    if (fail_after > 0) {
        fail_after--;
    }

    return malloc(size);
}


static int
parse(pimap_event_t *ev, const char *body, char **copy)
{
    size_t  len;

    len = strlen(body);
    *copy = malloc(len);

    if (*copy == NULL) {
        return 0;
    }

    memcpy(*copy, body, len);

    return pimap_event_parse_json(ev, *copy, len, len, NULL, 0)
           == PIMAP_EVENT_OK;
}


static void
test_bodies(void)
{
    char           *copy, *text;
    size_t          i, len;
    pimap_event_t   ev;

    for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {

        if (!tap_ok(parse(&ev, bodies[i].body, &copy)
                    && pimap_ox_detect(&ev), bodies[i].name))
        {
            continue;
        }

        len = 1;
        text = pimap_ox_to_event(&ev, &len);

        tap_is_mem(text, len, bodies[i].event, "    its event");

        pimap_event_free(&ev);
        free(copy);

        if (text) {
            tap_ok(pimap_event_parse_json(&ev, text, len, len, NULL, 0)
                   == PIMAP_EVENT_OK
                   && (ev.types & pimap_type_bit("EmailDelivery", 13)),
                   "    is a valid event of new mail");

            pimap_event_free(&ev);
            free(text);
        }
    }
}


static void
test_others(void)
{
    char           *copy;
    size_t          i;
    pimap_event_t   ev;

    for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        tap_ok(parse(&ev, others[i].body, &copy) && !pimap_ox_detect(&ev),
               others[i].name);

        pimap_event_free(&ev);
        free(copy);
    }
}


static void
test_user(void)
{
    char           *copy, buf[8];
    size_t          len;
    pimap_str_t     user;
    pimap_event_t   ev;

    tap_ok(parse(&ev, OX(",\"imap-uid\":7}"), &copy), "a user");
    user = pimap_ox_user(&ev, buf, sizeof(buf));
    tap_is_mem(user.data, user.len, "alice", "    is found");
    pimap_event_free(&ev);
    free(copy);

    tap_ok(parse(&ev, "{\"event\":\"messageNew\",\"folder\":\"INBOX\","
                 "\"imap-uid\":7,\"user\":42}", &copy)
           && pimap_ox_detect(&ev), "a user that is a number");
    user = pimap_ox_user(&ev, buf, sizeof(buf));
    tap_is_mem(user.data, user.len, NULL, "    is ignored");
    pimap_event_free(&ev);
    free(copy);

    tap_ok(parse(&ev, "{\"event\":\"MessageNew\"}", &copy), "another payload");
    user = pimap_ox_user(&ev, buf, sizeof(buf));
    tap_is_mem(user.data, user.len, NULL, "    has no user");
    tap_ok(pimap_ox_to_event(&ev, &len) == NULL, "    is not converted");
    pimap_event_free(&ev);
    free(copy);
}


/* Each allocation of the conversion fails in turn. */

static void
test_memory(void)
{
    int             n;
    char           *copy, *text;
    size_t          len;
    pimap_event_t   ev;

    tap_ok(parse(&ev, bodies[0].body, &copy), "each allocation fails");

    text = NULL;

    for (n = 0; text == NULL && n < 1000; n++) {
        fail_after = n;
        text = pimap_ox_to_event(&ev, &len);
    }

    fail_after = -1;

    tap_is_int(n, 2, "    in turn");
    tap_is_mem(text, text ? len : 0, bodies[0].event,
               "    the last text is complete");

    free(text);
    pimap_event_free(&ev);
    free(copy);
}


int
main(void)
{
    test_bodies();
    test_others();
    test_user();
    test_memory();

    return tap_done();
}
