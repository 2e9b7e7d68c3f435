
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Cyrus uses the names of RFC 5423, as events do.  A move has a notification
 * for each of the two mailboxes.  Changes of contacts and calendars are left
 * out: the bridge finds out what they are.
 */


#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pimap_cyrus.h"
#include "pimap_cyrus_uri.h"


enum {
    PIMAP_CYRUS_EVENT = 0,
    PIMAP_CYRUS_URI,
    PIMAP_CYRUS_OLD_URI,
    PIMAP_CYRUS_UIDSET,
    PIMAP_CYRUS_MODSEQ,
    PIMAP_CYRUS_MESSAGES,
    PIMAP_CYRUS_UNSEEN,
    PIMAP_CYRUS_TYPE,
    PIMAP_CYRUS_USER,
    PIMAP_CYRUS_MEMBERS
};


static const char  *pimap_cyrus_names[PIMAP_CYRUS_MEMBERS] = {
    "event", "uri", "oldMailboxID", "uidset", "modseq", "messages",
    "vnd.cmu.unseenMessages", "vnd.cmu.mbtype", "user"
};


typedef struct {
    const char   *name;                 /* of Cyrus */
    const char   *event;
    unsigned      old:1;                /* names another mailbox */
} pimap_cyrus_kind_t;


static const pimap_cyrus_kind_t  pimap_cyrus_kinds[] = {
    { "MessageNew", "MessageNew", 0 },
    { "MessageAppend", "MessageAppend", 0 },
    { "MessageExpire", "MessageExpire", 0 },
    { "MessageExpunge", "MessageExpunge", 0 },
    { "vnd.cmu.MessageCopy", "MessageAppend", 0 },
    { "vnd.cmu.MessageMove", "MessageAppend", 0 },
    { "MessageRead", "MessageRead", 0 },
    { "MessageTrash", "MessageTrash", 0 },
    { "FlagsSet", "FlagsSet", 0 },
    { "FlagsClear", "FlagsClear", 0 },
    { "MailboxCreate", "MailboxCreate", 0 },
    { "MailboxDelete", "MailboxDelete", 0 },
    { "MailboxRename", "MailboxRename", 1 },
    { "MailboxSubscribe", "MailboxSubscribe", 0 },
    { "MailboxUnSubscribe", "MailboxUnSubscribe", 0 },
    { "QuotaExceed", "QuotaExceed", 0 },
    { "QuotaWithin", "QuotaWithin", 0 },
    { "QuotaChange", "QuotaChange", 0 },
    { NULL, NULL, 0 }
};


static const pimap_cyrus_kind_t *pimap_cyrus_kind(const pimap_str_t *name);
static int pimap_cyrus_is_mail(const pimap_str_t *type);
static void pimap_cyrus_event(const pimap_cyrus_kind_t *kind,
    pimap_json_member_t *members, pimap_lines_t *lines);
static void pimap_cyrus_number(pimap_lines_t *lines, const char *name,
    const pimap_str_t *value);
static void pimap_cyrus_uids(pimap_lines_t *lines, const pimap_str_t *value);
static size_t pimap_cyrus_set(const char *p, pimap_lines_t *lines);


pimap_json_status_t
pimap_cyrus_lines(char *text, size_t len, pimap_lines_t *lines, char *why,
    size_t why_size)
{
    int                         i;
    pimap_json_error_t          err;
    pimap_json_member_t         members[PIMAP_CYRUS_MEMBERS];
    pimap_json_status_t         status;
    const pimap_cyrus_kind_t   *kind;

    for (i = 0; i < PIMAP_CYRUS_MEMBERS; i++) {
        members[i].name = pimap_cyrus_names[i];
    }

    status = pimap_json_check(&text, &len, len, members, PIMAP_CYRUS_MEMBERS,
                              &err);

    if (status == PIMAP_JSON_OK
        && !pimap_json_is_string(&members[PIMAP_CYRUS_EVENT].value))
    {
        err.reason = "no \"event\"";
        err.at = -1;
        status = PIMAP_JSON_BAD;
    }

    if (status != PIMAP_JSON_OK) {
        pimap_json_why(&err, why, why_size);
        return status;
    }

    kind = pimap_cyrus_kind(&members[PIMAP_CYRUS_EVENT].value);

    if (kind && pimap_cyrus_is_mail(&members[PIMAP_CYRUS_TYPE].value)) {
        pimap_cyrus_event(kind, members, lines);
    }

    return PIMAP_JSON_OK;
}


