
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A text of JSON is checked as jansson would, and read where it stands.
 * t/fuzz/json.c compares the two on all kinds of texts.
 */


#include <stdlib.h>

#include <jansson.h>

#include "pimap_json.h"
#include "tap.h"


#define S(s)  s, sizeof(s) - 1


/* Texts of which one byte makes the difference. */

static const struct {
    const char           *text;
    size_t                len;
    pimap_json_status_t   status;
} texts[] = {
    { S("{}"), PIMAP_JSON_OK },
    { S(" {\r\n}\t"), PIMAP_JSON_OK },
    { S("{\"\":{\"\":[[],{}]}}"), PIMAP_JSON_OK },
    { S("{\"a\":[1,-0,0.5,1e5,1E-5,1e+5,true,false,null,\"\"]}"),
      PIMAP_JSON_OK },
    { S("[]"), PIMAP_JSON_NOT_OBJECT },
    { S("1"), PIMAP_JSON_NOT_OBJECT },
    { S("1e5"), PIMAP_JSON_NOT_OBJECT },
    { S("true"), PIMAP_JSON_NOT_OBJECT },
    { S("\"\""), PIMAP_JSON_NOT_OBJECT },

    { S("{"), PIMAP_JSON_BAD },
    { S("}"), PIMAP_JSON_BAD },
    { S("{]"), PIMAP_JSON_BAD },
    { S("{,}"), PIMAP_JSON_BAD },
    { S("{\"a\"}"), PIMAP_JSON_BAD },
    { S("{\"a\":}"), PIMAP_JSON_BAD },
    { S("{\"a\":1,}"), PIMAP_JSON_BAD },
    { S("{\"a\":1 \"b\":2}"), PIMAP_JSON_BAD },
    { S("{\"a\":1}}"), PIMAP_JSON_BAD },
    { S("{\"a\":1},"), PIMAP_JSON_BAD },
    { S("{a:1}"), PIMAP_JSON_BAD },
    { S("{1:1}"), PIMAP_JSON_BAD },
    { S("{\"a\":[}"), PIMAP_JSON_BAD },
    { S("{\"a\":[1,]}"), PIMAP_JSON_BAD },
    { S("{\"a\":[,1]}"), PIMAP_JSON_BAD },
    { S("{\"a\":[1 2]}"), PIMAP_JSON_BAD },
    { S("{\"a\":[1}]"), PIMAP_JSON_BAD },

    { S("{\"a\":01}"), PIMAP_JSON_BAD },
    { S("{\"a\":+1}"), PIMAP_JSON_BAD },
    { S("{\"a\":-}"), PIMAP_JSON_BAD },
    { S("{\"a\":.5}"), PIMAP_JSON_BAD },
    { S("{\"a\":1.}"), PIMAP_JSON_BAD },
    { S("{\"a\":1e}"), PIMAP_JSON_BAD },
    { S("{\"a\":1e+}"), PIMAP_JSON_BAD },
    { S("{\"a\":0x1}"), PIMAP_JSON_BAD },
    { S("{\"a\":NaN}"), PIMAP_JSON_BAD },
    { S("{\"a\":tru}"), PIMAP_JSON_BAD },
    { S("{\"a\":truex}"), PIMAP_JSON_BAD },
    { S("1e"), PIMAP_JSON_BAD },

    { S("{\"a\":9223372036854775807}"), PIMAP_JSON_OK },
    { S("{\"a\":9223372036854775808}"), PIMAP_JSON_BAD },
    { S("{\"a\":-9223372036854775808}"), PIMAP_JSON_OK },
    { S("{\"a\":-9223372036854775809}"), PIMAP_JSON_BAD },
    { S("{\"a\":10000000000000000000}"), PIMAP_JSON_BAD },
    { S("{\"a\":1.7976931348623157e308}"), PIMAP_JSON_OK },
    { S("{\"a\":1.7976931348623159e308}"), PIMAP_JSON_BAD },
    { S("{\"a\":17976931348623157e292}"), PIMAP_JSON_OK },
    { S("{\"a\":17976931348623159e292}"), PIMAP_JSON_BAD },
    { S("{\"a\":0.000017976931348623157e313}"), PIMAP_JSON_OK },
    { S("{\"a\":0.000017976931348623159e313}"), PIMAP_JSON_BAD },
    { S("{\"a\":-1e309}"), PIMAP_JSON_BAD },
    { S("{\"a\":1e99999999999999999999}"), PIMAP_JSON_BAD },
    { S("{\"a\":1e-99999999999999999999}"), PIMAP_JSON_OK },
    { S("{\"a\":0e99999999999999999999}"), PIMAP_JSON_OK },
    { S("{\"a\":0.0e999}"), PIMAP_JSON_OK },

    { S("{\"a\":\"\x7f\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"}"),
      PIMAP_JSON_OK },
    { S("{\"a\":\"\xc0\x80\"}"), PIMAP_JSON_BAD },
    { S("{\"a\":\"\xe0\x80\x80\"}"), PIMAP_JSON_BAD },
    { S("{\"a\":\"\xed\xa0\x80\"}"), PIMAP_JSON_BAD },
    { S("{\"a\":\"\xf4\x90\x80\x80\"}"), PIMAP_JSON_BAD },
    { S("{\"a\":\"\xc3\"}"), PIMAP_JSON_BAD },
    { S("{\"a\":\"\xa4\"}"), PIMAP_JSON_BAD },
    { S("{\"a\":\"\xff\"}"), PIMAP_JSON_BAD },
    { S("{\"a\":\xc3\xa4}"), PIMAP_JSON_BAD },
    { S("{\"a\":\"\n\"}"), PIMAP_JSON_BAD },
    { S("{\"a\":\"\t\"}"), PIMAP_JSON_BAD },
    { S("{\"a\":\"\0\"}"), PIMAP_JSON_BAD },
    { S("{\"a\":1\0}"), PIMAP_JSON_BAD },
    { S("{}\0"), PIMAP_JSON_BAD },

    { S("{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\uD83D\\uDE00\"}"),
      PIMAP_JSON_OK },
    { S("{\"a\":\"\\x\"}"), PIMAP_JSON_BAD },
    { S("{\"a\":\"\\"), PIMAP_JSON_BAD },
    { S("{\"a\":\"\\\0\"}"), PIMAP_JSON_BAD },
    { S("{\"a\":\"\\u12\"}"), PIMAP_JSON_BAD },
    { S("{\"a\":\"\\u12g4\"}"), PIMAP_JSON_BAD },
    { S("{\"a\":\"\\ud83d\"}"), PIMAP_JSON_BAD },
    { S("{\"a\":\"\\ud83dx\"}"), PIMAP_JSON_BAD },
    { S("{\"a\":\"\\ud83d\\ud83d\"}"), PIMAP_JSON_BAD },
    { S("{\"a\":\"\\ude00\"}"), PIMAP_JSON_BAD },
    { S("{\"a\":\"\\u0000\"}"), PIMAP_JSON_OK },
    { S("{\"\\u0000\":1}"), PIMAP_JSON_BAD },

    { S("{\"a\":1,\"b\":1,\"a\":1}"), PIMAP_JSON_BAD },
    { S("{\"a\":1,\"\\u0061\":1}"), PIMAP_JSON_BAD },
    { S("{\"\xc3\xa4\":1,\"\\u00e4\":1}"), PIMAP_JSON_BAD },
    { S("{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":1}"), PIMAP_JSON_BAD },
    { S("{\"\":1,\"\":1}"), PIMAP_JSON_BAD },
    { S("{\"a\":{\"a\":1},\"b\":{\"a\":1}}"), PIMAP_JSON_OK },
    { S("{\"a\":1,\"b\":{\"a\":1,\"a\":1}}"), PIMAP_JSON_BAD },
    { S("{\"a\":1,\"b\":[{\"a\":1},{\"a\":1}],\"c\":1}"), PIMAP_JSON_OK },
};


static pimap_json_status_t
check(const char *text, size_t len)
{
    char                 *copy, *p;         /* of exact size, for sanitizers */
    pimap_json_error_t    err;
    pimap_json_status_t   status;

    copy = malloc(len ? len : 1);
    memcpy(copy, text, len);

    p = copy;
    status = pimap_json_check(&p, &len, 1024 * 1024, NULL, 0, &err);

    free(copy);

    return status;
}


static void
test_texts(void)
{
    size_t   i;
    json_t  *json;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        tap_is_int(check(texts[i].text, texts[i].len), texts[i].status,
                   texts[i].text);

        /* jansson stops at a zero byte after a number */

        json = json_loadb(texts[i].text, texts[i].len,
                          JSON_REJECT_DUPLICATES|JSON_DECODE_ANY
                          |JSON_ALLOW_NUL, NULL);

        tap_ok((json != NULL) == (texts[i].status != PIMAP_JSON_BAD)
               || memchr(texts[i].text, '\0', texts[i].len),
               "    jansson thinks so, too");

        json_decref(json);
    }
}


