
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * A text is one object with one member: the kind of the event, and the event.
 * An event about many messages becomes several lines, so that each is short.
 */


#include <stdio.h>
#include <string.h>

#include "pimap_james.h"
#include "pimap_james_flags.h"


enum {
    PIMAP_JAMES_EVENT_ID = 0,
    PIMAP_JAMES_USER,
    PIMAP_JAMES_PATH,
    PIMAP_JAMES_MAILBOX_PATH,
    PIMAP_JAMES_NEW_PATH,
    PIMAP_JAMES_ADDED,
    PIMAP_JAMES_EXPUNGED,
    PIMAP_JAMES_UPDATED_FLAGS,
    PIMAP_JAMES_IS_DELIVERY,
    PIMAP_JAMES_MEMBERS
};


static const char  *pimap_james_names[PIMAP_JAMES_MEMBERS] = {
    "eventId", "user", "path", "mailboxPath", "newPath", "added", "expunged",
    "updatedFlags", "isDelivery"
};


/* An event while it becomes lines. */
typedef struct {
    pimap_lines_t        *lines;
    pimap_json_member_t   members[PIMAP_JAMES_MEMBERS];
    pimap_str_t           account;
    pimap_str_t           mailbox;
    pimap_str_t           owner;        /* if it is not the account */

    unsigned              n;            /* lines */
    size_t                uids;         /* in the line that is open, or 0 */
} pimap_james_event_t;


typedef struct {
    const char   *kind;
    void        (*handler)(pimap_james_event_t *e);
} pimap_james_kind_t;


static void pimap_james_event(const pimap_str_t *kind,
    const pimap_str_t *value, pimap_lines_t *lines);
static const pimap_james_kind_t *pimap_james_kind(const pimap_str_t *name);
static void pimap_james_path(const pimap_str_t *path, pimap_str_t *user,
    pimap_str_t *name);
static void pimap_james_added(pimap_james_event_t *e);
static void pimap_james_news(pimap_james_event_t *e);
static void pimap_james_expunged(pimap_james_event_t *e);
static void pimap_james_map(pimap_james_event_t *e, pimap_str_t *map,
    const char *name);
static void pimap_james_flags(pimap_james_event_t *e);
static void pimap_james_changed(pimap_james_event_t *e,
    const pimap_james_changes_t *changes, const char *name, unsigned change);
static void pimap_james_created(pimap_james_event_t *e);
static void pimap_james_deleted(pimap_james_event_t *e);
static void pimap_james_renamed(pimap_james_event_t *e);
static void pimap_james_subscribed(pimap_james_event_t *e);
static void pimap_james_unsubscribed(pimap_james_event_t *e);
static void pimap_james_subscription(pimap_james_event_t *e, const char *name);
static void pimap_james_quota(pimap_james_event_t *e);
static void pimap_james_mailbox(pimap_james_event_t *e, const char *name,
    const pimap_str_t *old);
static void pimap_james_uid(pimap_james_event_t *e, const char *name,
    const pimap_str_t *uid);
static void pimap_james_uids_end(pimap_james_event_t *e);
static void pimap_james_end(pimap_james_event_t *e);


static const pimap_james_kind_t  pimap_james_kinds[] = {
    { "Added", pimap_james_added },
    { "Expunged", pimap_james_expunged },
    { "FlagsUpdated", pimap_james_flags },
    { "MailboxAdded", pimap_james_created },
    { "MailboxDeletion", pimap_james_deleted },
    { "MailboxRenamed", pimap_james_renamed },
    { "MailboxSubscribedEvent", pimap_james_subscribed },
    { "MailboxUnSubscribedEvent", pimap_james_unsubscribed },
    { "QuotaUsageUpdatedEvent", pimap_james_quota },
    { NULL, NULL }
};


pimap_json_status_t
pimap_james_lines(char *text, size_t len, pimap_lines_t *lines, char *why,
    size_t why_size)
{
    const char           *p;
    pimap_str_t           object, kind, value;
    pimap_json_error_t    err;
    pimap_json_status_t   status;

    status = pimap_json_check(&text, &len, len, NULL, 0, &err);

    if (status == PIMAP_JSON_OK) {
        object.data = text;
        object.len = len;
        p = NULL;

        err.reason = pimap_json_next(&object, &p, &kind, &value)
                     && pimap_json_is_object(&value)
                     ? NULL : "not the JSON of an event of James";
        err.at = -1;

        status = err.reason ? PIMAP_JSON_BAD : PIMAP_JSON_OK;
    }

    if (status != PIMAP_JSON_OK) {
        pimap_json_why(&err, why, why_size);
        return status;
    }

    pimap_james_event(&kind, &value, lines);

    return PIMAP_JSON_OK;
}


