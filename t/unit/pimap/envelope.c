
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A line that names its account has "account", "event" and maybe "key", in any
 * order and in any spelling of JSON, and nothing else.
 */


#include <stdlib.h>

#include "pimap_envelope.h"
#include "tap.h"


#define KEY128  "0123456789abcdef0123456789abcdef0123456789abcdef" \
                "0123456789abcdef0123456789abcdef0123456789abcdef" \
                "0123456789abcdef0123456789abcdef"
#define NO_KEY  "\"key\" is no string of 1 to 128 bytes"


static const struct {
    const char   *text;
    const char   *account;
    const char   *event;
    const char   *key;
} good[] = {
    { "{\"account\":\"a@b\",\"event\":{\"event\":\"X\"}}", "a@b",
      "{\"event\":\"X\"}", NULL },
    { " {\"key\": \"" KEY128 "\" ,\"event\": {} , \"account\" :\"b\"} \r",
      "b", "{}", KEY128 },
    { "{\"\\u0061ccount\":\"\\u0061\",\"event\":{\"account\":1},"
      "\"k\\u0065y\":\"\\n\"}", "a", "{\"account\":1}", "\n" },
};


static const struct {
    const char   *text;
    const char   *why;
} bad[] = {
    { "", "text is empty" },
    { "\"account\"", "not an object" },
    { "{\"account\":\"a\",\"event\":{}}x",
      "text after the object at byte 27" },
    { "{\"account\":\"a\",\"event\":{}", "unexpected end at byte 25" },
    { "{}", "no \"account\"" },
    { "{\"account\":\"a\"}", "no \"event\"" },
    { "{\"event\":{}}", "no \"account\"" },
    { "{\"account\":null,\"event\":{}}", "\"account\" is no name" },
    { "{\"account\":\"\",\"event\":{}}", "\"account\" is no name" },
    { "{\"account\":\"a\",\"event\":[]}", "\"event\" is not an object" },
    { "{\"account\":\"a\",\"event\":{},\"key\":1}", NO_KEY },
    { "{\"account\":\"a\",\"event\":{},\"key\":\"\"}", NO_KEY },
    { "{\"account\":\"a\",\"event\":{},\"key\":\"" KEY128 "0\"}", NO_KEY },
    { "{\"account\":\"a\",\"event\":{},\"Key\":\"1\"}",
      "a member besides \"account\", \"event\" and \"key\"" },
};


int
main(void)
{
    char              *text, why[128];
    size_t             i;
    pimap_envelope_t   e;

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        text = tap_copy(good[i].text, strlen(good[i].text));

        tap_is_int(pimap_envelope_parse(&e, text, strlen(good[i].text), why,
                                        sizeof(why)),
                   PIMAP_JSON_OK, good[i].text);
        tap_is_mem(e.account.data, e.account.len, good[i].account, "account");
        tap_is_mem(e.event.data, e.event.len, good[i].event, "event");
        tap_is_mem(e.key.data, e.key.len, good[i].key, "key");

        free(text);
    }

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        text = tap_copy(bad[i].text, strlen(bad[i].text));

        tap_ok(pimap_envelope_parse(&e, text, strlen(bad[i].text), why,
                                    sizeof(why))
               != PIMAP_JSON_OK, bad[i].text);
        tap_is_mem(why, strlen(why), bad[i].why, "the reason");

        free(text);
    }

    return tap_done();
}
