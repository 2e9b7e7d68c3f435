
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Module and bridge share names in Redis, the function library and UTF-8.
 */


#include <stdlib.h>

#include "pimap_event_id.h"
#include "pimap_function_library.h"
#include "pimap_redis_key.h"
#include "pimap_utf8.h"
#include "tap.h"


static void
test_key(const char *key, const char *rest, const char *expected)
{
    size_t       len;
    const char  *account;

    account = NULL;
    len = pimap_redis_key_account(key, strlen(key), 5, rest, &account);

    tap_is_mem(account, len, expected, key);
}


static void
test_library(void)
{
    size_t       len;
    long long    version;
    const char  *text;

    text = pimap_function_library_text(&len);
    version = pimap_function_library_version();

    tap_ok(strncmp(text, "#!lua name=pimap", 16) == 0 && strlen(text) == len,
           "the library has a text that ends with a zero");
    tap_ok(version > 0, "the library has a version");

    tap_is_int(pimap_function_library_status(NULL, version),
               PIMAP_FUNCTION_LIBRARY_READY, "the same version is ready");
    tap_is_int(pimap_function_library_status(NULL, version + 1),
               PIMAP_FUNCTION_LIBRARY_READY, "a newer version is ready");
    tap_is_int(pimap_function_library_status(NULL, version - 1),
               PIMAP_FUNCTION_LIBRARY_OLD, "an older version is replaced");
    tap_is_int(pimap_function_library_status("ERR Function not found", 0),
               PIMAP_FUNCTION_LIBRARY_OLD, "a missing library is loaded");
    tap_is_int(pimap_function_library_status("LOADING Redis is loading", 0),
               PIMAP_FUNCTION_LIBRARY_BUSY, "a Redis that is loading is busy");
    tap_is_int(pimap_function_library_status("ERR unknown command", 0),
               PIMAP_FUNCTION_LIBRARY_REFUSED,
               "a Redis without functions has refused");
}


static void
test_id(const char *text, const char *after, const char *name)
{
    const char        *p;
    pimap_event_id_t   id;

    p = pimap_event_id_scan(&id, text, text + strlen(text));

    tap_is_str(p, after, name);
}


static void
test_utf8(const char *text, long long first, const char *name)
{
    char         again[4];
    const char  *p;

    p = text;

    tap_is_int(pimap_utf8_next(&p, text + strlen(text)), first, name);

    if (first != -1) {
        tap_is_mem(again, pimap_utf8_put(again, first), text,
                   "the character is encoded again");
    }
}


int
main(void)
{
    test_key("pimap:{alice}", "", "alice");
    test_key("pimap:{a}b}", "", "a}b");
    test_key("pimap:{alice}:bridge", ":bridge", "alice");
    test_key("pimap:{alice}:bridge", "", NULL);
    test_key("pimap:{alice}:bright", ":bridge", NULL);
    test_key("pimap:{}", "", NULL);
    test_key("pimap:presence", "", NULL);
    test_key("", "", NULL);

    test_library();

    test_id("12-3 {}", " {}", "an id before a text");
    test_id("12-0", "", "an id without a text");
    test_id("012-3 {}", NULL, "a leading zero in the epoch");
    test_id("12-03 {}", NULL, "a leading zero in the number");
    test_id("12-00", NULL, "two zeros");
    test_id("12-", NULL, "no second number");
    test_id("12", NULL, "no dash");
    test_id("18446744073709551616-1", NULL, "over 64 bits");

    test_utf8("a", 'a', "one byte");
    test_utf8("\xc3\xa9", 0xe9, "two bytes");
    test_utf8("\xe2\x82\xac", 0x20ac, "three bytes");
    test_utf8("\xf0\x9f\x98\x80", 0x1f600, "four bytes");
    test_utf8("\xc0\x80", -1, "overlong");
    test_utf8("\xed\xa0\x80", -1, "a surrogate");
    test_utf8("\xf4\x90\x80\x80", -1, "over U+10FFFF");
    test_utf8("\xe2\x82", -1, "cut");
    test_utf8("\x80", -1, "a continuation byte first");
    test_utf8("", -1, "nothing");

    return tap_done();
}
