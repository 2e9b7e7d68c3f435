
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A text of the bridge that is too long, or has bytes of a server that are no
 * UTF-8, is UTF-8 nevertheless: in the log, and in JSON.
 */


#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <jansson.h>

#include "bridge.h"
#include "tap.h"


/* The text is cut to each size. */

static void
test_cut(const char *whole)
{
    int      valid, begins;
    char     text[64];
    json_t  *json;
    size_t   size, len;

    valid = 1;
    begins = 1;

    for (size = 1; size < sizeof(text); size++) {
        bridge_text_print(text, size, "%s", whole);
        len = strlen(text);

        json = json_string(text);
        valid &= json != NULL && len < size && size - len <= 4;
        begins &= strncmp(text, whole, len) == 0;
        json_decref(json);
    }

    tap_ok(valid, whole);
    tap_ok(begins, "    it is a part of the whole text");
}


static void
test_valid(const char *bytes, const char *expected, const char *name)
{
    char  text[64];

    snprintf(text, sizeof(text), "%s", bytes);
    bridge_text_valid(text);

    tap_is_str(text, expected, name);
}


/* A line of the log, without time and level. */

static void
test_log(const char *bytes, const char *expected, const char *name)
{
    int      fd;
    char     path[] = "/tmp/pimap-text-XXXXXX", line[4096], *text;
    ssize_t  n;

    fd = mkstemp(path);
    bridge_log_open(path, BRIDGE_LOG_NOTICE);
    bridge_log(BRIDGE_LOG_NOTICE, "> %s", bytes);
    bridge_log_open("stderr", BRIDGE_LOG_NOTICE);

    n = read(fd, line, sizeof(line) - 1);
    line[n > 0 ? n - 1 : 0] = '\0';
    text = strstr(line, "> ");

    if (expected) {
        tap_is_str(text ? text + 2 : NULL, expected, name);

    } else {
        tap_ok(g_utf8_validate(line, -1, NULL) && n > 2000, name);
    }

    close(fd);
    unlink(path);
}


int
main(void)
{
    char    large[4096];
    size_t  from, i;

    test_cut("abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefgh");
    test_cut("äöüßäöüßäöüßäöüßäöüßäöüßäöüßäöüßäöüß");
    test_cut("日本語日本語日本語日本語日本語日本語日本語日本語");
    test_cut("😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀");
    test_cut("a😀ä日b😀ä日c😀ä日d😀ä日e😀ä日f😀ä日g😀ä日");

    test_valid("", "", "an empty text");
    test_valid("Entw\xfcrfe", "Entw?rfe", "a byte of Latin-1");
    test_valid("\xff\xfe\x80", "???", "bytes that are never UTF-8");
    test_valid("\xc0\xaf\xe0\x80\xaf", "?????", "overlong characters");
    test_valid("\xed\xa0\x80x", "???x", "half of a pair of UTF-16");
    test_valid("\xf4\x90\x80\x80", "????", "a character above the last one");
    test_valid("a\xe6\x97", "a", "a part of a character at the end");
    test_valid("a\xe6\x97z", "a??z", "    before a letter");

    test_log("Entwürfe 日 😀", "Entwürfe 日 😀", "a line of the log");
    test_log("Entw\xfcrfe", "Entw\\xfcrfe", "    with a byte of Latin-1");
    test_log("\x1b[31m\x7f\n", "\\x1b[31m\\x7f\\x0a", "    with controls");
    test_log("\xc2\x9b" "31m\xc2\xa0", "\\xc2\\x9b31m\xc2\xa0",
             "    with controls of two bytes");

    for (from = 0; from < 4; from++) {

        for (i = from; i + 4 < sizeof(large); i += 4) {
            memcpy(large + i, "😀", 4);
        }

        memset(large, 'x', from);
        large[i] = '\0';

        test_log(large, NULL, "    that is too long");
    }

    return tap_done();
}
