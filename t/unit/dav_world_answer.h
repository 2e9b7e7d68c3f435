
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The right answer of the small DAV server to each request of a client.
 */


#ifndef _DAV_WORLD_ANSWER_H_INCLUDED_
#define _DAV_WORLD_ANSWER_H_INCLUDED_


#include "dav_world.h"


static inline int
world_principal(bridge_buffer_t *b, const char *path)
{
    if (strcmp(path, "/p/alice/") == 0) {
        world_response(b, path, "<A:addressbook-home-set><D:href>/card/"
                       "</D:href></A:addressbook-home-set>"
                       "<C:calendar-home-set><D:href>/cal/</D:href>"
                       "</C:calendar-home-set>");
        return 207;
    }

    if (strcmp(path, world_kind == WORLD_ROOT ? "/" : "/p/") == 0) {
        world_response(b, path, "<D:current-user-principal><D:href>/p/alice/"
                       "</D:href></D:current-user-principal>");
        return 207;
    }

    return 404;
}


/* Returns the status.  "path" has followed a redirect. */

static inline int
world_answer(bridge_buffer_t *b, const char *method, const char *path,
    const char *body)
{
    int     status;
    size_t  i;

    if (strcmp(method, "PUT") == 0 || strcmp(method, "DELETE") == 0) {
        return 204;
    }

    bridge_buffer_text(b, WORLD_XML);

    if (strcmp(path, "/card/") == 0 || strcmp(path, "/cal/") == 0) {
        world_home(b, path);
        status = 207;

    } else {
        status = world_principal(b, path);
    }

    for (i = 0; i < WORLD_BOXES; i++) {

        if (strcmp(world_boxes[i].path, path) != 0) {
            continue;
        }

        if (strcmp(method, "REPORT") == 0) {
            status = world_report(b, &world_boxes[i], body);

        } else {
            world_response(b, path, "<D:resourcetype><D:collection/>"
                           "</D:resourcetype>");
            world_objects(b, &world_boxes[i], 0, 0);
            status = 207;
        }
    }

    bridge_buffer_text(b, WORLD_XML_END);

    return status;
}


#endif /* _DAV_WORLD_ANSWER_H_INCLUDED_ */
