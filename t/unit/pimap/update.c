
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * An update is an object with an id and a verb, on one line, within limits.
 * A refused update is named by its id if the id is valid.
 */


#include <stdlib.h>

#include "pimap_update.h"
#include "tap.h"


#define ID128  "0123456789abcdef0123456789abcdef0123456789abcdef" \
               "0123456789abcdef0123456789abcdef0123456789abcdef" \
               "0123456789abcdef0123456789abcdef"
#define VERB64 "0123456789abcdef0123456789abcdef" \
               "0123456789abcdef0123456789abcdef"
#define DEEP   "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[" \
               "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"


static const struct {
    const char   *text;
    const char   *id;
    const char   *verb;
    const char   *json;                 /* NULL: as the text */
} good[] = {
    { "{\"id\":\"1\",\"update\":\"flags\"}", "1", "flags", NULL },
    { "{\"update\":\"Email/set\",\"id\":\"!#~[]^\",\"x\":[1,{\"id\":2}]}",
      "!#~[]^", "Email/set", NULL },
    { "\r\n\t {\r\n\"id\":\"a\",\n \"update\":\"b.c_d-e\"} \r\n", "a",
      "b.c_d-e", "{\"id\":\"a\", \"update\":\"b.c_d-e\"}" },
    { "{\"id\":\"\\u0061\",\"update\":\"\\u0062\"}", "a", "b", NULL },
    { "{\"id\":\"" ID128 "\",\"update\":\"" VERB64 "\"}", ID128, VERB64,
      NULL },
};


static const struct {
    const char   *text;
    const char   *why;
    const char   *id;                   /* "": not known */
} bad[] = {
    { "", "text is empty", "" },
    { "\n", "text is empty", "" },
    { "x", "syntax error at byte 1", "" },
    { "[]", "not an object", "" },
    { "{\"id\":\"1\",\"update\":\"b\"", "unexpected end at byte 22", "" },
    { "{\"id\":\"1\",\"update\":\"b\"}x", "text after the object at byte 24",
      "" },
    { "{\"id\":\"1\",\"id\":\"2\",\"update\":\"b\"}",
      "duplicate member at byte 11", "" },
    { "{\"id\":\"1\",\"update\":\"b\",\"x\":" DEEP "}", "nested too deep",
      "" },
    { "{\"update\":\"b\"}", "\"id\" is no string of 1 to 128 bytes", "" },
    { "{\"id\":1,\"update\":\"b\"}", "\"id\" is no string of 1 to 128 bytes",
      "" },
    { "{\"id\":\"\",\"update\":\"b\"}",
      "\"id\" is no string of 1 to 128 bytes", "" },
    { "{\"id\":\"" ID128 "0\",\"update\":\"b\"}",
      "\"id\" is no string of 1 to 128 bytes", "" },
    { "{\"id\":\"a b\",\"update\":\"b\"}", "invalid character in \"id\"",
      "" },
    { "{\"id\":\"a\\\"\",\"update\":\"b\"}", "invalid character in \"id\"",
      "" },
    { "{\"id\":\"a\\\\\",\"update\":\"b\"}", "invalid character in \"id\"",
      "" },
    { "{\"id\":\"a\\u0000\",\"update\":\"b\"}",
      "invalid character in \"id\"", "" },
    { "{\"id\":\"\xc3\xa9\",\"update\":\"b\"}", "invalid character in \"id\"",
      "" },
    { "{\"id\":\"a\\u007f\",\"update\":\"b\"}", "invalid character in \"id\"",
      "" },
    { "{\"id\":\"1\"}", "\"update\" is no string of 1 to 64 bytes", "1" },
    { "{\"id\":\"1\",\"update\":{}}",
      "\"update\" is no string of 1 to 64 bytes", "1" },
    { "{\"id\":\"1\",\"update\":\"\"}",
      "\"update\" is no string of 1 to 64 bytes", "1" },
    { "{\"id\":\"1\",\"update\":\"" VERB64 "0\"}",
      "\"update\" is no string of 1 to 64 bytes", "1" },
    { "{\"id\":\"1\",\"update\":\"a b\"}",
      "invalid character in \"update\"", "1" },
    { "{\"id\":\"1\",\"update\":\"a\\u0000b\"}",
      "invalid character in \"update\"", "1" },
    { "{\"id\":\"1\",\"update\":\"a\\u0000\"}",
      "invalid character in \"update\"", "1" },
};


