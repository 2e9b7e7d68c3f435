
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the bodies of requests.  Called by dav_report.c and by the steps of a
 * round.
 */


#include "dav_report.h"

#include <glib.h>


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
    return g_markup_printf_escaped(DAV_XML_HEAD
        "<D:sync-collection xmlns:D=\"DAV:\">"
        "<D:sync-token>%s</D:sync-token><D:sync-level>1</D:sync-level>"
        "<D:prop><D:getetag/></D:prop></D:sync-collection>\n", token);
}


char *
dav_xml_multiget(int calendar, char **paths, unsigned n)
{
    char        *href;
    GString     *xml;
    unsigned     i;
    const char  *kind;

    kind = calendar ? "calendar" : "addressbook";
    xml = g_string_new(DAV_XML_HEAD);

    g_string_append_printf(xml, "<C:%s-multiget xmlns:D=\"DAV:\" "
        "xmlns:C=\"%s\"><D:prop><D:getetag/><C:%s-data/></D:prop>", kind,
        calendar ? DAV_XML_CAL : DAV_XML_CARD,
        calendar ? "calendar" : "address");

    for (i = 0; i < n; i++) {
        href = g_markup_printf_escaped("<D:href>%s</D:href>", paths[i]);
        g_string_append(xml, href);
        g_free(href);
    }

    g_string_append_printf(xml, "</C:%s-multiget>\n", kind);

    return g_string_free(xml, FALSE);
}
