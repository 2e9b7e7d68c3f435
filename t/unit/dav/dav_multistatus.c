
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Answers of WebDAV servers, whole and byte by byte, and errors that end the
 * reading. Lists of etags, and the difference of two lists.
 */


#include <stdio.h>
#include <stdlib.h>

#include "dav_etag_list.h"
#include "dav_multistatus.h"
#include "tap.h"


#define HEAD    "<?xml version='1.0'?><multistatus xmlns='DAV:'>"
#define TAIL    "</multistatus>"


static char  seen[4096];


static void
response(void *data, const dav_response_t *r)
{
    int     i;
    size_t  len = strlen(seen);

    static const char  *names[] = {
        "etag", "ctag", "token", "name", "color", "principal", "card", "cal",
        "data", "href"
    };

    len += snprintf(seen + len, sizeof(seen) - len, "[%d %x", r->status,
                    r->flags);

    for (i = 0; i < DAV_TEXTS; i++) {
        if (r->text[i]) {
            len += snprintf(seen + len, sizeof(seen) - len, " %s=%s",
                            names[i], r->text[i]);
        }
    }

    snprintf(seen + len, sizeof(seen) - len, "]");
}


/* The result for an answer in pieces of this size, or the error. */

static const char *
parse(const char *xml, size_t piece)
{
    size_t                     i, n, len;
    static char                why[256];
    dav_multistatus_t         *m;
    dav_multistatus_limits_t   limits = { 1000000, 10, 3 };

    const dav_multistatus_result_t  *result;

    seen[0] = '\0';
    m = dav_multistatus_create(&limits, response, NULL);
    result = dav_multistatus_result(m);
    len = strlen(xml);

    for (i = 0; i < len; i += n) {
        n = len - i < piece ? len - i : piece;

        if (dav_multistatus_feed(m, xml + i, n) == -1) {
            break;
        }
    }

    if (i < len || dav_multistatus_end(m) == -1) {
        snprintf(why, sizeof(why), "%s", result->why);
        dav_multistatus_free(m);
        return why;
    }

    i = strlen(seen);

    if (result->token) {
        i += snprintf(seen + i, sizeof(seen) - i, "token=%s", result->token);
    }

    if (result->invalid_token) {
        snprintf(seen + i, sizeof(seen) - i, "error=1");
    }

    dav_multistatus_free(m);

    return seen;
}


static void
is(const char *xml, const char *expected, const char *name)
{
    const char  *got;

    got = parse(xml, 1000000);
    tap_is_mem(got, strlen(got), expected, name);

    got = parse(xml, 1);
    tap_ok(strcmp(got, expected) == 0, "byte by byte");
}


static void
test_answers(void)
{
    is(HEAD "<response><href> /a/1.vcf\n</href><propstat><prop>"
       "<getetag>&quot;x&quot;</getetag></prop><status>HTTP/1.1 200 OK"
       "</status></propstat><propstat><prop><displayname>no</displayname>"
       "</prop><status>HTTP/1.1 404 Not Found</status></propstat></response>"
       "<response><href>/a/2.vcf</href><status>HTTP/1.1 404 Gone</status>"
       "</response><sync-token>t</sync-token>" TAIL,
       "[200 0 etag=\"x\" href=/a/1.vcf][404 0 href=/a/2.vcf]token=t",
       "changes");

    is("<D:multistatus xmlns:D='DAV:' xmlns:C='urn:ietf:params:xml:ns:caldav'"
       " xmlns:S='http://calendarserver.org/ns/'><D:response><D:href>/c/"
       "</D:href><D:propstat><D:prop><D:resourcetype><D:collection/>"
       "<C:calendar/></D:resourcetype><S:getctag>7</S:getctag>"
       "<C:supported-calendar-component-set><C:comp name='VEVENT'/>"
       "<C:comp name='X'/></C:supported-calendar-component-set></D:prop>"
       "<D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>"
       "</D:multistatus>", "[200 15 ctag=7 href=/c/]", "a calendar");

    is(HEAD "<response><href>/</href><propstat><prop><current-user-principal>"
       "<href>/p/</href></current-user-principal>"
       "<A:addressbook-home-set xmlns:A='urn:ietf:params:xml:ns:carddav'>"
       "<href>/h1/</href><href>/h2/</href></A:addressbook-home-set></prop>"
       "<status>HTTP/1.1 200 OK</status></propstat></response>" TAIL,
       "[200 0 principal=/p/ card=/h1/\n/h2/ href=/]", "home collections");

    is("<error xmlns='DAV:'><valid-sync-token/></error>", "error=1",
       "an error element");
    is(HEAD "<response><href>/a</href><x><response><href>/b</href></response>"
       "</x></response>" TAIL, "[200 0 href=/a]",
       "unknown elements are skipped");
    is(HEAD "<response><href>/a<b/></href></response>" TAIL, "",
       "an href with elements");
    is("<html><body>no</body></html>", "", "HTML");
}


