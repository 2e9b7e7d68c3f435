
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Addresses: each keeps the spelling of the server, stays inside of the
 * collection and keeps the host.
 */


#include <stdlib.h>

#include "dav_update_job.h"
#include "dav_url.h"
#include "tap.h"


static void
is(char *got, const char *expected, const char *name)
{
    tap_is_mem(got, got ? strlen(got) : 0, expected, name);
    free(got);
}


static void
test_resolve(void)
{
    size_t       i;
    const char  *o = "https://dav.example.com:443";

    static const char  *cases[][3] = {
        { "/a/", "/a/b.vcf", "/a/b.vcf" },
        { "/a/", "/a%2fb/%7euser/x%20y.vcf", "/a%2fb/%7euser/x%20y.vcf" },
        { "/a/", "/a/\xc3\xa4.vcf", "/a/%C3%A4.vcf" },
        { "/a/", "//evil.example.com/x", NULL },
        { "/a/", "/a//b/", "/a/b/" },
        { "/a/", "https://DAV.example.com/a/b?x#y", "/a/b" },
        { "/a/", "http://dav.example.com:8080/a/b", "/a/b" },
        { "/a/", "https://evil.example.com/a/b", NULL },
        { "/a/", "https://u@dav.example.com/a/b", NULL },
        { "/a/b/", "c.vcf", "/a/b/c.vcf" },
        { "/a/", "/a/../b", NULL },
        { "/a/", "/a/%2e%2E/b", NULL },
        { "/a/", "/a/./b", NULL },
        { "/a/", "/a/...", "/a/..." },
        { "/a/", "/a/100%", "/a/100%" },
        { "/a/", "/a/%4 ", "/a/%4%20" },
        { "/a/", "/a/%zz", "/a/%zz" },
        { "/a/", "/a/%0d%0aX\r\n", "/a/%0d%0aX%0D%0A" },
        { "/a/", "/a/me%40x;y", "/a/me%40x;y" },
        { "/a/", "/a/.%2e", NULL },
        { "/a/", "/a/%00", NULL },
        { "/a/", "", NULL },
        { "/a/", "?x", NULL },
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        is(dav_url_resolve(o, cases[i][0], cases[i][1]), cases[i][2],
           cases[i][1]);
    }
}


static void
test_device(void)
{
    size_t  i;

    static const char  *bad[] = {
        "a/b", "https://dav.example.com/a/b", "//evil/a", "/a/../b", "/a//b",
        "/a/%2e%2e/b", "/a/.%2e/b", "/a/b%2fc", "/a/b%5Cc", "/a\\b", "/a/b?x",
        "/a/b#x", "/a/b%3", "/a/\tb", "", "/a/%7f",
    };

    is(dav_url_device("/a/b%20c.vcf"), "/a/b%20c.vcf", "a device's path");

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        is(dav_url_device(bad[i]), NULL, bad[i]);
    }

    tap_ok(dav_url_name("/a%40/", "/%61@/b") != NULL,
           "a member, spelled otherwise");
    tap_ok(!dav_url_name("/a/", "/a/"),
           "the collection is no member of itself");
    tap_ok(!dav_url_name("/a/", "/a/b/c"),
           "a path below a member is no member");
    tap_ok(!dav_url_name("/a/", "/ab"),
           "a path beside the collection is no member");
}


