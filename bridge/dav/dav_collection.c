
/*
 * Copyright (C) ngx_pimap_module authors
 */


#include "dav_collection.h"

#include <stdlib.h>


static int dav_collection_text(char **to, const char *text);
static json_t *dav_collection_components(const dav_collection_t *col);
static json_t *dav_collection_change(const dav_collection_t *col);
static void dav_collection_set(json_t *json, const char *name,
    const char *text);
static char *dav_collection_get(json_t *json, const char *name);


dav_collection_t *
dav_collection_create(const char *path)
{
    dav_collection_t  *col;

    col = bridge_alloc(sizeof(dav_collection_t));
    col->path = bridge_string(path);

    return col;
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
    const char  *marker;

    changed = dav_collection_text(&col->name, r->text[DAV_NAME]);
    changed |= dav_collection_text(&col->color, r->text[DAV_COLOR]);
    changed |= col->flags != r->flags;

    col->flags = r->flags;

    /* Both say when something has changed; the token often costs more. */

    marker = r->text[DAV_CTAG] && *r->text[DAV_CTAG] ? r->text[DAV_CTAG]
                                                     : r->text[DAV_TOKEN];

    (void) dav_collection_text(&col->marker, marker);

    if (r->text[DAV_TOKEN] == NULL || *r->text[DAV_TOKEN] == '\0') {
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

    if (*to == NULL ? text == NULL : (text && strcmp(*to, text) == 0)) {
        return 0;
    }

    free(*to);
    *to = bridge_string(text);

    return 1;
}


char *
dav_collection_key(const dav_collection_t *col)
{
    return bridge_format(DAV_KEY_PREFIX "%s", col->path);
}


json_t *
dav_collection_state(const dav_collection_t *col)
{
    json_t  *state;

    state = json_object();

    dav_collection_set(state, "name", col->name);
    dav_collection_set(state, "color", col->color);
    json_object_set_new(state, "flags", json_integer(col->flags));

    if (col->based) {
        dav_collection_set(state, "token", col->token);
        dav_collection_set(state, "seen", col->seen);

        if (!col->unknown) {
            json_object_set_new(state, "known",
                                dav_etag_list_json(&col->known));
        }
    }

    json_object_set_new(state, "based", json_boolean(col->based));

    return state;
}


dav_collection_t *
dav_collection_from_state(const char *key, json_t *state)
{
    json_t            *known;
    dav_collection_t  *col;

    if (strncmp(key, bridge_literal(DAV_KEY_PREFIX)) != 0
        || key[sizeof(DAV_KEY_PREFIX) - 1] != '/' || !json_is_object(state))
    {
        return NULL;
    }

    col = dav_collection_create(key + sizeof(DAV_KEY_PREFIX) - 1);

    col->name = dav_collection_get(state, "name");
    col->color = dav_collection_get(state, "color");
    col->flags = json_integer_value(json_object_get(state, "flags"));
    col->based = json_is_true(json_object_get(state, "based"));
    col->token = dav_collection_get(state, "token");
    col->seen = dav_collection_get(state, "seen");

    known = json_object_get(state, "known");
    col->unknown = col->based && known == NULL;

    if (known && dav_etag_list_from_json(&col->known, known) == -1) {
        dav_collection_free(col);
        return NULL;
    }

    return col;
}


static void
dav_collection_set(json_t *json, const char *name, const char *text)
{
    if (text) {
        json_object_set_new(json, name, json_string(text));
    }
}


static char *
dav_collection_get(json_t *json, const char *name)
{
    return bridge_string(json_string_value(json_object_get(json, name)));
}


json_t *
dav_collection_event(const dav_collection_t *col, const char *what,
    const char *old)
{
    char    *name;
    json_t  *event;

    event = json_object();

    name = bridge_format("%s%s", col->flags & DAV_IS_CALENDAR
                                 ? "Calendar" : "AddressBook", what);
    dav_collection_set(event, "event", name);
    free(name);

    dav_collection_set(event, "collection", col->path);
    dav_collection_set(event, "name", col->name);
    dav_collection_set(event, "oldName", old);

    if (strcmp(what, "Delete") != 0) {
        dav_collection_set(event, "color", col->color);

        if (col->flags & DAV_IS_CALENDAR) {
            json_object_set_new(event, "components",
                                dav_collection_components(col));
        }
    }

    return event;
}


static json_t *
dav_collection_components(const dav_collection_t *col)
{
    json_t  *components;

    components = json_array();

    if (col->flags & DAV_HAS_EVENT) {
        json_array_append_new(components, json_string("VEVENT"));
    }

    if (col->flags & DAV_HAS_TODO) {
        json_array_append_new(components, json_string("VTODO"));
    }

    if (col->flags & DAV_HAS_JOURNAL) {
        json_array_append_new(components, json_string("VJOURNAL"));
    }

    return components;
}


void
dav_collection_changes(const dav_collection_t *col, json_t *events,
    const dav_etag_list_t *delta, json_t *contents)
{
    char        *href;
    json_t      *event, *changed, *removed, *object, *content;
    size_t       bytes, cost;
    unsigned     i;
    const char  *etag;

    event = NULL;
    bytes = 0;

    for (i = 0; i < delta->n; i++) {
        etag = dav_etag_list_etag(delta->items[i]);
        content = json_object_get(contents, delta->items[i]);

        /* each byte of a text may need two, a control character six */

        cost = strlen(col->path) + strlen(delta->items[i])
               + 2 * strlen(etag) + 32
               + (content ? 2 * json_string_length(content) : 0);

        if (event == NULL || bytes + cost > DAV_EVENT_BYTES) {

            if (event) {
                json_object_set_new(event, "more", json_true());
            }

            event = dav_collection_change(col);
            changed = json_array();
            removed = json_array();
            json_object_set_new(event, "changed", changed);
            json_object_set_new(event, "removed", removed);
            json_array_append_new(events, event);
            bytes = 0;
        }

        bytes += cost;
        href = bridge_format("%s%s", col->path, delta->items[i]);

        if (*etag == '\0') {
            json_array_append_new(removed, json_string(href));

        } else {
            object = json_object();
            dav_collection_set(object, "href", href);
            dav_collection_set(object, "etag", etag);

            if (content) {
                json_object_set(object, "content", content);
            }

            json_array_append_new(changed, object);
        }

        free(href);
    }

    if (event) {
        dav_collection_set(event, "syncToken", col->token);
    }
}


static json_t *
dav_collection_change(const dav_collection_t *col)
{
    json_t  *event;

    event = json_object();

    dav_collection_set(event, "event", col->flags & DAV_IS_CALENDAR
                                       ? "CalendarChange" : "ContactChange");
    dav_collection_set(event, "collection", col->path);

    return event;
}


json_t *
dav_collection_resync(const dav_collection_t *col)
{
    json_t  *event;

    event = dav_collection_change(col);

    dav_collection_set(event, "syncToken", col->token);
    json_object_set_new(event, "all", json_true());

    return event;
}