/* The greatest double and what is half a step beyond it, with all digits. */

static void
test_exact(void)
{
    char    text[1024];
    size_t  len;

    static const char  half[] =
        "17976931348623158079372897140530341507993413271003782693617377898044"
        "49682927647509466490179775872070963302864166928879109465555478519404"
        "02630657488671505820681908902000708383676273854845817711531764475730"
        "27006985557136695962284291481986083493647529271907416844436551070434"
        "2711559699508093042880177904174497792";

    len = sprintf(text, "{\"a\":%s.0}", half);
    tap_is_int(check(text, len), PIMAP_JSON_BAD, "rounded up, out of range");

    len = sprintf(text, "{\"a\":%s.9}", half);
    text[len - 4]--;
    tap_is_int(check(text, len), PIMAP_JSON_OK, "rounded down");

    len = sprintf(text, "{\"a\":%s.%0600d1}", half, 0);
    text[len - 604]--;
    tap_is_int(check(text, len), PIMAP_JSON_OK, "rounded down, many digits");
}


static void
test_depth(void)
{
    char    text[256];
    size_t  i, n;

    for (n = PIMAP_JSON_MAX_DEPTH; n <= PIMAP_JSON_MAX_DEPTH + 1; n++) {
        strcpy(text, "{\"a\":");

        for (i = 1; i < n; i++) {
            strcat(text, "[");
        }

        for (i = 1; i < n; i++) {
            strcat(text, "]");
        }

        strcat(text, "}");

        tap_is_int(check(text, strlen(text)),
                   n == PIMAP_JSON_MAX_DEPTH ? PIMAP_JSON_OK
                                             : PIMAP_JSON_TOO_DEEP,
                   "depth");
    }
}


