
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The members of the notification, and their names in an event.
 */


#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pimap_ox.h"


typedef enum {
    PIMAP_OX_STRING,
    PIMAP_OX_NUMBER
} pimap_ox_type_t;


typedef struct {
    const char       *name;             /* in our event */
    pimap_ox_type_t   type;
    int               required;
} pimap_ox_member_t;


static void pimap_ox_find(const pimap_event_t *ev,
    pimap_json_member_t *members);
static int pimap_ox_valid(const pimap_ox_member_t *member,
    const pimap_str_t *value);


enum {
    PIMAP_OX_USER = 0,
    PIMAP_OX_FOLDER,
    PIMAP_OX_UIDVALIDITY,
    PIMAP_OX_UID,
    PIMAP_OX_FROM,
    PIMAP_OX_SUBJECT,
    PIMAP_OX_SNIPPET,
    PIMAP_OX_UNSEEN,
    PIMAP_OX_MEMBERS
};


static const char  *pimap_ox_names[PIMAP_OX_MEMBERS] = {
    "user", "folder", "imap-uidvalidity", "imap-uid", "from", "subject",
    "snippet", "unseen"
};


/* "user" is the account, which devices do not get */

static const pimap_ox_member_t  pimap_ox_members[PIMAP_OX_MEMBERS] = {
    [PIMAP_OX_USER] = { NULL, PIMAP_OX_STRING, 0 },
    [PIMAP_OX_FOLDER] = { "mailbox", PIMAP_OX_STRING, 1 },
    [PIMAP_OX_UIDVALIDITY] = { "uidvalidity", PIMAP_OX_NUMBER, 0 },
    [PIMAP_OX_UID] = { "uid", PIMAP_OX_NUMBER, 1 },
    [PIMAP_OX_FROM] = { "from", PIMAP_OX_STRING, 0 },
    [PIMAP_OX_SUBJECT] = { "subject", PIMAP_OX_STRING, 0 },
    [PIMAP_OX_SNIPPET] = { "preview", PIMAP_OX_STRING, 0 },
    [PIMAP_OX_UNSEEN] = { "unseen", PIMAP_OX_NUMBER, 0 }
};


static void
pimap_ox_find(const pimap_event_t *ev, pimap_json_member_t *members)
{
    int  i;

    for (i = 0; i < PIMAP_OX_MEMBERS; i++) {
        members[i].name = pimap_ox_names[i];
    }

    pimap_json_find(&ev->json, members, PIMAP_OX_MEMBERS);
}


int
pimap_ox_detect(const pimap_event_t *ev)
{
    pimap_json_member_t  members[PIMAP_OX_MEMBERS];

    static const char    name[] = "messageNew";

    if (ev->name.len != sizeof(name) - 1
        || strncasecmp(ev->name.data, name, sizeof(name) - 1) != 0)
    {
        return 0;
    }

    pimap_ox_find(ev, members);

    return members[PIMAP_OX_USER].value.data
           && members[PIMAP_OX_FOLDER].value.data
           && members[PIMAP_OX_UID].value.data;
}


pimap_str_t
pimap_ox_user(const pimap_event_t *ev, char *buf, size_t size)
{
    pimap_str_t          user;
    pimap_json_member_t  members[PIMAP_OX_MEMBERS];

    pimap_ox_find(ev, members);

    (void) pimap_json_string(&members[PIMAP_OX_USER].value, buf, size, &user);

    return user;
}


char *
pimap_ox_to_event(const pimap_event_t *ev, size_t *len)
{
    int                  i;
    char                *text, *p;
    size_t               size;
    pimap_json_member_t  members[PIMAP_OX_MEMBERS];

    static const char    head[] = "{\"event\":\"MessageNew\"";

    *len = 0;
    size = sizeof(head);

    pimap_ox_find(ev, members);

    for (i = PIMAP_OX_FOLDER; i < PIMAP_OX_MEMBERS; i++) {
        if (!pimap_ox_valid(&pimap_ox_members[i], &members[i].value)) {
            errno = EINVAL;
            return NULL;
        }

        size += sizeof(",\"\":") + strlen(pimap_ox_members[i].name)
                + members[i].value.len;
    }

    text = malloc(size);

    if (text == NULL) {
        return NULL;
    }

    p = text + sprintf(text, "%s", head);

    for (i = PIMAP_OX_FOLDER; i < PIMAP_OX_MEMBERS; i++) {
        if (members[i].value.data) {
            p += sprintf(p, ",\"%s\":%.*s", pimap_ox_members[i].name,
                         (int) members[i].value.len, members[i].value.data);
        }
    }

    *p++ = '}';
    *len = p - text;

    return text;
}


/* All numbers are of 32 bits in IMAP (RFC 9051, 9: number, nz-number). */

static int
pimap_ox_valid(const pimap_ox_member_t *member, const pimap_str_t *value)
{
    size_t    i;
    uint64_t  n;

    if (value->data == NULL) {
        return !member->required;
    }

    if (member->type == PIMAP_OX_STRING) {
        return pimap_json_is_string(value);
    }

    n = 0;

    for (i = 0; i < value->len && n <= UINT32_MAX; i++) {

        if (value->data[i] < '0' || value->data[i] > '9') {
            return 0;
        }

        n = n * 10 + (value->data[i] - '0');
    }

    return n <= UINT32_MAX;
}
