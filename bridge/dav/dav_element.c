
/*
 * Copyright (C) ngx_pimap_module authors
 */


#include "dav_element.h"


#define DAV_NS         "DAV:|"
#define DAV_NS_CARD    "urn:ietf:params:xml:ns:carddav|"
#define DAV_NS_CAL     "urn:ietf:params:xml:ns:caldav|"
#define DAV_NS_CS      "http://calendarserver.org/ns/|"
#define DAV_NS_APPLE   "http://apple.com/ns/ical/|"


static const dav_element_t  dav_elements[] = {

    { DAV_AT_ROOT, DAV_NS "multistatus", DAV_AT_MULTISTATUS, 0 },
    { DAV_AT_ROOT, DAV_NS "error", DAV_AT_ERROR, 0 },

    { DAV_AT_ERROR, DAV_NS "valid-sync-token", DAV_AT_INVALID_TOKEN, 0 },

    { DAV_AT_MULTISTATUS, DAV_NS "response", DAV_AT_RESPONSE, 0 },
    { DAV_AT_MULTISTATUS, DAV_NS "sync-token", DAV_AT_WHOLE_TOKEN, DAV_TOKEN },

    { DAV_AT_RESPONSE, DAV_NS "href", DAV_AT_TEXT, DAV_HREF },
    { DAV_AT_RESPONSE, DAV_NS "status", DAV_AT_RESPONSE_STATUS, 0 },
    { DAV_AT_RESPONSE, DAV_NS "propstat", DAV_AT_PROPSTAT, 0 },

    { DAV_AT_PROPSTAT, DAV_NS "prop", DAV_AT_PROP, 0 },
    { DAV_AT_PROPSTAT, DAV_NS "status", DAV_AT_STATUS, 0 },

    { DAV_AT_PROP, DAV_NS "getetag", DAV_AT_TEXT, DAV_ETAG },
    { DAV_AT_PROP, DAV_NS_CS "getctag", DAV_AT_TEXT, DAV_CTAG },
    { DAV_AT_PROP, DAV_NS "sync-token", DAV_AT_TEXT, DAV_TOKEN },
    { DAV_AT_PROP, DAV_NS "displayname", DAV_AT_TEXT, DAV_NAME },
    { DAV_AT_PROP, DAV_NS_APPLE "calendar-color", DAV_AT_TEXT, DAV_COLOR },
    { DAV_AT_PROP, "http://inf-it.com/ns/ab/|addressbook-color", DAV_AT_TEXT,
      DAV_COLOR },
    { DAV_AT_PROP, DAV_NS_CARD "address-data", DAV_AT_TEXT, DAV_DATA },
    { DAV_AT_PROP, DAV_NS_CAL "calendar-data", DAV_AT_TEXT, DAV_DATA },
    { DAV_AT_PROP, DAV_NS "resourcetype", DAV_AT_TYPE, 0 },
    { DAV_AT_PROP, DAV_NS_CAL "supported-calendar-component-set",
      DAV_AT_COMPONENTS, 0 },
    { DAV_AT_PROP, DAV_NS "current-user-principal", DAV_AT_PRINCIPAL, 0 },
    { DAV_AT_PROP, DAV_NS_CARD "addressbook-home-set", DAV_AT_CARD_HOME, 0 },
    { DAV_AT_PROP, DAV_NS_CAL "calendar-home-set", DAV_AT_CALENDAR_HOME, 0 },

    { DAV_AT_TYPE, DAV_NS "collection", DAV_AT_FLAG, DAV_IS_COLLECTION },
    { DAV_AT_TYPE, DAV_NS_CARD "addressbook", DAV_AT_FLAG,
      DAV_IS_ADDRESSBOOK },
    { DAV_AT_TYPE, DAV_NS_CAL "calendar", DAV_AT_FLAG, DAV_IS_CALENDAR },

    { DAV_AT_COMPONENTS, DAV_NS_CAL "comp", DAV_AT_COMPONENT, 0 },

    { DAV_AT_PRINCIPAL, DAV_NS "href", DAV_AT_TEXT, DAV_PRINCIPAL },
    { DAV_AT_CARD_HOME, DAV_NS "href", DAV_AT_TEXT, DAV_CARD_HOME },
    { DAV_AT_CALENDAR_HOME, DAV_NS "href", DAV_AT_TEXT, DAV_CALENDAR_HOME },

    { DAV_AT_NOWHERE, NULL, DAV_AT_NOWHERE, 0 }
};


const dav_element_t *
dav_element_find(dav_at_t parent, const char *name)
{
    const dav_element_t  *e;

    if (parent == DAV_AT_NOWHERE) {
        return NULL;
    }

    for (e = dav_elements; e->name; e++) {
        if (e->parent == parent && strcmp(e->name, name) == 0) {
            return e;
        }
    }

    return NULL;
}
