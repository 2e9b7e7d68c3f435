
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the bodies of requests.  Called by dav_report.c and by the steps of a
 * round.
 */


#include "dav_report.h"
#include "bridge_buffer.h"

#include <stdlib.h>

#include <event2/http.h>


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


char *
dav_xml_sync(const char *token)
{
    char  *escaped, *xml;

    escaped = evhttp_htmlescape(token);

    xml = bridge_format(DAV_XML_HEAD "<D:sync-collection xmlns:D=\"DAV:\">"
        "<D:sync-token>%s</D:sync-token><D:sync-level>1</D:sync-level>"
        "<D:prop><D:getetag/></D:prop></D:sync-collection>\n",
        escaped ? escaped : "");

    free(escaped);

    return xml;
}


char *
dav_xml_multiget(int calendar, char **paths, unsigned n)
{
    char             *xml, *escaped;
    unsigned          i;
    const char       *kind;
    bridge_buffer_t   hrefs;

    memset(&hrefs, 0, sizeof(hrefs));
    kind = calendar ? "calendar" : "addressbook";

    for (i = 0; i < n; i++) {
        escaped = evhttp_htmlescape(paths[i]);
        bridge_buffer_text(&hrefs, "<D:href>");
        bridge_buffer_text(&hrefs, escaped ? escaped : "");
        bridge_buffer_text(&hrefs, "</D:href>");
        free(escaped);
    }

    bridge_buffer_char(&hrefs, '\0');

    xml = bridge_format(DAV_XML_HEAD "<C:%s-multiget xmlns:D=\"DAV:\" "
        "xmlns:C=\"%s\"><D:prop><D:getetag/><C:%s-data/></D:prop>%s"
        "</C:%s-multiget>\n", kind, calendar ? DAV_XML_CAL : DAV_XML_CARD,
        calendar ? "calendar" : "address", hrefs.data, kind);

    bridge_buffer_free(&hrefs);

    return xml;
}
