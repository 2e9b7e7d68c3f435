
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A flag of the system has a name such as "Seen"; a keyword may have the same
 * name, so each is compared with its kind only.
 */


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


static unsigned pimap_james_flags_kind(const pimap_str_t *before,
    const pimap_str_t *after, const char *kind);
static void pimap_james_flags_list(const pimap_str_t *flags, const char *kind,
    pimap_str_t *list);
static int pimap_james_flags_many(const pimap_str_t *list);
static unsigned pimap_james_flags_more(const pimap_str_t *list,
    const pimap_str_t *than, int system);
static int pimap_james_flags_has(const pimap_str_t *list,
    const pimap_str_t *flag);
static int pimap_james_flags_is(const pimap_str_t *flag, const char *name);


unsigned
pimap_james_flags_changes(const pimap_str_t *message, pimap_str_t *uid)
{
    pimap_str_t           *before, *after;
    pimap_json_member_t    members[PIMAP_JAMES_FLAGS_MEMBERS];

    memset(uid, 0, sizeof(pimap_str_t));

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
    int          system;
    pimap_str_t  old, new;

    system = kind[0] == 's';

    pimap_james_flags_list(before, kind, &old);
    pimap_james_flags_list(after, kind, &new);

    if (pimap_james_flags_many(&old) || pimap_james_flags_many(&new)) {
        return PIMAP_JAMES_SET | PIMAP_JAMES_CLEAR;
    }

    return pimap_james_flags_more(&new, &old, system)
           | (pimap_james_flags_more(&old, &new, system)
              ? PIMAP_JAMES_CLEAR : 0);
}


/* A list that is missing is empty. */

static void
pimap_james_flags_list(const pimap_str_t *flags, const char *kind,
    pimap_str_t *list)
{
    pimap_json_member_t  member;

    member.name = kind;
    memset(&member.value, 0, sizeof(pimap_str_t));

    if (pimap_json_is_object(flags)) {
        pimap_json_find(flags, &member, 1);
    }

    *list = member.value;

    if (!pimap_json_is_array(list)) {
        list->data = "[]";
        list->len = 2;
    }
}


static int
pimap_james_flags_many(const pimap_str_t *list)
{
    int           n;
    const char   *p;
    pimap_str_t   flag;

    p = NULL;

    for (n = 0; pimap_json_element(list, &p, &flag); n++) {
        if (n == PIMAP_JAMES_FLAGS) {
            return 1;
        }
    }

    return 0;
}


/* What is in the list, and not in the other one.  \Recent is left out. */

static unsigned
pimap_james_flags_more(const pimap_str_t *list, const pimap_str_t *than,
    int system)
{
    unsigned      changes;
    const char   *p;
    pimap_str_t   flag;

    changes = 0;
    p = NULL;

    while (pimap_json_element(list, &p, &flag)) {

        if (pimap_james_flags_has(than, &flag)
            || (system && pimap_james_flags_is(&flag, "Recent")))
        {
            continue;
        }

        changes |= system && pimap_james_flags_is(&flag, "Seen")
                   ? PIMAP_JAMES_READ
                   : system && pimap_james_flags_is(&flag, "Deleted")
                   ? PIMAP_JAMES_TRASH : PIMAP_JAMES_SET;
    }

    return changes;
}


/* James writes a flag in one way. */

static int
pimap_james_flags_has(const pimap_str_t *list, const pimap_str_t *flag)
{
    const char   *p;
    pimap_str_t   one;

    p = NULL;

    while (pimap_json_element(list, &p, &one)) {
        if (one.len == flag->len && memcmp(one.data, flag->data, one.len) == 0)
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