static void
pimap_james_event(const pimap_str_t *kind, const pimap_str_t *value,
    pimap_lines_t *lines)
{
    int                        i;
    pimap_str_t                user, *path;
    pimap_james_event_t        e;
    const pimap_james_kind_t  *k;

    k = pimap_james_kind(kind);

    if (k == NULL) {
        return;
    }

    memset(&e, 0, sizeof(pimap_james_event_t));
    e.lines = lines;

    for (i = 0; i < PIMAP_JAMES_MEMBERS; i++) {
        e.members[i].name = pimap_james_names[i];
    }

    pimap_json_find(value, e.members, PIMAP_JAMES_MEMBERS);

    path = &e.members[PIMAP_JAMES_PATH].value;

    if (path->data == NULL) {
        path = &e.members[PIMAP_JAMES_MAILBOX_PATH].value;
    }

    /* a mailbox belongs to the user in its path, whoever changed it */

    pimap_james_path(path, &user, &e.mailbox);

    e.account = pimap_json_is_string(&user)
                ? user : e.members[PIMAP_JAMES_USER].value;

    k->handler(&e);
}


static const pimap_james_kind_t *
pimap_james_kind(const pimap_str_t *name)
{
    char                       buf[64];
    pimap_str_t                str;
    const pimap_james_kind_t  *k;

    if (pimap_json_string(name, buf, sizeof(buf), &str) != 0) {
        return NULL;
    }

    for (k = pimap_james_kinds; k->kind; k++) {
        if (str.len == strlen(k->kind)
            && memcmp(str.data, k->kind, str.len) == 0)
        {
            return k;
        }
    }

    return NULL;
}


/* A member that is missing, or is no string, is absent. */

static void
pimap_james_path(const pimap_str_t *path, pimap_str_t *user, pimap_str_t *name)
{
    int                   i;
    pimap_json_member_t   members[2];

    memset(members, 0, sizeof(members));
    members[0].name = "user";
    members[1].name = "name";

    if (pimap_json_is_object(path)) {
        pimap_json_find(path, members, 2);
    }

    for (i = 0; i < 2; i++) {
        if (!pimap_json_is_string(&members[i].value)) {
            memset(&members[i].value, 0, sizeof(pimap_str_t));
        }
    }

    *user = members[0].value;
    *name = members[1].value;
}


static void
pimap_james_added(pimap_james_event_t *e)
{
    pimap_str_t  *delivery;

    delivery = &e->members[PIMAP_JAMES_IS_DELIVERY].value;

    if (delivery->data && *delivery->data == 't') {
        pimap_james_news(e);
        return;
    }

    pimap_james_map(e, &e->members[PIMAP_JAMES_ADDED].value, "MessageAppend");
}


/* News have a line for each message. */

static void
pimap_james_news(pimap_james_event_t *e)
{
    const char   *p;
    pimap_str_t   name, value, *added;
    pimap_str_t   uid;

    added = &e->members[PIMAP_JAMES_ADDED].value;
    p = NULL;

    while (pimap_json_is_object(added)
           && pimap_json_next(added, &p, &name, &value))
    {
        uid.data = name.data + 1;
        uid.len = name.len - 2;

        if (!pimap_lines_is_number(&uid)) {
            continue;
        }

        pimap_lines_begin(e->lines, &e->account, "MessageNew");
        pimap_lines_member(e->lines, "mailbox", &e->mailbox);
        pimap_lines_member(e->lines, "uid", &uid);
        pimap_james_end(e);
    }
}


static void
pimap_james_expunged(pimap_james_event_t *e)
{
    pimap_james_map(e, &e->members[PIMAP_JAMES_EXPUNGED].value,
                    "MessageExpunge");
}


/* The names of its members are uids. */

static void
pimap_james_map(pimap_james_event_t *e, pimap_str_t *map, const char *event)
{
    const char   *p;
    pimap_str_t   name, value, uid;

    p = NULL;

    while (pimap_json_is_object(map)
           && pimap_json_next(map, &p, &name, &value))
    {
        uid.data = name.data + 1;
        uid.len = name.len - 2;

        pimap_james_uid(e, event, &uid);
    }

    pimap_james_uids_end(e);
}


