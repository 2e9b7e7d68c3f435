
/*
 * Copyright (C) ngx_pimap_module authors
 */


#include "dav_xml.h"
#include "bridge_buffer.h"

#include <stdio.h>


#define DAV_XML_HEAD    "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
#define DAV_XML_CARD    "urn:ietf:params:xml:ns:carddav"
#define DAV_XML_CAL     "urn:ietf:params:xml:ns:caldav"


static void dav_xml_escape(bridge_buffer_t *b, const char *text);
static char *dav_xml_done(bridge_buffer_t *b);


char *
dav_xml_principal(void)
{
    return bridge_string(DAV_XML_HEAD
        "<D:propfind xmlns:D=\"DAV:\" xmlns:A=\"" DAV_XML_CARD "\""
        " xmlns:C=\"" DAV_XML_CAL "\"><D:prop><D:current-user-principal/>"
        "<A:addressbook-home-set/><C:calendar-home-set/></D:prop>"
        "</D:propfind>\n");
}


char *
dav_xml_home(void)
{
    return bridge_string(DAV_XML_HEAD
        "<D:propfind xmlns:D=\"DAV:\" xmlns:C=\"" DAV_XML_CAL "\""
        " xmlns:S=\"http://calendarserver.org/ns/\""
        " xmlns:I=\"http://apple.com/ns/ical/\""
        " xmlns:B=\"http://inf-it.com/ns/ab/\"><D:prop><D:resourcetype/>"
        "<D:displayname/><D:sync-token/><S:getctag/><I:calendar-color/>"
        "<B:addressbook-color/><C:supported-calendar-component-set/>"
        "</D:prop></D:propfind>\n");
}


char *
dav_xml_etags(void)
{
    return bridge_string(DAV_XML_HEAD
        "<D:propfind xmlns:D=\"DAV:\"><D:prop><D:getetag/><D:resourcetype/>"
        "</D:prop></D:propfind>\n");
}


char *
dav_xml_sync(const char *token, unsigned limit)
{
    char        n[64];
    bridge_buffer_t  b;

    memset(&b, 0, sizeof(b));

    bridge_buffer_text(&b, DAV_XML_HEAD "<D:sync-collection xmlns:D=\"DAV:\">"
                      "<D:sync-token>");
    dav_xml_escape(&b, token);
    bridge_buffer_text(&b, "</D:sync-token><D:sync-level>1</D:sync-level>");

    if (limit) {
        snprintf(n, sizeof(n), "<D:limit><D:nresults>%u</D:nresults>"
                 "</D:limit>", limit);
        bridge_buffer_text(&b, n);
    }

    bridge_buffer_text(&b,
                       "<D:prop><D:getetag/></D:prop></D:sync-collection>\n");

    return dav_xml_done(&b);
}


char *
dav_xml_multiget(int calendar, char **paths, unsigned n)
{
    unsigned     i;
    bridge_buffer_t   b;
    const char  *kind;

    memset(&b, 0, sizeof(b));
    kind = calendar ? "calendar" : "addressbook";

    bridge_buffer_text(&b, DAV_XML_HEAD "<C:");
    bridge_buffer_text(&b, kind);
    bridge_buffer_text(&b, "-multiget xmlns:D=\"DAV:\" xmlns:C=\"");
    bridge_buffer_text(&b, calendar ? DAV_XML_CAL : DAV_XML_CARD);
    bridge_buffer_text(&b, "\"><D:prop><D:getetag/><C:");
    bridge_buffer_text(&b, calendar ? "calendar" : "address");
    bridge_buffer_text(&b, "-data/></D:prop>");

    for (i = 0; i < n; i++) {
        bridge_buffer_text(&b, "<D:href>");
        dav_xml_escape(&b, paths[i]);
        bridge_buffer_text(&b, "</D:href>");
    }

    bridge_buffer_text(&b, "</C:");
    bridge_buffer_text(&b, kind);
    bridge_buffer_text(&b, "-multiget>\n");

    return dav_xml_done(&b);
}


/* What XML can't have is left out. */

static void
dav_xml_escape(bridge_buffer_t *b, const char *text)
{
    for ( /* void */ ; *text; text++) {

        switch (*text) {

        case '&':
            bridge_buffer_text(b, "&amp;");
            break;

        case '<':
            bridge_buffer_text(b, "&lt;");
            break;

        case '>':
            bridge_buffer_text(b, "&gt;");
            break;

        default:
            if ((unsigned char) *text >= ' ' || *text == '\t') {
                bridge_buffer_char(b, *text);
            }
        }
    }
}


static char *
dav_xml_done(bridge_buffer_t *b)
{
    bridge_buffer_char(b, '\0');

    return b->data;
}
