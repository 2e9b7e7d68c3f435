
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The tables of types and of events.
 */


#include <string.h>

#include "pimap_types.h"


/*
 * A type's bit is its place in this table.  Records of parked devices carry
 * such masks from one version of the program to the next: new types go to
 * the end, at most 31 in all, and none ever moves.
 */

enum {
    PIMAP_BIT_MAILBOX = 0,
    PIMAP_BIT_THREAD,
    PIMAP_BIT_EMAIL,
    PIMAP_BIT_EMAIL_DELIVERY,
    PIMAP_BIT_SEARCH_SNIPPET,
    PIMAP_BIT_IDENTITY,
    PIMAP_BIT_EMAIL_SUBMISSION,
    PIMAP_BIT_VACATION_RESPONSE,
    PIMAP_BIT_ADDRESS_BOOK,
    PIMAP_BIT_CONTACT_CARD,
    PIMAP_BIT_CALENDAR,
    PIMAP_BIT_CALENDAR_EVENT,
    PIMAP_BIT_CALENDAR_EVENT_NOTIFICATION,
    PIMAP_BIT_PARTICIPANT_IDENTITY,
    PIMAP_BIT_CALENDAR_ALERT,
    PIMAP_BIT_QUOTA,
    PIMAP_BIT_SIEVE_SCRIPT,
    PIMAP_BIT_PRINCIPAL,
    PIMAP_BIT_SHARE_NOTIFICATION,
    PIMAP_BIT_MDN,
    PIMAP_BIT_FILE_NODE,
    PIMAP_BIT_TASK,
    PIMAP_BIT_TASK_LIST
};


#define pimap_type(bit)     (1u << PIMAP_BIT_##bit)
#define pimap_mask(s, m)    { (s), sizeof(s) - 1, (m), 0 }
#define pimap_merge(s, m)   { (s), sizeof(s) - 1, (m), 1 }

#define PIMAP_MAIL          (pimap_type(EMAIL)|pimap_type(MAILBOX)            \
                             |pimap_type(THREAD))


typedef struct {
    const char   *name;
    size_t        len;
    uint32_t      mask;
    int           merges;               /* a newer event replaces it */
} pimap_mask_t;


static const pimap_mask_t *pimap_mask_find(const pimap_mask_t *mask,
    const char *name, size_t len);


static const pimap_mask_t  pimap_types[] = {

    /* RFC 8621 */

    pimap_mask("Mailbox", pimap_type(MAILBOX)),
    pimap_mask("Thread", pimap_type(THREAD)),
    pimap_mask("Email", pimap_type(EMAIL)),
    pimap_mask("EmailDelivery", pimap_type(EMAIL_DELIVERY)),
    pimap_mask("SearchSnippet", pimap_type(SEARCH_SNIPPET)),
    pimap_mask("Identity", pimap_type(IDENTITY)),
    pimap_mask("EmailSubmission", pimap_type(EMAIL_SUBMISSION)),
    pimap_mask("VacationResponse", pimap_type(VACATION_RESPONSE)),

    /* RFC 9610 */

    pimap_mask("AddressBook", pimap_type(ADDRESS_BOOK)),
    pimap_mask("ContactCard", pimap_type(CONTACT_CARD)),

    /* JMAP for Calendars */

    pimap_mask("Calendar", pimap_type(CALENDAR)),
    pimap_mask("CalendarEvent", pimap_type(CALENDAR_EVENT)),
    pimap_mask("CalendarEventNotification",
               pimap_type(CALENDAR_EVENT_NOTIFICATION)),
    pimap_mask("ParticipantIdentity", pimap_type(PARTICIPANT_IDENTITY)),
    pimap_mask("CalendarAlert", pimap_type(CALENDAR_ALERT)),

    /* RFC 9425, RFC 9661, RFC 9670 (two), RFC 9007 */

    pimap_mask("Quota", pimap_type(QUOTA)),
    pimap_mask("SieveScript", pimap_type(SIEVE_SCRIPT)),
    pimap_mask("Principal", pimap_type(PRINCIPAL)),
    pimap_mask("ShareNotification", pimap_type(SHARE_NOTIFICATION)),
    pimap_mask("MDN", pimap_type(MDN)),

    /* JMAP File Storage, JMAP for Tasks */

    pimap_mask("FileNode", pimap_type(FILE_NODE)),
    pimap_mask("Task", pimap_type(TASK)),
    pimap_mask("TaskList", pimap_type(TASK_LIST)),

    { NULL, 0, 0, 0 }
};