static const pimap_cyrus_kind_t *
pimap_cyrus_kind(const pimap_str_t *name)
{
    char                       buf[32];
    pimap_str_t                str;
    const pimap_cyrus_kind_t  *k;

    if (pimap_json_string(name, buf, sizeof(buf), &str) != 0) {
        return NULL;
    }

    for (k = pimap_cyrus_kinds; k->name; k++) {
        if (str.len == strlen(k->name)
            && memcmp(str.data, k->name, str.len) == 0)
        {
            return k;
        }
    }

    return NULL;
}


/* A mailbox without a type, or with the type "e", has mail. */

static int
pimap_cyrus_is_mail(const pimap_str_t *type)
{
    return !pimap_json_is_string(type) || type->len == 2
           || (type->len == 3 && type->data[1] == 'e');
}


static void
pimap_cyrus_event(const pimap_cyrus_kind_t *kind,
    pimap_json_member_t *members, pimap_lines_t *lines)
{
    pimap_str_t        *owner, none;
    pimap_cyrus_uri_t   uri, old;

    none.data = NULL;
    none.len = 0;

    pimap_cyrus_uri_read(&members[PIMAP_CYRUS_URI].value, &uri);
    pimap_cyrus_uri_read(&members[PIMAP_CYRUS_OLD_URI].value, &old);

    owner = uri.owner.data ? &uri.owner : &members[PIMAP_CYRUS_USER].value;

    pimap_lines_begin(lines, owner, kind->event);
    pimap_lines_member(lines, "mailbox", &uri.mailbox);

    if (kind->old) {
        pimap_lines_member(lines, "oldMailbox", &old.mailbox);
    }

    pimap_cyrus_number(lines, "uidvalidity", &uri.uidvalidity);
    pimap_cyrus_number(lines, "uid", &uri.uid);

    if (uri.uid.data == NULL) {
        pimap_cyrus_uids(lines, &members[PIMAP_CYRUS_UIDSET].value);
    }

    pimap_cyrus_number(lines, "modseq", &members[PIMAP_CYRUS_MODSEQ].value);
    pimap_cyrus_number(lines, "messages",
                       &members[PIMAP_CYRUS_MESSAGES].value);
    pimap_cyrus_number(lines, "unseen", &members[PIMAP_CYRUS_UNSEEN].value);
    pimap_lines_end(lines, &none, &none);
}


static void
pimap_cyrus_number(pimap_lines_t *lines, const char *name,
    const pimap_str_t *value)
{
    if (pimap_lines_is_number(value)) {
        pimap_lines_member(lines, name, value);
    }
}


/* A set that is too large, or is none, is left out. */

static void
pimap_cyrus_uids(pimap_lines_t *lines, const pimap_str_t *value)
{
    char         buf[1024];
    size_t       n;
    pimap_str_t  set;

    if (pimap_json_string(value, buf, sizeof(buf) - 1, &set) != 0
        || set.len == 0 || set.len >= sizeof(buf))
    {
        return;
    }

    memmove(buf, set.data, set.len);
    buf[set.len] = '\0';

    n = pimap_cyrus_set(buf, NULL);

    if (n == 0 || n > PIMAP_CYRUS_UIDS) {
        return;
    }

    pimap_lines_list(lines, "uids");
    (void) pimap_cyrus_set(buf, lines);
    pimap_lines_list_end(lines);
}


/* The number of its messages, 0 if it is none.  Adds them to the lines. */

static size_t
pimap_cyrus_set(const char *p, pimap_lines_t *lines)
{
    char            *end, buf[24];
    size_t           n;
    pimap_str_t      uid;
    unsigned long    first, last;

    n = 0;

    do {
        if (*p < '1' || *p > '9') {
            return 0;
        }

        first = strtoul(p, &end, 10);
        last = first;

        if (*end == ':') {
            last = strtoul(end + 1, &end, 10);
        }

        if (first > last || last > UINT32_MAX) {
            return 0;
        }

        for ( /* void */ ; lines && first <= last; first++, n++) {
            uid.data = buf;
            uid.len = snprintf(buf, sizeof(buf), "%lu", first);
            pimap_lines_item(lines, &uid, n == 0);
        }

        n += last + 1 - first;
        p = end + 1;

    } while (*end == ',' && n <= PIMAP_CYRUS_UIDS);

    return *end == '\0' || n > PIMAP_CYRUS_UIDS ? n : 0;
}
