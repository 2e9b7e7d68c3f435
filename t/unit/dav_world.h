
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A small DAV server: an account with an address book, a calendar, and a
 * calendar without sync-collection.  Each has two objects, and one of these
 * changes with each version.
 */


#ifndef _DAV_WORLD_H_INCLUDED_
#define _DAV_WORLD_H_INCLUDED_


#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "bridge_buffer.h"


#define WORLD_ORIGIN   "https://dav.example.net:443"
#define WORLD_XML                                                             \
    "<?xml version='1.0'?><D:multistatus xmlns:D='DAV:'"                      \
    " xmlns:C='urn:ietf:params:xml:ns:caldav'"                                \
    " xmlns:A='urn:ietf:params:xml:ns:carddav'"                               \
    " xmlns:S='http://calendarserver.org/ns/'>"
#define WORLD_XML_END  "</D:multistatus>"


typedef enum {
    WORLD_WELL_KNOWN,                   /* leads to the principal */
    WORLD_ROOT,                         /* names it; no .well-known */
    WORLD_PATH                          /* is configured */
} world_kind_t;

typedef struct {
    const char  *path;
    const char  *kind;
    const char  *suffix;
    unsigned     nosync;
} world_box_t;


static const world_box_t  world_boxes[] = {
    { "/card/book/", "A:addressbook", "vcf", 0 },
    { "/cal/days/", "C:calendar", "ics", 0 },
    { "/cal/old/", "C:calendar", "ics", 1 }
};

#define WORLD_BOXES  (sizeof(world_boxes) / sizeof(world_boxes[0]))

static inline int
world_has(const char *path)
{
    size_t  i;

    for (i = 0; i < WORLD_BOXES; i++) {
        if (strcmp(world_boxes[i].path, path) == 0) {
            return 1;
        }
    }

    return 0;
}


static world_kind_t  world_kind;
static unsigned      world_version;     /* of all collections */


static inline void __attribute__((format(printf, 2, 3)))
world_say(bridge_buffer_t *b, const char *format, ...)
{
    char     text[1024];
    va_list  args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);

    bridge_buffer_text(b, text);
}


static inline void
world_response(bridge_buffer_t *b, const char *href, const char *prop)
{
    world_say(b, "<D:response><D:href>%s</D:href><D:propstat><D:prop>%s"
              "</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>"
              "</D:response>", href, prop);
}


/* The objects that have changed since a version, maybe with contents. */

static inline void
world_objects(bridge_buffer_t *b, const world_box_t *box, unsigned since,
    int contents)
{
    char         href[64], prop[256], data[128];
    unsigned     i, version;
    const char  *name;

    name = box->suffix[0] == 'v' ? "A:address" : "C:calendar";

    for (i = 1; i <= 2; i++) {
        version = i == 1 ? world_version : 1;

        if (version > since) {
            snprintf(href, sizeof(href), "%s%u.%s", box->path, i, box->suffix);
            snprintf(data, sizeof(data), "<%s-data>text</%s-data>", name,
                     name);
            snprintf(prop, sizeof(prop), "<D:getetag>\"e%u\"</D:getetag>%s",
                     version, contents ? data : "");
            world_response(b, href, prop);
        }
    }
}


static inline void
world_home(bridge_buffer_t *b, const char *home)
{
    char                prop[512];
    size_t              i;
    const world_box_t  *box;

    world_response(b, home, "<D:resourcetype><D:collection/>"
                   "</D:resourcetype>");

    for (i = 0; i < WORLD_BOXES; i++) {
        box = &world_boxes[i];

        if (strncmp(box->path, home, strlen(home)) == 0) {
            snprintf(prop, sizeof(prop), "<D:resourcetype><D:collection/><%s/>"
                     "</D:resourcetype><S:getctag>c%u</S:getctag>%s%u%s",
                     box->kind, world_version,
                     box->nosync ? "<D:displayname>" : "<D:sync-token>t",
                     box->nosync ? 0 : world_version,
                     box->nosync ? "</D:displayname>" : "</D:sync-token>");
            world_response(b, box->path, prop);
        }
    }
}


static inline int
world_report(bridge_buffer_t *b, const world_box_t *box, const char *body)
{
    unsigned     since;
    const char  *token;

    if (strstr(body, "multiget")) {
        world_objects(b, box, 0, 1);
        return 207;
    }

    token = strstr(body, "sync-token>") + strlen("sync-token>");
    since = *token == 't' ? atoi(token + 1) : 0;

    if (*token != '<' && (since == 0 || since > world_version)) {
        return 403;
    }

    world_objects(b, box, since, 0);
    world_say(b, "<D:sync-token>t%u</D:sync-token>", world_version);

    return 207;
}


#endif /* _DAV_WORLD_H_INCLUDED_ */