static void
test_compare(void)
{
    size_t  i;

    static const struct {
        const char  *a, *b;
        int          same;
    } cases[] = {
        { "/a/me%40x", "/a/me@x", 1 }, { "/a/%c3%a4", "/a/%C3%A4", 1 },
        { "/a/100%", "/a/100%25", 1 }, { "/a%2Fb", "/a/b", 0 },
        { "/a%2fb", "/a%2Fb", 1 }, { "/a%00", "/a", 0 }, { "/a", "/ab", 0 },
        { "/%41", "/a", 0 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        tap_is_int(dav_url_compare(cases[i].a, cases[i].b) == 0,
                   cases[i].same, cases[i].b);
    }

    tap_ok(dav_url_same_collection("/a/", "/a"), "a collection without \"/\"");
    tap_ok(!dav_url_same_collection("/a/", "/"), "a collection above");
    is(dav_url_canonical("/a;/%7e%zz"), "/a;/%7e%zz", "no canonical path");
    is(dav_url_canonical("/a;/%7e"), "/a%3B/~", "a canonical path");
}


static void
test_split(void)
{
    char  *origin, *path;

    tap_is_int(dav_url_split("HTTPS://Dav.Example.com", &origin, &path), 0,
               "split");
    is(origin, "https://dav.example.com:443", "origin");
    is(path, "/", "path");

    tap_is_int(dav_url_split("http://[::1]:81/x?y", &origin, &path), 0,
               "an address");
    is(origin, "http://[::1]:81", "its origin");
    is(path, "/x?y", "its path");

    tap_is_int(dav_url_split("http://a@b/", &origin, &path), -1, "user");
    tap_is_int(dav_url_split("ftp://b/", &origin, &path), -1, "scheme");
    tap_is_int(dav_url_split("http://", &origin, &path), -1, "no host");
    tap_is_int(dav_url_split("http:///b/", &origin, &path), -1, "no host yet");
    tap_is_int(dav_url_split("http:/b/", &origin, &path), -1, "one slash");
    tap_is_int(dav_url_split("b/x", &origin, &path), -1, "no scheme");
    tap_is_int(dav_url_split("http://b:x/", &origin, &path), -1, "port");
    tap_is_int(dav_url_split("http://b/\r\nX", &origin, &path), -1, "control");

    tap_ok(!dav_url_same_host("https://a:1", "https://ab:1"), "other host");
    tap_ok(dav_url_same_host("https://a:1", "http://A:2"), "same host");
}


static void
check(const char *text, int calendar, const char *why)
{
    const char  *got;

    got = dav_text_check(text, strlen(text), calendar);
    tap_is_mem(got, got ? strlen(got) : 0, why, why ? why : "well-formed");
}


static void
test_text(void)
{
    check("BEGIN:VCARD\r\nFN:A\r\n B\r\nEND:VCARD\r\n", 0, NULL);
    check("begin:vcard\nFN:A\nend:vcard", 0, NULL);
    check("BEGIN:VCALENDAR\nBEGIN:VEVENT\nEND:VEVENT\nEND:VCALENDAR\n", 1,
          NULL);

    check("", 0, "no component");
    check("hello", 0, "text outside of a component");
    check("BEGIN:VCARD\n", 0, "a BEGIN without its END");
    check("END:VCARD\n", 0, "an END without its BEGIN");
    check("BEGIN:VCARD\nEND:VEVENT\n", 0, "an END without its BEGIN");
    check("BEGIN:VCARD\nEND:VCARD\nBEGIN:VCARD\nEND:VCARD\n", 0,
          "not one VCARD");
    check("BEGIN:VCARD\nEND:VCARD\n", 1, "not one VCALENDAR");
    check("BEGIN:VCARD\nFN:\x01\nEND:VCARD\n", 0, "a control character");
    check("BEGIN:VCARD\n<html>\nEND:VCARD\n", 0, "a line that is no property");
    check(" x\n", 0, "text outside of a component");

    tap_ok(dav_text_same("BEGIN:VCARD\r\nFN:A\r\n B\r\nN:X\r\nEND:VCARD\r\n",
                         "BEGIN:VCARD\nN:X\nFN:AB\n\nEND:VCARD"),
           "texts that are folded and sorted otherwise");
    tap_ok(!dav_text_same("BEGIN:VCARD\nFN:A\nEND:VCARD",
                          "BEGIN:VCARD\nFN:a\nEND:VCARD"), "other texts");
    tap_ok(!dav_text_same("BEGIN:A\nX:1\nEND:A\nBEGIN:A\nX:2\nEND:A",
                          "BEGIN:A\nX:2\nEND:A\nBEGIN:A\nX:1\nEND:A"),
           "properties of other components");
    tap_ok(dav_text_etag_same("W/\"a\"", "\"a\""), "a weak ETag");

    tap_ok(dav_text_etag("\"a\""), "an ETag");
    tap_ok(dav_text_etag("W/\"a b\""), "a weak ETag");
    tap_ok(dav_text_etag("123-a"), "an ETag without quotes");
    tap_ok(!dav_text_etag("*"), "an asterisk is no ETag");
    tap_ok(!dav_text_etag("\"a\", *"), "a list with an asterisk is no ETag");
    tap_ok(!dav_text_etag("\"a\", \"b\""), "two ETags are no ETag");
    tap_ok(!dav_text_etag("a\r\nX: y"), "a header is no ETag");
    tap_ok(!dav_text_etag(""), "an empty string is no ETag");
}


int
main(void)
{
    test_resolve();
    test_device();
    test_compare();
    test_split();
    test_text();

    return tap_done();
}
