
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The members of the notification, and their names in an event.
 */


#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pimap_ox.h"


typedef struct {
    const char   *name;                 /* in the OX payload */
    const char   *event;                /* in our event */
    json_type     type;
    int           required;
} pimap_ox_member_t;


static json_t *pimap_ox_convert(const json_t *root);
static int pimap_ox_valid(const pimap_ox_member_t *member,
    const json_t *value);


/* "user" is the account, which devices do not get */

static const pimap_ox_member_t  pimap_ox_members[] = {
    { "folder", "mailbox", JSON_STRING, 1 },
    { "imap-uidvalidity", "uidvalidity", JSON_INTEGER, 0 },
    { "imap-uid", "uid", JSON_INTEGER, 1 },
    { "from", "from", JSON_STRING, 0 },
    { "subject", "subject", JSON_STRING, 0 },
    { "snippet", "preview", JSON_STRING, 0 },
    { "unseen", "unseen", JSON_INTEGER, 0 },
    { NULL, NULL, JSON_NULL, 0 }
};


int
pimap_ox_detect(const pimap_event_t *ev)
{
    static const char  name[] = "messageNew";

    return ev->name.len == sizeof(name) - 1
           && strncasecmp(ev->name.data, name, sizeof(name) - 1) == 0
           && json_object_get(ev->root, "user")
           && json_object_get(ev->root, "folder")
           && json_object_get(ev->root, "imap-uid");
}


pimap_str_t
pimap_ox_user(const pimap_event_t *ev)
{
    json_t       *value;
    pimap_str_t   user;

    value = json_object_get(ev->root, "user");

    user.data = json_string_value(value);
    user.len = json_string_length(value);

    return user;
}


char *
pimap_ox_to_event(const pimap_event_t *ev, size_t *len)
{
    char    *text;
    size_t   size;
    json_t  *event;

    *len = 0;

    event = pimap_ox_convert(ev->root);
    if (event == NULL) {
        return NULL;
    }

    /* json_dumps() would take the memory from jansson's allocator */

    text = NULL;
    size = json_dumpb(event, NULL, 0, JSON_COMPACT);

    if (size > 0) {
        text = malloc(size);
    }

    if (text && json_dumpb(event, text, size, JSON_COMPACT) != size) {
        free(text);
        text = NULL;
    }

    json_decref(event);

    if (text) {
        *len = size;
    }

    return text;
}


static json_t *
pimap_ox_convert(const json_t *root)
{
    json_t                   *event, *value;
    const pimap_ox_member_t  *member;

    event = json_object();

    if (json_object_set_new(event, "event", json_string("MessageNew")) != 0) {
        goto failed;
    }

    for (member = pimap_ox_members; member->name; member++) {
        value = json_object_get(root, member->name);

        if (value == NULL && !member->required) {
            continue;
        }

        if (!pimap_ox_valid(member, value)) {
            goto failed;
        }

        if (json_object_set(event, member->event, value) != 0) {
            goto failed;
        }
    }

    return event;

failed:

    json_decref(event);

    return NULL;
}


/* All numbers are of 32 bits in IMAP (RFC 9051, 9: number, nz-number). */

static int
pimap_ox_valid(const pimap_ox_member_t *member, const json_t *value)
{
    json_int_t  n;

    if (value == NULL || json_typeof(value) != member->type) {
        return 0;
    }

    if (member->type == JSON_STRING) {
        return 1;
    }

    n = json_integer_value(value);

    return n >= 0 && n <= (json_int_t) UINT32_MAX;
}
