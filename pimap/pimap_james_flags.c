
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A flag of the system has a name such as "Seen"; a keyword may have the same
 * name, so each is compared with its kind only.
 */


#include <stdlib.h>
#include <string.h>

#include "pimap_james.h"
#include "pimap_james_flags.h"
#include "pimap_lines.h"


enum {
    PIMAP_JAMES_FLAGS_UID = 0,
    PIMAP_JAMES_FLAGS_OLD,
    PIMAP_JAMES_FLAGS_NEW,
    PIMAP_JAMES_FLAGS_MEMBERS
};


typedef struct {
    pimap_str_t   flags[PIMAP_JAMES_FLAGS];
    unsigned      n;
    int           more;                 /* than there is room for */
} pimap_james_list_t;


static unsigned pimap_james_flags_changes(const pimap_str_t *message,
    pimap_str_t *uid);
static int pimap_james_flags_add(pimap_james_changes_t *changes,
    const pimap_str_t *uid, unsigned change);
static unsigned pimap_james_flags_kind(const pimap_str_t *before,
    const pimap_str_t *after, const char *kind);
static void pimap_james_flags_list(const pimap_str_t *flags, const char *kind,
    pimap_james_list_t *list);
static unsigned pimap_james_flags_more(const pimap_james_list_t *list,
    const pimap_james_list_t *than, int system);
static int pimap_james_flags_has(const pimap_james_list_t *list,
    const pimap_str_t *flag);
static int pimap_james_flags_is(const pimap_str_t *flag, const char *name);


int
pimap_james_flags_read(const pimap_str_t *updated,
    pimap_james_changes_t *changes)
{
    unsigned      change;
    const char   *p;
    pimap_str_t   message, uid;

    memset(changes, 0, sizeof(pimap_james_changes_t));

    p = NULL;

    while (pimap_json_is_array(updated)
           && pimap_json_element(updated, &p, &message))
    {
        change = pimap_james_flags_changes(&message, &uid);

        if (change && pimap_lines_is_number(&uid)
            && pimap_james_flags_add(changes, &uid, change) != 0)
        {
            return -1;
        }
    }

    return 0;
}


void
pimap_james_flags_free(pimap_james_changes_t *changes)
{
    free(changes->list);
}


static int
pimap_james_flags_add(pimap_james_changes_t *changes, const pimap_str_t *uid,
    unsigned change)
{
    size_t                 size;
    pimap_james_change_t  *list;

    if (changes->n == changes->size) {
        size = changes->size ? 2 * changes->size : 16;
        list = realloc(changes->list, size * sizeof(pimap_james_change_t));

        if (list == NULL) {
            return -1;
        }

        changes->list = list;
        changes->size = size;
    }

    changes->list[changes->n].uid = *uid;
    changes->list[changes->n].changes = change;
    changes->n++;

    return 0;
}


static unsigned
pimap_james_flags_changes(const pimap_str_t *message, pimap_str_t *uid)
{
    pimap_str_t           *before, *after;
    pimap_json_member_t    members[PIMAP_JAMES_FLAGS_MEMBERS];

    if (!pimap_json_is_object(message)) {
        return 0;
    }

    members[PIMAP_JAMES_FLAGS_UID].name = "uid";
    members[PIMAP_JAMES_FLAGS_OLD].name = "oldFlags";
    members[PIMAP_JAMES_FLAGS_NEW].name = "newFlags";

    pimap_json_find(message, members, PIMAP_JAMES_FLAGS_MEMBERS);

    *uid = members[PIMAP_JAMES_FLAGS_UID].value;
    before = &members[PIMAP_JAMES_FLAGS_OLD].value;
    after = &members[PIMAP_JAMES_FLAGS_NEW].value;

    return pimap_james_flags_kind(before, after, "systemFlags")
           | pimap_james_flags_kind(before, after, "userFlags");
}


static unsigned
pimap_james_flags_kind(const pimap_str_t *before, const pimap_str_t *after,
    const char *kind)
{
    int                  system;
    pimap_james_list_t   old, new;

    system = kind[0] == 's';

    pimap_james_flags_list(before, kind, &old);
    pimap_james_flags_list(after, kind, &new);

    if (old.more || new.more) {
        return PIMAP_JAMES_SET | PIMAP_JAMES_CLEAR;
    }

    return pimap_james_flags_more(&new, &old, system)
           | (pimap_james_flags_more(&old, &new, system)
              ? PIMAP_JAMES_CLEAR : 0);
}


/* A list that is missing is empty. */

static void
pimap_james_flags_list(const pimap_str_t *flags, const char *kind,
    pimap_james_list_t *list)
{
    const char           *p;
    pimap_str_t           flag;
    pimap_json_member_t   member;

    list->n = 0;
    list->more = 0;

    member.name = kind;
    memset(&member.value, 0, sizeof(pimap_str_t));

    if (pimap_json_is_object(flags)) {
        pimap_json_find(flags, &member, 1);
    }

    p = NULL;

    while (pimap_json_is_array(&member.value)
           && pimap_json_element(&member.value, &p, &flag))
    {
        if (list->n == PIMAP_JAMES_FLAGS) {
            list->more = 1;
            return;
        }

        list->flags[list->n++] = flag;
    }
}


/* The flags that only the first list has.  \Recent is left out. */

static unsigned
pimap_james_flags_more(const pimap_james_list_t *list,
    const pimap_james_list_t *than, int system)
{
    unsigned             i, changes;
    const pimap_str_t   *flag;

    changes = 0;

    for (i = 0; i < list->n; i++) {
        flag = &list->flags[i];

        if (pimap_james_flags_has(than, flag)
            || (system && pimap_james_flags_is(flag, "Recent")))
        {
            continue;
        }

        changes |= system && pimap_james_flags_is(flag, "Seen")
                   ? PIMAP_JAMES_READ
                   : system && pimap_james_flags_is(flag, "Deleted")
                   ? PIMAP_JAMES_TRASH : PIMAP_JAMES_SET;
    }

    return changes;
}


/* James writes a flag in one way. */

static int
pimap_james_flags_has(const pimap_james_list_t *list, const pimap_str_t *flag)
{
    unsigned  i;

    for (i = 0; i < list->n; i++) {
        if (list->flags[i].len == flag->len
            && memcmp(list->flags[i].data, flag->data, flag->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


static int
pimap_james_flags_is(const pimap_str_t *flag, const char *name)
{
    return flag->len == strlen(name) + 2 && flag->data[0] == '"'
           && memcmp(flag->data + 1, name, flag->len - 2) == 0;
}