static void
test_good(void)
{
    char            *text, why[64];
    size_t           i, len;
    pimap_update_t   u;

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        len = strlen(good[i].text);
        text = tap_copy(good[i].text, len);

        tap_is_int(pimap_update_parse(&u, text, len, 1024, why, sizeof(why)),
                   PIMAP_UPDATE_OK, good[i].verb);
        tap_is_mem(u.id.data, u.id.len, good[i].id, "its id");
        tap_is_mem(u.verb.data, u.verb.len, good[i].verb, "its verb");
        tap_is_mem(u.json.data, u.json.len,
                   good[i].json ? good[i].json : good[i].text, "its text");
        free(text);
    }
}


static void
test_bad(void)
{
    char            *text, why[64];
    size_t           i, len;
    pimap_update_t   u;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        len = strlen(bad[i].text);
        text = tap_copy(bad[i].text, len);

        tap_is_int(pimap_update_parse(&u, text, len, 1024, why, sizeof(why)),
                   PIMAP_UPDATE_INVALID, bad[i].why);
        tap_is_str(why, bad[i].why, "the reason");
        tap_is_mem(u.id.len ? u.id.data : "", u.id.len, bad[i].id, "its id");
        tap_ok(memcmp(text, bad[i].text, len) == 0, "the text is unchanged");
        free(text);
    }
}


static void
test_allowed(void)
{
    size_t          i, len;
    char           *list, text[] = "{\"id\":\"1\",\"update\":\"move\"}";
    pimap_update_t  u;

    static const struct {
        const char  *list;
        int          allowed;
    } lists[] = {
        { "move", 1 }, { "*", 1 }, { "copy move", 1 }, { "move  copy", 1 },
        { " move ", 1 }, { "copy *", 1 },
        { "", 0 }, { " ", 0 }, { "mov", 0 }, { "moves", 0 }, { "Move", 0 },
        { "copy,move", 0 }, { "mo ve", 0 }, { "**", 0 }, { "m*", 0 }
    };

    (void) pimap_update_parse(&u, text, strlen(text), 1024, NULL, 0);

    for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        len = strlen(lists[i].list);
        list = tap_copy(lists[i].list, len);

        tap_is_int(pimap_update_allowed(&u, list, len), lists[i].allowed,
                   lists[i].list);
        free(list);
    }
}


int
main(void)
{
    char            text[] = " {\"id\":\"1\",\"update\":\"b\"} ", why[8];
    pimap_update_t  u;

    test_good();
    test_bad();
    test_allowed();

    tap_is_int(pimap_update_parse(&u, text, sizeof(text) - 1, 22, NULL, 0),
               PIMAP_UPDATE_TOO_LARGE, "over the limit");
    tap_is_int(pimap_update_parse(&u, text, sizeof(text) - 1, 23, NULL, 0),
               PIMAP_UPDATE_OK,
               "within the limit: white space is not counted");
    tap_is_int(pimap_update_parse(&u, text, sizeof(text), 99, why,
                                  sizeof(why)),
               PIMAP_UPDATE_INVALID, "a zero byte");
    tap_is_str(why, "zero by", "the reason is cut to its buffer");
    tap_is_int(pimap_update_parse(&u, text, 0, 0, NULL, 0),
               PIMAP_UPDATE_INVALID, "nothing");

    return tap_done();
}
