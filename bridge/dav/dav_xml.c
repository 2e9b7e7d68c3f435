
/*
 * Copyright (C) ngx_pimap_module authors
 */


#include "dav_xml.h"
#include "bridge_buffer.h"

#include <stdlib.h>


#define DAV_XML_HEAD    "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
#define DAV_XML_CARD    "urn:ietf:params:xml:ns:carddav"
#define DAV_XML_CAL     "urn:ietf:params:xml:ns:caldav"


const char  dav_xml_principal[] = DAV_XML_HEAD
    "<D:propfind xmlns:D=\"DAV:\" xmlns:A=\"" DAV_XML_CARD "\""
    " xmlns:C=\"" DAV_XML_CAL "\"><D:prop><D:current-user-principal/>"
    "<A:addressbook-home-set/><C:calendar-home-set/></D:prop>"
    "</D:propfind>\n";

const char  dav_xml_home[] = DAV_XML_HEAD
    "<D:propfind xmlns:D=\"DAV:\" xmlns:C=\"" DAV_XML_CAL "\""
    " xmlns:S=\"http://calendarserver.org/ns/\""
    " xmlns:I=\"http://apple.com/ns/ical/\""
    " xmlns:B=\"http://inf-it.com/ns/ab/\"><D:prop><D:resourcetype/>"
    "<D:displayname/><D:sync-token/><S:getctag/><I:calendar-color/>"
    "<B:addressbook-color/><C:supported-calendar-component-set/>"
    "</D:prop></D:propfind>\n";

const char  dav_xml_etags[] = DAV_XML_HEAD
    "<D:propfind xmlns:D=\"DAV:\"><D:prop><D:getetag/><D:resourcetype/>"
    "</D:prop></D:propfind>\n";


static void dav_xml_escape(bridge_buffer_t *b, const char *text);


char *
dav_xml_sync(const char *token)
{
    char             *xml;
    bridge_buffer_t   b;

    memset(&b, 0, sizeof(b));
    dav_xml_escape(&b, token);

    xml = bridge_format(DAV_XML_HEAD "<D:sync-collection xmlns:D=\"DAV:\">"
        "<D:sync-token>%.*s</D:sync-token><D:sync-level>1</D:sync-level>"
        "<D:prop><D:getetag/></D:prop></D:sync-collection>\n",
        (int) b.len, b.len ? b.data : "");

    bridge_buffer_free(&b);

    return xml;
}


char *
dav_xml_multiget(int calendar, char **paths, unsigned n)
{
    char             *xml;
    unsigned          i;
    const char       *kind;
    bridge_buffer_t   b;

    memset(&b, 0, sizeof(b));
    kind = calendar ? "calendar" : "addressbook";

    for (i = 0; i < n; i++) {
        bridge_buffer_text(&b, "<D:href>");
        dav_xml_escape(&b, paths[i]);
        bridge_buffer_text(&b, "</D:href>");
    }

    xml = bridge_format(DAV_XML_HEAD "<C:%s-multiget xmlns:D=\"DAV:\" "
        "xmlns:C=\"%s\"><D:prop><D:getetag/><C:%s-data/></D:prop>%.*s"
        "</C:%s-multiget>\n", kind, calendar ? DAV_XML_CAL : DAV_XML_CARD,
        calendar ? "calendar" : "address", (int) b.len, b.len ? b.data : "",
        kind);

    bridge_buffer_free(&b);

    return xml;
}


/* Control characters, which XML has not, are left out. */

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