static void
test_limits(void)
{
    int    i;
    char  *big;

    is(HEAD "<response>", "no element found", "an answer that is cut off");
    is("garbage", "syntax error", "garbage");
    is("<!DOCTYPE x [<!ENTITY a 'b'>]>" HEAD TAIL,
       "answer has a document type", "a DTD");
    is(HEAD "<response><href>/1</href></response><response/><response/>"
       "<response/>" TAIL, "answer has too many responses",
       "responses over the limit");

    big = calloc(1, 400000);

    strcpy(big, HEAD);

    for (i = 0; i < 40; i++) {
        strcat(big, "<a>");
    }

    is(big, "answer is nested too deep", "nesting over the limit");

    strcpy(big, HEAD "<response><href>");
    memset(big + strlen(big), 'x', 5000);
    is(big, "text is too long", "a text over the limit");

    memset(big, 0, 400000);
    strcpy(big, HEAD "<response><href>/a</href><propstat><prop>"
           "<A:address-data xmlns:A='urn:ietf:params:xml:ns:carddav'>"
           "12345678901</A:address-data></prop><status>HTTP/1.1 200 OK"
           "</status></propstat></response>" TAIL);
    is(big, "[200 0 href=/a]", "data over the limit is left out");

    memset(big, 0, 400000);
    strcpy(big, "<multistatus a='");
    memset(big + strlen(big), 'x', 300000);
    tap_ok(strcmp(parse(big, 100000), "tag is too long") == 0,
           "a tag that does not end");

    free(big);
}


static const char *
show(const dav_etag_list_t *l)
{
    static char  text[1024];
    unsigned     i;

    for (i = 0, text[0] = '\0'; i < l->n; i++) {
        strcat(strcat(strcat(strcat(text, l->items[i]), "="),
                      dav_etag_list_etag(l->items[i])), " ");
    }

    return text;
}


static void
list(dav_etag_list_t *l, const char *names)
{
    char  name[2] = "", etag[2] = "";

    memset(l, 0, sizeof(*l));

    for ( /* void */ ; *names; names += 2) {
        name[0] = names[0];
        etag[0] = names[1] == '-' ? '\0' : names[1];
        dav_etag_list_add(l, name, etag);
    }

    dav_etag_list_sort(l);
}


static void
test_lists(void)
{
    dav_etag_list_t  a, b, delta;
    const char  *got;

    list(&a, "c1a1b1d1");
    list(&b, "e1b2d1c1");
    memset(&delta, 0, sizeof(delta));

    dav_etag_list_diff(&a, &b, &delta);
    got = show(&delta);
    tap_is_mem(got, strlen(got), "a= b=2 e=1 ", "the difference of two lists");

    dav_etag_list_apply(&a, &delta);
    tap_ok(strcmp(show(&delta), "a= b=2 e=1 ") == 0,
           "applying it changes each entry");
    got = show(&a);
    tap_is_mem(got, strlen(got), "b=2 c=1 d=1 e=1 ", "applied");

    dav_etag_list_apply(&a, &delta);
    tap_is_int(delta.n, 0, "applying it again changes nothing");
    tap_is_int(a.n, 4, "    the list stays the same");

    dav_etag_list_page(&a, "b", 2);
    got = show(&a);
    tap_is_mem(got, strlen(got), "c=1 d=1 ", "a page of the list");

    tap_is_int(dav_etag_list_add(&a, "", "x"), -1, "an empty name is refused");

    dav_etag_list_free(&a);
    dav_etag_list_free(&b);
    dav_etag_list_free(&delta);
}


int
main(void)
{
    test_answers();
    test_limits();
    test_lists();

    return tap_done();
}
