
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the event codec: the payload of a Redis message or of a publish request
 * becomes a validated event (docs/events.md).  Called by delivery/ and by
 * locations/.  Invariant: no I/O.
 */


#ifndef _PIMAP_EVENT_H_INCLUDED_
#define _PIMAP_EVENT_H_INCLUDED_


#include "pimap_json.h"


#define PIMAP_EVENT_MAX_NAME    64      /* bytes of an event's name */
#define PIMAP_EVENT_MAX_ID      41      /* "<epoch>-<n>", two uint64 */


typedef enum {
    PIMAP_EVENT_OK = 0,
    PIMAP_EVENT_TOO_LARGE,              /* over the limit that was given */
    PIMAP_EVENT_TOO_DEEP,               /* over PIMAP_JSON_MAX_DEPTH */
    PIMAP_EVENT_BAD_ID,                 /* a digit, but no "<epoch>-<n> " */
    PIMAP_EVENT_BAD_JSON,               /* syntax, UTF-8, duplicate keys,
                                           integers beyond 64 bits */
    PIMAP_EVENT_NOT_OBJECT,
    PIMAP_EVENT_NO_NAME,                /* neither "event" nor "@type" */
    PIMAP_EVENT_BAD_NAME,               /* not a string, empty, too long, odd
                                           characters, reserved; or an
                                           "@type" that we don't know */
    PIMAP_EVENT_BAD_MEMBER,             /* "mailbox" is not a string, ... */
    PIMAP_EVENT_NO_MEMORY
} pimap_event_status_t;


/* Members that the codec looks at. */
enum {
    PIMAP_MEMBER_EVENT = 0,
    PIMAP_MEMBER_TYPE,                   /* "@type" */
    PIMAP_MEMBER_ID,
    PIMAP_MEMBER_MAILBOX,
    PIMAP_MEMBER_OLD_MAILBOX,
    PIMAP_MEMBER_COLLECTION,
    PIMAP_MEMBER_OWNER,
    PIMAP_MEMBER_CHANGED,
    PIMAP_MEMBER_DEVICE,
    PIMAP_MEMBER_UPDATE,
    PIMAP_MEMBERS
};


typedef struct {
    uint64_t      epoch;                /* 0: the event is not in the log */
    uint64_t      n;
    uint64_t      time;                 /* msec since 1970, of the publish in
                                           Redis; 0: not known */

    pimap_str_t   id;                   /* text of the above, or empty */
    pimap_str_t   json;                 /* the publisher's text, on one line */
    pimap_str_t   name;                 /* "MessageNew"; "state" for a JMAP
                                           StateChange, "calendarAlert" */
    pimap_str_t   mailbox;              /* decoded; data == NULL if absent */
    pimap_str_t   old_mailbox;          /* of a MailboxRename */
    pimap_str_t   collection;           /* address book or calendar */
    pimap_str_t   device;               /* of an UpdateResult ... */
    pimap_str_t   update;               /* ... the id of its update */
    uint32_t      types;                /* PIMAP_TYPE_* of pimap_types.h */

    /* as they are written; data == NULL if absent */
    pimap_str_t   members[PIMAP_MEMBERS];

    char         *decoded;              /* strings that had escapes */
    size_t        decoded_len;
} pimap_event_t;


/*
 * Parses a payload: "<json>", "<epoch>-<n> <json>" or "<epoch>-<n>@<msec>
 * <json>".  The numbers of an id are decimal, above zero, without leading
 * zeros.
 *
 * The name is the member "event", of A-Z a-z 0-9 . _ - and not one of our own
 * control events.  Without it "@type" may say that the text is a JMAP
 * StateChange or CalendarAlert.
 *
 * A "collection", "device" or "update" that is not a string is taken for none.
 *
 * White space around the text is not part of ev->json.  Line breaks between
 * tokens are squeezed out in place, so "payload" is changed; everything else
 * of the text stays as it is.  "max" limits the text in bytes, before that.
 *
 * On PIMAP_EVENT_OK the event points into "payload": it is to be freed with
 * pimap_event_free() before "payload" goes.  Otherwise nothing is to be freed
 * (although it would do no harm), and "why", if not NULL, is filled with a
 * short reason without any of the payload's text.  A text that is no JSON is
 * untouched.  A decoded string may have zeros in it.
 */
pimap_event_status_t pimap_event_parse(pimap_event_t *ev, char *payload,
    size_t len, size_t max, char *why, size_t why_size);

/* As above for a publisher's body: no id is allowed before the text. */
pimap_event_status_t pimap_event_parse_json(pimap_event_t *ev, char *text,
    size_t len, size_t max, char *why, size_t why_size);

void pimap_event_free(pimap_event_t *ev);


#endif /* _PIMAP_EVENT_H_INCLUDED_ */
