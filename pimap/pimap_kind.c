
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
static int pimap_kind_changed(const pimap_str_t *newer,
    const pimap_str_t *older);
static int pimap_kind_has(const pimap_str_t *object, const char **p,
    const pimap_str_t *name, pimap_str_t *value, size_t *looks);
static void pimap_kind_move(pimap_str_t *str, const char *from, size_t len,
    const char *to);


#define PIMAP_KIND_LOOKS  4096          /* at members of the newer event */
#define PIMAP_KIND_LOOK   128           /* bytes of a member; more are more */


/* Besides the mailboxes, which are in the event. */

static const int  pimap_kind_members[] = {
    PIMAP_MEMBER_OWNER, PIMAP_MEMBER_COLLECTION
};

#define PIMAP_KIND_MEMBERS                                                    \
    (sizeof(pimap_kind_members) / sizeof(pimap_kind_members[0]))


int
pimap_kind_merges(const pimap_event_t *ev)
{
    size_t              i;
    const pimap_str_t  *value;

    if (!pimap_kind_is_state(ev)
        && !pimap_types_event_merges(ev->name.data, ev->name.len))
    {
        return 0;
    }

    for (i = 0; i < PIMAP_KIND_MEMBERS; i++) {
        value = &ev->members[pimap_kind_members[i]];

        if (value->data && !pimap_json_is_string(value)) {
            return 0;
        }
    }

    return 1;
}


int
pimap_kind_covers(const pimap_event_t *newer, const pimap_event_t *older)
{
    int     member;
    size_t  i;

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

    for (i = 0; i < PIMAP_KIND_MEMBERS; i++) {
        member = pimap_kind_members[i];

        if (!pimap_kind_same(&newer->members[member],
                             &older->members[member]))
        {
            return 0;
        }
    }

    if (!pimap_kind_is_state(newer)) {
        return 1;
    }

    return pimap_kind_changed(&newer->members[PIMAP_MEMBER_CHANGED],
                              &older->members[PIMAP_MEMBER_CHANGED]);
}


static int
pimap_kind_is_state(const pimap_event_t *ev)
{
    static const pimap_str_t  state = { "state", sizeof("state") - 1 };

    return pimap_kind_same(&ev->name, &state);
}


/*
 * An absent string differs from an empty one.  Members are compared as they
 * are written, since a publisher writes them alike.
 */

static int
pimap_kind_same(const pimap_str_t *a, const pimap_str_t *b)
{
    if (a->data == NULL || b->data == NULL) {
        return a->data == b->data;
    }

    return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}


/*
 * True if all that the older one names is named by the newer one, too.  After
 * many looks it is taken for false, as then both are sent.
 */

static int
pimap_kind_changed(const pimap_str_t *newer, const pimap_str_t *older)
{
    size_t        looks;
    const char   *o, *n, *p, *q;
    pimap_str_t   account, type, old, new, state;

    o = NULL;
    n = NULL;
    looks = 0;

    while (pimap_json_next(older, &o, &account, &old)) {

        if (!pimap_kind_has(newer, &n, &account, &new, &looks)) {
            return 0;
        }

        p = NULL;
        q = NULL;

        while (pimap_json_next(&old, &p, &type, &state)) {
            if (!pimap_kind_has(&new, &q, &type, &state, &looks)) {
                return 0;
            }
        }
    }

    return 1;
}


/* Looks from *p on and around, as members mostly come in the same order. */

static int
pimap_kind_has(const pimap_str_t *object, const char **p,
    const pimap_str_t *name, pimap_str_t *value, size_t *looks)
{
    int          again;
    pimap_str_t  other;

    for (again = (*p == NULL); again < 2; again++) {

        while (pimap_json_next(object, p, &other, value)) {

            if (pimap_kind_same(name, &other)) {
                return 1;
            }

            *looks += 1 + (other.len + value->len) / PIMAP_KIND_LOOK;

            if (*looks >= PIMAP_KIND_LOOKS) {
                return 0;
            }
        }

        *p = NULL;
    }

    return 0;
}


size_t
pimap_kind_size(const pimap_event_t *ev)
{
    return ev->id.len + ev->json.len + ev->decoded_len;
}


void
pimap_kind_copy(pimap_event_t *to, const pimap_event_t *from, char *text)
{
    int     i;
    char   *json, *decoded;
    size_t  k;

    pimap_str_t  *strings[] = {
        &to->name, &to->mailbox, &to->old_mailbox, &to->collection,
        &to->device, &to->update
    };

    json = text + from->id.len;
    decoded = json + from->json.len;

    *to = *from;
    to->json.data = json;
    to->decoded = NULL;

    memcpy(json, from->json.data, from->json.len);

    if (from->id.len) {
        to->id.data = text;
        memcpy(text, from->id.data, from->id.len);
    }

    if (from->decoded_len) {
        memcpy(decoded, from->decoded, from->decoded_len);
    }

    for (i = 0; i < PIMAP_MEMBERS; i++) {
        pimap_kind_move(&to->members[i], from->json.data, from->json.len,
                        json);
    }

    for (k = 0; k < sizeof(strings) / sizeof(strings[0]); k++) {
        pimap_kind_move(strings[k], from->json.data, from->json.len, json);
        pimap_kind_move(strings[k], from->decoded, from->decoded_len, decoded);
    }
}


/* Text that is elsewhere stays there: it is constant. */

static void
pimap_kind_move(pimap_str_t *str, const char *from, size_t len,
    const char *to)
{
    if (str->data && from && str->data >= from && str->data < from + len) {
        str->data = to + (str->data - from);
    }
}
