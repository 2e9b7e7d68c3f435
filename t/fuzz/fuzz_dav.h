
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the answers of a DAV server whose choices are bytes of the input.
 * Called by dav.c.
 */


#ifndef _FUZZ_DAV_H_INCLUDED_
#define _FUZZ_DAV_H_INCLUDED_


#include <stdarg.h>
#include <stdio.h>

#include "fuzz.h"

#include "bridge_buffer.h"


#define FUZZ_XML                                                              \
    "<?xml version='1.0'?><D:multistatus xmlns:D='DAV:'"                      \
    " xmlns:C='urn:ietf:params:xml:ns:caldav'"                                \
    " xmlns:A='urn:ietf:params:xml:ns:carddav'"                               \
    " xmlns:S='http://calendarserver.org/ns/'"                                \
    " xmlns:I='http://apple.com/ns/ical/'>"


static const char  *fuzz_hrefs[] = {
    "/cal/", "/ab/", "/cal/a/", "/cal/a/1.ics", "/cal/a/2.ics", "/ab/b/",
    "/ab/b/x%20y.vcf", "/p/", "/", "https://dav.example.net/cal/a/3.ics",
    "3.ics", "../x", "/cal/a/%2e%2e/", "/cal/a/%2F", "//other/x", "/cal/a",
    "http://other/cal/", "/cal/a/\xc3\xbc", "", "/cal/a/?x#y"
};

static const char  *fuzz_statuses[] = {
    "HTTP/1.1 200 OK", "HTTP/1.1 404 Not Found", "HTTP/1.1 507 Full",
    "HTTP/1.1 403 No", "HTTP/1.1", "x", "HTTP/1.1 99999999999 x"
};


static void
fuzz_add(bridge_buffer_t *b, const char *format, ...)
{
    char     text[1024];
    va_list  args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);

    bridge_buffer_text(b, text);
}


static const char *
fuzz_href(fuzz_in_t *in)
{
    return fuzz_hrefs[fuzz_byte(in) % fuzz_n(fuzz_hrefs)];
}


/* Bytes of the input up to a zero, as text of an element. */

static void
fuzz_text(bridge_buffer_t *b, fuzz_in_t *in, const char *element)
{
    size_t          len;
    const uint8_t  *data;

    len = fuzz_until(in, 0, &data);

    fuzz_add(b, "<%s>", element);
    bridge_buffer_add(b, (const char *) data, len);
    fuzz_add(b, "</%s>", element);
}


static void
fuzz_kind(bridge_buffer_t *b, fuzz_in_t *in)
{
    unsigned  kind = fuzz_byte(in);

    fuzz_add(b, "<D:resourcetype><D:collection/>%s</D:resourcetype>",
             kind & 1 ? "<C:calendar/>" : kind & 2 ? "<A:addressbook/>" : "");

    if (kind & 4) {
        fuzz_add(b, "<C:supported-calendar-component-set>"
                 "<C:comp name='%s'/></C:supported-calendar-component-set>",
                 kind & 8 ? "VEVENT" : "VTODO");
    }
}


static void
fuzz_props(bridge_buffer_t *b, fuzz_in_t *in)
{
    unsigned  has;

    has = fuzz_byte(in);
    fuzz_add(b, "<D:propstat><D:prop>");

    if (has & 0x01) {
        fuzz_add(b, "<D:getetag>&quot;%u&quot;</D:getetag>",
                 fuzz_byte(in) % 8);
    }

    if (has & 0x02) {
        fuzz_kind(b, in);
    }

    if (has & 0x04) {
        fuzz_text(b, in, "D:sync-token");
    }

    if (has & 0x08) {
        fuzz_text(b, in, "D:displayname");
        fuzz_add(b, "<I:calendar-color>#%u</I:calendar-color>", has);
    }

    if (has & 0x10) {
        fuzz_text(b, in, "C:calendar-data");
    }

    if (has & 0x20) {
        fuzz_add(b, "<S:getctag>%u</S:getctag>", fuzz_byte(in));
    }

    if (has & 0x40) {
        fuzz_add(b, "<D:current-user-principal><D:href>%s</D:href>"
                 "</D:current-user-principal>", fuzz_href(in));
    }

    if (has & 0x80) {
        fuzz_add(b, "<C:calendar-home-set><D:href>%s</D:href>", fuzz_href(in));
        fuzz_add(b, "<D:href>%s</D:href></C:calendar-home-set>",
                 fuzz_href(in));
    }

    fuzz_add(b, "</D:prop><D:status>%s</D:status></D:propstat>",
             fuzz_statuses[fuzz_byte(in) / 16 % fuzz_n(fuzz_statuses)]);
}


static void
fuzz_response(bridge_buffer_t *b, fuzz_in_t *in)
{
    unsigned  how = fuzz_byte(in);

    fuzz_add(b, "<D:response><D:href>%s</D:href>", fuzz_href(in));

    if (how & 0x01) {
        fuzz_add(b, "<D:status>%s</D:status>",
                 fuzz_statuses[how / 32 % fuzz_n(fuzz_statuses)]);
    }

    if (!(how & 0x02)) {
        fuzz_props(b, in);
    }

    if (how & 0x04) {
        fuzz_props(b, in);
    }

    fuzz_add(b, "</D:response>");
}


#endif /* _FUZZ_DAV_H_INCLUDED_ */
