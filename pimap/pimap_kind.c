
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The kind of an event is its name and its object: mailbox, owner, address
 * book or calendar.  The kind of a JMAP StateChange is its accounts and types.
 */


#include <string.h>

#include "pimap_kind.h"
#include "pimap_types.h"


static int pimap_kind_is_state(const pimap_event_t *ev);
static int pimap_kind_same(const pimap_str_t *a, const pimap_str_t *b);
static int pimap_kind_same_member(const json_t *a, const json_t *b);
static int pimap_kind_changed(json_t *newer, json_t *older);
static char *pimap_kind_copy_string(pimap_str_t *to, const pimap_str_t *from,
    char *text);
static int pimap_kind_copy_member(pimap_event_t *to,
    const pimap_event_t *from, const char *name);


/* Besides the mailboxes, which are in the event. */

static const char  *pimap_kind_members[] = {
    "owner",
    "collection",
    NULL
};


int
pimap_kind_merges(const pimap_event_t *ev)
{
    const char    **member;
    const json_t   *value;

    if (!pimap_kind_is_state(ev)
        && !pimap_types_event_merges(ev->name.data, ev->name.len))
    {
        return 0;
    }

    for (member = pimap_kind_members; *member; member++) {
        value = json_object_get(ev->root, *member);

        if (value && !json_is_string(value)) {
            return 0;
        }
    }

    return 1;
}


int
pimap_kind_covers(const pimap_event_t *newer, const pimap_event_t *older)
{
    const char  **member;

    if (!pimap_kind_same(&newer->name, &older->name)
        || !pimap_kind_same(&newer->mailbox, &older->mailbox)
        || !pimap_kind_same(&newer->old_mailbox, &older->old_mailbox))
    {
        return 0;
    }

    /* devices that resume get only the event of the log */

    if ((newer->epoch == 0) != (older->epoch == 0)) {
        return 0;
    }

    for (member = pimap_kind_members; *member; member++) {
        if (!pimap_kind_same_member(json_object_get(newer->root, *member),
                                    json_object_get(older->root, *member)))
        {
            return 0;
        }
    }

    if (!pimap_kind_is_state(newer)) {
        return 1;
    }

    return pimap_kind_changed(json_object_get(newer->root, "changed"),
                              json_object_get(older->root, "changed"));
}


static int
pimap_kind_is_state(const pimap_event_t *ev)
{
    static const pimap_str_t  state = { "state", sizeof("state") - 1 };

    return pimap_kind_same(&ev->name, &state);
}


/* One that is absent is not the same as an empty one. */

static int
pimap_kind_same(const pimap_str_t *a, const pimap_str_t *b)
{
    if (a->data == NULL || b->data == NULL) {
        return a->data == b->data;
    }

    return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}


static int
pimap_kind_same_member(const json_t *a, const json_t *b)
{
    if (a == NULL || b == NULL) {
        return a == b;
    }

    return json_equal(a, b);
}


/* True if all that the older one names is named by the newer one, too. */

static int
pimap_kind_changed(json_t *newer, json_t *older)
{
    json_t      *old, *new, *state;
    const char  *account, *type;

    json_object_foreach(older, account, old) {
        new = json_object_get(newer, account);

        if (new == NULL) {
            return 0;
        }

        json_object_foreach(old, type, state) {
            if (json_object_get(new, type) == NULL) {
                return 0;
            }
        }
    }

    return 1;
}


size_t
pimap_kind_size(const pimap_event_t *ev)
{
    return ev->id.len + ev->json.len + ev->name.len + ev->mailbox.len
           + ev->old_mailbox.len;
}


int
pimap_kind_copy(pimap_event_t *to, const pimap_event_t *from, char *text)
{
    int           rc;
    const char  **member;

    memset(to, 0, sizeof(pimap_event_t));

    to->epoch = from->epoch;
    to->n = from->n;
    to->types = from->types;

    text = pimap_kind_copy_string(&to->id, &from->id, text);
    text = pimap_kind_copy_string(&to->json, &from->json, text);
    text = pimap_kind_copy_string(&to->name, &from->name, text);
    text = pimap_kind_copy_string(&to->mailbox, &from->mailbox, text);
    (void) pimap_kind_copy_string(&to->old_mailbox, &from->old_mailbox, text);

    rc = 0;

    for (member = pimap_kind_members; *member && rc == 0; member++) {
        rc = pimap_kind_copy_member(to, from, *member);
    }

    if (rc == 0 && pimap_kind_is_state(from)) {
        rc = pimap_kind_copy_member(to, from, "changed");
    }

    if (rc != 0) {
        pimap_event_free(to);
        return rc;
    }

    (void) pimap_json_string(json_object_get(to->root, "collection"),
                             &to->collection);

    return 0;
}


static char *
pimap_kind_copy_string(pimap_str_t *to, const pimap_str_t *from, char *text)
{
    if (from->data == NULL) {
        return text;
    }

    memcpy(text, from->data, from->len);

    to->data = text;
    to->len = from->len;

    return text + from->len;
}


/* The value is shared. */

static int
pimap_kind_copy_member(pimap_event_t *to, const pimap_event_t *from,
    const char *name)
{
    json_t  *value;

    value = json_object_get(from->root, name);

    if (value == NULL) {
        return 0;
    }

    if (to->root == NULL) {
        to->root = json_object();
    }

    return json_object_set(to->root, name, value);
}
