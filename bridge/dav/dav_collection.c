
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns one collection: its sync token, its ETags, and both as JSON for Redis.
 */


#include "dav_collection.h"

#include <stdlib.h>

#include <glib.h>


static int dav_collection_text(char **to, const char *text);
static json_t *dav_collection_named(const dav_collection_t *col,
    const char *event);
static json_t *dav_collection_change(const dav_collection_t *col);


dav_collection_t *
dav_collection_create(const char *path)
{
    dav_collection_t  *col;

    col = bridge_alloc(sizeof(dav_collection_t));
    col->path = bridge_string(path);

    return col;
}


void
dav_collection_spell(dav_collection_t *col, const char *path)
{
    free(col->path);
    col->path = bridge_string(path);
}


void
dav_collection_free(dav_collection_t *col)
{
    dav_etag_list_free(&col->known);
    free(col->path);
    free(col->name);
    free(col->color);
    free(col->token);
    free(col->seen);
    free(col->marker);
    free(col);
}


int
dav_collection_update(dav_collection_t *col, const dav_response_t *r)
{
    int          changed;
    char        *marker;
    const char  *ctag = r->text[DAV_CTAG], *token = r->text[DAV_TOKEN];

    changed = dav_collection_text(&col->name, r->text[DAV_NAME]);
    changed |= dav_collection_text(&col->color, r->text[DAV_COLOR]);
    changed |= col->flags != r->flags;

    col->flags = r->flags;

    /* Both should change with the collection.  Some servers forget one. */

    marker = bridge_format("%s\t%s", ctag ? ctag : "", token ? token : "");
    (void) dav_collection_text(&col->marker, marker[1] ? marker : NULL);
    free(marker);

    if (token == NULL || *token == '\0') {
        col->nosync = 1;
    }

    return changed;
}


static int
dav_collection_text(char **to, const char *text)
{
    if (text && *text == '\0') {
        text = NULL;
    }

    if (g_strcmp0(*to, text) == 0) {
        return 0;
    }

    free(*to);
    *to = bridge_string(text);

    return 1;
}


json_t *
dav_collection_state(const dav_collection_t *col)
{
    int  based = col->baseline;

    return json_pack("{s:s*, s:s*, s:i, s:b, s:s*, s:s*, s:o*}",
                     "name", col->name, "color", col->color,
                     "flags", col->flags, "based", based,
                     "token", based ? col->token : NULL,
                     "seen", based ? col->seen : NULL,
                     "known", based && !col->unknown
                              ? dav_etag_list_json(&col->known) : NULL);
}


dav_collection_t *
dav_collection_from_state(const char *key, json_t *state)
{
    int                based = 0;
    json_t            *known = NULL;
    const char        *name = NULL, *color = NULL, *token = NULL, *seen = NULL;
    dav_collection_t  *col;

    if (strncmp(key, bridge_literal(DAV_KEY_PREFIX "/")) != 0
        || !json_is_object(state))
    {
        return NULL;
    }

    col = dav_collection_create(key + sizeof(DAV_KEY_PREFIX) - 1);

    (void) json_unpack(state, "{s?s, s?s, s?i, s?b, s?s, s?s, s?o}",
                       "name", &name, "color", &color, "flags", &col->flags,
                       "based", &based, "token", &token, "seen", &seen,
                       "known", &known);

    col->name = bridge_string(name);
    col->color = bridge_string(color);
    col->token = bridge_string(token);
    col->seen = bridge_string(seen);
    col->baseline = based;
    col->unknown = based && known == NULL;

    if (known && dav_etag_list_from_json(&col->known, known) == -1) {
        dav_collection_free(col);
        return NULL;
    }

    return col;
}


json_t *
dav_collection_event(const dav_collection_t *col, const char *what,
    const char *old)
{
    char    *name;
    json_t  *event, *components = NULL;

    name = bridge_format("%s%s", col->flags & DAV_IS_CALENDAR
                                 ? "Calendar" : "AddressBook", what);
    event = dav_collection_named(col, name);
    free(name);

    json_object_update_new(event, json_pack("{s:s*, s:s*}", "name", col->name,
                                            "oldName", old));

    if (strcmp(what, "Delete") == 0) {
        return event;
    }

    if (col->flags & DAV_IS_CALENDAR) {
        components = json_pack("[s*, s*, s*]",
                         col->flags & DAV_HAS_EVENT ? "VEVENT" : NULL,
                         col->flags & DAV_HAS_TODO ? "VTODO" : NULL,
                         col->flags & DAV_HAS_JOURNAL ? "VJOURNAL" : NULL);
    }

    json_object_update_new(event, json_pack("{s:s*, s:o*}", "color",
                                            col->color, "components",
                                            components));
    return event;
}


static json_t *
dav_collection_named(const dav_collection_t *col, const char *event)
{
    return json_pack("{s:s, s:s}", "event", event, "collection", col->path);
}


void
dav_collection_changes(const dav_collection_t *col, json_t *events,
    const dav_etag_list_t *delta, json_t *contents)
{
    json_t      *event, *content;
    size_t       bytes, cost;
    unsigned     i;

    event = NULL;
    bytes = 0;

    for (i = 0; i < delta->n; i++) {
        content = json_object_get(contents, delta->items[i]);

        /* a byte of a content takes up to two, a control character six */

        cost = strlen(col->path) + strlen(delta->items[i]) + 32
               + 2 * strlen(dav_etag_list_etag(delta->items[i]))
               + (content ? 2 * json_string_length(content) : 0);

        if (event == NULL || bytes + cost > DAV_EVENT_BYTES) {

            if (event) {
                json_object_set_new(event, "more", json_true());
            }

            event = dav_collection_change(col);
            json_object_set_new(event, "changed", json_array());
            json_object_set_new(event, "removed", json_array());
            json_array_append_new(events, event);
            bytes = 0;
        }

        bytes += cost;
        dav_collection_object(event, col->path, delta->items[i], content);
    }

    if (event && col->token) {
        json_object_set_new(event, "syncToken", json_string(col->token));
    }
}


void
dav_collection_object(json_t *to, const char *path, const char *item,
    json_t *content)
{
    char        *href;
    const char  *etag = dav_etag_list_etag(item);

    href = bridge_format("%s%s", path, item);

    if (*etag) {
        json_array_append_new(json_object_get(to, "changed"),
                              json_pack("{s:s, s:s, s:O*}", "href", href,
                                        "etag", etag, "content", content));

    } else {
        json_array_append_new(json_object_get(to, "removed"),
                              json_string(href));
    }

    free(href);
}


static json_t *
dav_collection_change(const dav_collection_t *col)
{
    return dav_collection_named(col, col->flags & DAV_IS_CALENDAR
                                     ? "CalendarChange" : "ContactChange");
}


json_t *
dav_collection_resync(const dav_collection_t *col)
{
    json_t  *event;

    event = dav_collection_change(col);

    json_object_update_new(event, json_pack("{s:s*, s:b}", "syncToken",
                                            col->token, "all", 1));
    return event;
}