/* Few names are compared, many are sorted. */

static void
test_names(void)
{
    int     i, n;
    char   *text;
    size_t  len;

    text = malloc(65536);

    for (n = 30; n <= 3000; n *= 10) {
        len = sprintf(text, "{\"x\":1");

        for (i = 0; i < n; i++) {
            len += sprintf(text + len, ",\"%s%d\":1", i % 2 ? "\\u0061" : "a",
                           i);
        }

        text[len] = '}';
        tap_is_int(check(text, len + 1), PIMAP_JSON_OK, "different names");

        len += sprintf(text + len, ",\"a%d\":1}", n / 2 + 1);
        tap_is_int(check(text, len), PIMAP_JSON_BAD, "one is there twice");
    }

    free(text);
}


static void
test_read(void)
{
    char                 buf[16];
    const char          *p;
    pimap_str_t          object, name, value, str;
    pimap_json_member_t  members[] = {
        { .name = "mailbox" }, { .name = "none" }, { .name = "n" }
    };

    object.data = "{ \"a\":{\"n\":[\"}\\\"\",{}]} , \"n\" : -1.5 ,"
                  "\"mail\\u0062ox\":\"\\u00e4\\ud83d\\ude00b\"}";
    object.len = strlen(object.data);

    pimap_json_find(&object, members, 3);

    tap_is_mem(members[0].value.data, members[0].value.len,
               "\"\\u00e4\\ud83d\\ude00b\"", "a name with an escape");
    tap_ok(members[1].value.data == NULL, "a member that is absent");
    tap_is_mem(members[2].value.data, members[2].value.len, "-1.5",
               "a member, not that of another object");

    tap_is_int(pimap_json_string(&members[0].value, buf, sizeof(buf), &str),
               0, "a string");
    tap_is_mem(str.data, str.len, "\xc3\xa4\xf0\x9f\x98\x80" "b",
               "    its characters");
    tap_is_int(pimap_json_string(&members[0].value, buf, 6, &str), -1,
               "    is too long");
    tap_is_int(pimap_json_string(&members[1].value, buf, 0, &str), 0,
               "no value");
    tap_ok(str.data == NULL, "    is no string");
    tap_is_int(pimap_json_string(&members[2].value, buf, sizeof(buf), &str),
               -1, "a number is no string");

    p = NULL;
    tap_ok(pimap_json_next(&object, &p, &name, &value), "the first member");
    tap_is_mem(value.data, value.len, "{\"n\":[\"}\\\"\",{}]}", "    whole");
    tap_ok(pimap_json_is_object(&value), "    an object");
    tap_ok(pimap_json_next(&object, &p, &name, &value)
           && pimap_json_next(&object, &p, &name, &value), "two more");
    tap_is_mem(name.data, name.len, "\"mail\\u0062ox\"", "    a name");
    tap_ok(!pimap_json_next(&object, &p, &name, &value), "no more");
}