/*
 * What a JMAP server over the same store would report as changed:
 *
 *                    Email  EmailDelivery  Mailbox  Thread
 *     MessageNew       x          x           x        x
 *     MessageAppend    x                      x        x
 *     MessageExpire    x                      x        x
 *     MessageExpunge   x                      x        x
 *     MessageRead      x                      x
 *     MessageTrash     x                      x        x
 *     FlagsSet         x                      x        x
 *     FlagsClear       x                      x        x
 *     MailboxResync    x          x           x        x
 *
 * EmailDelivery stands for new mail: a message that was copied or uploaded
 * is not worth waking a device that asked for deliveries only.
 *
 * A Thread is the list of its messages, so \Seen leaves it alone; a Mailbox
 * has counts of what is unread.  A message with \Deleted must not be visible
 * in JMAP (RFC 8621, 4.1.1): setting it removes the message from its Thread,
 * and clearing it brings the message back.  FlagsSet and FlagsClear may be
 * about \Deleted; one notification too many is better than one too few.
 *
 * MailboxResync is a mailbox that is not what it was: anything may have
 * happened, and new mail is part of that.
 */

static const pimap_mask_t  pimap_event_types[] = {

    pimap_mask("MessageNew", PIMAP_MAIL|pimap_type(EMAIL_DELIVERY)),
    pimap_merge("MessageAppend", PIMAP_MAIL),
    pimap_merge("MessageExpire", PIMAP_MAIL),
    pimap_merge("MessageExpunge", PIMAP_MAIL),
    pimap_merge("MessageRead", pimap_type(EMAIL)|pimap_type(MAILBOX)),
    pimap_merge("MessageTrash", PIMAP_MAIL),
    pimap_merge("FlagsSet", PIMAP_MAIL),
    pimap_merge("FlagsClear", PIMAP_MAIL),

    pimap_merge("MailboxCreate", pimap_type(MAILBOX)),
    pimap_merge("MailboxDelete", pimap_type(MAILBOX)),
    pimap_merge("MailboxRename", pimap_type(MAILBOX)),
    pimap_merge("MailboxSubscribe", pimap_type(MAILBOX)),
    pimap_merge("MailboxUnSubscribe", pimap_type(MAILBOX)),
    pimap_mask("MailboxResync", PIMAP_MAIL|pimap_type(EMAIL_DELIVERY)),

    pimap_merge("QuotaExceed", pimap_type(QUOTA)),
    pimap_merge("QuotaWithin", pimap_type(QUOTA)),
    pimap_merge("QuotaChange", pimap_type(QUOTA)),

    pimap_merge("ContactChange",
                pimap_type(CONTACT_CARD)|pimap_type(ADDRESS_BOOK)),
    pimap_merge("CalendarChange",
                pimap_type(CALENDAR_EVENT)|pimap_type(CALENDAR)),
    pimap_mask("calendarAlert", pimap_type(CALENDAR_ALERT)),

    pimap_mask("AddressBookCreate", pimap_type(ADDRESS_BOOK)),
    pimap_mask("AddressBookUpdate", pimap_type(ADDRESS_BOOK)),
    pimap_mask("AddressBookDelete", pimap_type(ADDRESS_BOOK)),
    pimap_mask("CalendarCreate", pimap_type(CALENDAR)),
    pimap_mask("CalendarUpdate", pimap_type(CALENDAR)),
    pimap_mask("CalendarDelete", pimap_type(CALENDAR)),

    { NULL, 0, 0, 0 }
};


uint32_t
pimap_type_bit(const char *name, size_t len)
{
    const pimap_mask_t  *type;

    type = pimap_mask_find(pimap_types, name, len);

    return type ? type->mask : PIMAP_TYPE_OTHER;
}


const char *
pimap_type_name(unsigned n)
{
    return n < sizeof(pimap_types) / sizeof(pimap_types[0])
           ? pimap_types[n].name : NULL;
}


uint32_t
pimap_types_of_event(const char *name, size_t len)
{
    const pimap_mask_t  *event;

    event = pimap_mask_find(pimap_event_types, name, len);

    return event ? event->mask : 0;
}


int
pimap_types_event_merges(const char *name, size_t len)
{
    const pimap_mask_t  *event;

    event = pimap_mask_find(pimap_event_types, name, len);

    return event ? event->merges : 0;
}


/* JMAP names and event names are case-sensitive. */

static const pimap_mask_t *
pimap_mask_find(const pimap_mask_t *mask, const char *name, size_t len)
{
    for ( /* void */ ; mask->name; mask++) {

        if (mask->len == len && memcmp(mask->name, name, len) == 0) {
            return mask;
        }
    }

    return NULL;
}
