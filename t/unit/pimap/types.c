
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Every JMAP type has its own bit, which never changes.  The name of an event
 * has the types that the event changes.
 */


#include "pimap_types.h"
#include "tap.h"


/* in order of their bits */

static const char  *types[] = {
    "Mailbox", "Thread", "Email", "EmailDelivery", "SearchSnippet",
    "Identity", "EmailSubmission", "VacationResponse", "AddressBook",
    "ContactCard", "Calendar", "CalendarEvent", "CalendarEventNotification",
    "ParticipantIdentity", "CalendarAlert", "Quota", "SieveScript",
    "Principal", "ShareNotification", "MDN", "FileNode", "Task", "TaskList",
    NULL
};


static const struct {
    const char   *event;
    const char   *types[5];
} events[] = {
    { "MessageNew", { "Email", "EmailDelivery", "Mailbox", "Thread" } },
    { "MessageAppend", { "Email", "Mailbox", "Thread" } },
    { "MessageExpire", { "Email", "Mailbox", "Thread" } },
    { "MessageExpunge", { "Email", "Mailbox", "Thread" } },
    { "MessageRead", { "Email", "Mailbox" } },
    { "MessageTrash", { "Email", "Mailbox", "Thread" } },
    { "FlagsSet", { "Email", "Mailbox", "Thread" } },
    { "FlagsClear", { "Email", "Mailbox", "Thread" } },
    { "MailboxCreate", { "Mailbox" } },
    { "MailboxDelete", { "Mailbox" } },
    { "MailboxRename", { "Mailbox" } },
    { "MailboxSubscribe", { "Mailbox" } },
    { "MailboxUnSubscribe", { "Mailbox" } },
    { "MailboxResync", { "Email", "EmailDelivery", "Mailbox", "Thread" } },
    { "QuotaExceed", { "Quota" } },
    { "QuotaWithin", { "Quota" } },
    { "QuotaChange", { "Quota" } },
    { "ContactChange", { "ContactCard", "AddressBook" } },
    { "CalendarChange", { "CalendarEvent", "Calendar" } },
    { "calendarAlert", { "CalendarAlert" } },
    { "AddressBookCreate", { "AddressBook" } },
    { "AddressBookUpdate", { "AddressBook" } },
    { "AddressBookDelete", { "AddressBook" } },
    { "CalendarCreate", { "Calendar" } },
    { "CalendarUpdate", { "Calendar" } },
    { "CalendarDelete", { "Calendar" } },
    { "UpdateResult", { NULL } },
    { "messagenew", { NULL } },
    { "MessageNe", { NULL } },
    { "MessageNewer", { NULL } },
    { "", { NULL } }
};


int
main(void)
{
    char         name[64];
    size_t       i, n;
    uint32_t     mask;
    const char  *type;

    for (i = 0; types[i]; i++) {
        tap_is_int(pimap_type_bit(types[i], strlen(types[i])), 1u << i,
                   types[i]);
    }

    tap_is_int(pimap_type_bit("Foo", 3), PIMAP_TYPE_OTHER, "unknown type");
    tap_is_int(pimap_type_bit("", 0), PIMAP_TYPE_OTHER, "empty type");
    tap_is_int(pimap_type_bit("email", 5), PIMAP_TYPE_OTHER,
               "types are case-sensitive");
    tap_is_int(pimap_type_bit("Emails", 6), PIMAP_TYPE_OTHER,
               "longer than a type");
    tap_is_int(pimap_type_bit("EmailDelivery", 5),
               pimap_type_bit("Email", 5),
               "the length ends a type, not a zero");

    for (i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        mask = 0;

        for (n = 0; events[i].types[n]; n++) {
            type = events[i].types[n];
            mask |= pimap_type_bit(type, strlen(type));
        }

        snprintf(name, sizeof(name), "types of \"%s\"", events[i].event);

        tap_is_int(pimap_types_of_event(events[i].event,
                                        strlen(events[i].event)),
                   mask, name);
    }

    return tap_done();
}