/* The check finds what a second look finds, as far as it comes. */

static void
test_found(void)
{
    char                *p, text[256];
    size_t               len;
    pimap_str_t          object;
    pimap_json_error_t   err;
    pimap_json_member_t  members[] = {
        { .name = "a" }, { .name = "b" }, { .name = "event" },
        { .name = "none" }
    };

    static const char  found[] =
        "{\"x\":{\"a\":1,\"event\":[]},\"e\\u0076ent\":\"\\\"y\",\"a\" :\r\n"
        "[ {\"b\":2} , {} ]\n,\"\":3,\"\\ud83d\\ude00\":4,\"b\":{}}";

    strcpy(text, found);
    p = text;
    len = strlen(text);

    tap_is_int(pimap_json_check(&p, &len, len, members, 4, &err),
               PIMAP_JSON_OK, "members on the way");
    tap_is_mem(members[0].value.data, members[0].value.len,
               "[ {\"b\":2} , {} ]", "    an array, not of another object");
    tap_is_mem(members[1].value.data, members[1].value.len, "{}",
               "    an empty object");
    tap_is_mem(members[2].value.data, members[2].value.len, "\"\\\"y\"",
               "    a string with an escape in its name");
    tap_ok(members[3].value.data == NULL, "    none");

    object.data = text;
    object.len = pimap_json_squeeze(text, len);
    tap_is_int(object.len, strlen(found) - 3, "without line breaks");

    pimap_json_find(&object, members, 4);
    tap_is_mem(members[0].value.data, members[0].value.len,
               "[ {\"b\":2} , {} ]", "    the array again");

    /* no member is left from the text before */

    strcpy(text, "{\"a\":1,\"c\":2}");
    p = text;
    len = strlen(text);

    tap_is_int(pimap_json_check(&p, &len, len, members, 4, &err),
               PIMAP_JSON_OK, "another text");
    tap_is_mem(members[0].value.data, members[0].value.len, "1",
               "    a member of it");
    tap_ok(members[1].value.data == NULL, "    none of the first");
}


/* Each character at each place, so that words of any alignment have it. */

static void
test_words(void)
{
    int     c;
    char    text[64];
    size_t  i, n, bad;

    bad = 0;

    for (n = 1; n < 40; n++) {
        for (i = 0; i < n; i++) {
            for (c = 1; c < 256; c++) {
                memcpy(text, "{\"", 2);
                memset(text + 2, 'x', n);
                memcpy(text + 2 + n, "\":0}", 4);
                text[2 + i] = (char) c;

                bad += check(text, n + 6)
                       != (c < ' ' || c == '"' || c == '\\' || c >= 0x80
                           ? PIMAP_JSON_BAD : PIMAP_JSON_OK);
            }
        }
    }

    tap_is_int(bad, 0, "each character at each place of a string");
}


int
main(void)
{
    test_texts();
    test_exact();
    test_depth();
    test_names();
    test_read();
    test_found();
    test_words();

    return tap_done();
}
