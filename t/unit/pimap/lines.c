
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Lines of events have a limit of bytes, a key only if both of its parts are
 * short names, and an account only if it is a name.  Without memory nothing is
 * added any more.
 */


#include <stdlib.h>

static void *fail_realloc(void *p, size_t size);

#define realloc(p, size)  fail_realloc(p, size)
#include "pimap_lines.c"
#undef realloc

#include "tap.h"


#define LONG64  "0123456789abcdef0123456789abcdef0123456789abcdef" \
                "0123456789abcd"


#define LINE    "{\"account\":\"123\",\"event\":{\"event\":\"X\",\"x\":[1]}}\n"


static int  fail;


static void *
fail_realloc(void *p, size_t size)
{
    return fail ? NULL : realloc(p, size);
}


static pimap_str_t
str(const char *text)
{
    pimap_str_t  s;

    s.data = text;
    s.len = text ? strlen(text) : 0;

    return s;
}


static void
line(pimap_lines_t *lines, const char *account, const char *key,
    const char *more)
{
    pimap_str_t  a, k, m, value;

    a = str(account);
    k = str(key);
    m = str(more);
    value = str("[1]");

    pimap_lines_begin(lines, &a, "X");
    pimap_lines_member(lines, "x", &value);
    value = str(NULL);
    pimap_lines_member(lines, "y", &value);
    pimap_lines_end(lines, &k, &m);
}


static void
is(const char *account, const char *key, const char *more, const char *text)
{
    pimap_lines_t  lines;

    pimap_lines_init(&lines, 1000);
    line(&lines, account, key, more);
    tap_is_mem(lines.data, lines.len, text, text);
    pimap_lines_free(&lines);
}


int
main(void)
{
    int            i;
    pimap_str_t    uid;
    pimap_lines_t  lines;

    is("\"a\\n\"", "7", "\"k\"", "{\"account\":\"a\\n\",\"event\":"
       "{\"event\":\"X\",\"x\":[1]},\"key\":\"7/k\"}\n");
    is("17", NULL, "1",
       "{\"account\":\"17\",\"event\":{\"event\":\"X\",\"x\":[1]}}\n");
    is("1.5", "1", NULL, "{\"event\":{\"event\":\"X\",\"x\":[1]}}\n");
    is("-1", "true", "1", "{\"event\":{\"event\":\"X\",\"x\":[1]}}\n");
    is("null", "1", "[1]", "{\"event\":{\"event\":\"X\",\"x\":[1]}}\n");
    is(NULL, "\"" LONG64 "\"", "1", "{\"event\":{\"event\":\"X\",\"x\":[1]},"
       "\"key\":\"" LONG64 "/1\"}\n");
    is(NULL, "\"" LONG64 "x\"", "1",
       "{\"event\":{\"event\":\"X\",\"x\":[1]}}\n");

    pimap_lines_init(&lines, 1000);
    uid = str("7");
    pimap_lines_list(&lines, "uids");
    pimap_lines_item(&lines, &uid, 1);
    pimap_lines_item(&lines, &uid, 0);
    pimap_lines_list_end(&lines);
    tap_is_mem(lines.data, lines.len, ",\"uids\":[7,7]", "a list");
    pimap_lines_free(&lines);

    /* exactly as much as there is room for */

    pimap_lines_init(&lines, 100 * (sizeof(LINE) - 1));

    for (i = 0; i < 100; i++) {
        line(&lines, "123", NULL, NULL);
    }

    tap_is_int(lines.status, PIMAP_JSON_OK, "lines up to the limit");
    tap_is_int(lines.len, 100 * (sizeof(LINE) - 1), "    all are there");
    tap_is_int(lines.n, 100, "    they are counted");
    line(&lines, "123", NULL, NULL);
    tap_is_int(lines.status, PIMAP_JSON_TOO_LARGE, "    one more: too large");
    tap_ok(lines.len <= lines.max, "    and nothing is beyond the limit");
    pimap_lines_free(&lines);

    pimap_lines_init(&lines, 100000);
    line(&lines, "123", NULL, NULL);
    fail = 1;

    for (i = 0; i < 100; i++) {
        line(&lines, "123", NULL, NULL);
    }

    tap_is_int(lines.status, PIMAP_JSON_NO_MEMORY, "no memory");
    fail = 0;
    i = lines.len;
    line(&lines, "123", NULL, NULL);
    tap_is_int(lines.len, i, "    nothing is added later");
    pimap_lines_free(&lines);

    return tap_done();
}