static void
pimap_james_flags(pimap_james_event_t *e)
{
    pimap_james_changes_t  changes;

    if (pimap_james_flags_read(&e->members[PIMAP_JAMES_UPDATED_FLAGS].value,
                               &changes)
        == 0)
    {
        pimap_james_changed(e, &changes, "MessageRead", PIMAP_JAMES_READ);
        pimap_james_changed(e, &changes, "MessageTrash", PIMAP_JAMES_TRASH);
        pimap_james_changed(e, &changes, "FlagsSet", PIMAP_JAMES_SET);
        pimap_james_changed(e, &changes, "FlagsClear", PIMAP_JAMES_CLEAR);

    } else {
        e->lines->status = PIMAP_JSON_NO_MEMORY;
    }

    pimap_james_flags_free(&changes);
}


/* The messages that have changed so. */

static void
pimap_james_changed(pimap_james_event_t *e,
    const pimap_james_changes_t *changes, const char *name, unsigned change)
{
    size_t  i;

    for (i = 0; i < changes->n; i++) {
        if (changes->list[i].changes & change) {
            pimap_james_uid(e, name, &changes->list[i].uid);
        }
    }

    pimap_james_uids_end(e);
}


static void
pimap_james_created(pimap_james_event_t *e)
{
    pimap_james_mailbox(e, "MailboxCreate", NULL);
}


static void
pimap_james_deleted(pimap_james_event_t *e)
{
    pimap_james_mailbox(e, "MailboxDelete", NULL);
}


static void
pimap_james_renamed(pimap_james_event_t *e)
{
    pimap_str_t  user, old;

    old = e->mailbox;

    pimap_james_path(&e->members[PIMAP_JAMES_NEW_PATH].value, &user,
                     &e->mailbox);
    pimap_james_mailbox(e, "MailboxRename", &old);
}


static void
pimap_james_subscribed(pimap_james_event_t *e)
{
    pimap_james_subscription(e, "MailboxSubscribe");
}


static void
pimap_james_unsubscribed(pimap_james_event_t *e)
{
    pimap_james_subscription(e, "MailboxUnSubscribe");
}


/* A subscription is the user's, also if another one owns the mailbox. */

static void
pimap_james_subscription(pimap_james_event_t *e, const char *name)
{
    pimap_str_t  *user;

    user = &e->members[PIMAP_JAMES_USER].value;

    if (pimap_json_is_string(user)
        && (user->len != e->account.len
            || memcmp(user->data, e->account.data, user->len) != 0))
    {
        e->owner = e->account;
        e->account = *user;
    }

    pimap_james_mailbox(e, name, NULL);
}


static void
pimap_james_quota(pimap_james_event_t *e)
{
    pimap_james_mailbox(e, "QuotaChange", NULL);
}


static void
pimap_james_mailbox(pimap_james_event_t *e, const char *name,
    const pimap_str_t *old)
{
    pimap_lines_begin(e->lines, &e->account, name);
    pimap_lines_member(e->lines, "mailbox", &e->mailbox);

    pimap_lines_member(e->lines, "owner", &e->owner);

    if (old) {
        pimap_lines_member(e->lines, "oldMailbox", old);
    }

    pimap_james_end(e);
}


/* One more uid of the line that is open, or of a new one. */

static void
pimap_james_uid(pimap_james_event_t *e, const char *name,
    const pimap_str_t *uid)
{
    if (!pimap_lines_is_number(uid)) {
        return;
    }

    if (e->uids == PIMAP_JAMES_UIDS) {
        pimap_james_uids_end(e);
    }

    if (e->uids == 0) {
        pimap_lines_begin(e->lines, &e->account, name);
        pimap_lines_member(e->lines, "mailbox", &e->mailbox);
        pimap_lines_list(e->lines, "uids");
    }

    pimap_lines_item(e->lines, uid, e->uids == 0);
    e->uids++;
}


static void
pimap_james_uids_end(pimap_james_event_t *e)
{
    if (e->uids) {
        pimap_lines_list_end(e->lines);
        pimap_james_end(e);
        e->uids = 0;
    }
}


/* James sends an event again with the same id; its lines are the same, too. */

static void
pimap_james_end(pimap_james_event_t *e)
{
    char         buf[16];
    pimap_str_t  number;

    number.data = buf;
    number.len = snprintf(buf, sizeof(buf), "%u", e->n++);

    pimap_lines_end(e->lines, &e->members[PIMAP_JAMES_EVENT_ID].value,
                    &number);
}
