
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The mailboxes of a session and the known state of each.
 */


#ifndef _IMAP_MAILBOX_H_INCLUDED_
#define _IMAP_MAILBOX_H_INCLUDED_


#include <jansson.h>

#include "imap_known_flags.h"
#include "imap_response.h"
#include "imap_session.h"


typedef struct {
    char           *name;               /* UTF-8 */
    uint32_t        uidvalidity;        /* 0: not yet selected */
    uint32_t        uidnext;
    uint32_t        messages;
    uint64_t        modseq;             /* 0: unknown */
    int64_t         newest;             /* INTERNALDATE */
    imap_known_flags_t  known;

    imap_status_t   status;             /* the last one */
    imap_status_t   checked;            /* when it was last selected */
    uint64_t        compared_at;        /* all flags; 0: never */

    unsigned        has:8;              /* IMAP_HAS_* of "status" */
    unsigned        dirty:1;            /* has to be selected */
    unsigned        listed:1;           /* in this round */
    unsigned        added:1;            /* found in this round */
    unsigned        subscribed:1;
    unsigned        subscribed_now:1;   /* subscribed, in this round */
    unsigned        special_use:1;      /* IMAP_BOX_SPECIAL_USE */
    unsigned        refused:1;          /* can't be selected */
    unsigned        created:1;          /* all messages are new; UIDVALIDITY
                                           is unknown yet */
} imap_mailbox_t;


imap_mailbox_t *imap_mailbox_find(imap_session_t *s, const char *name);

/* NULL if there are too many. */
imap_mailbox_t *imap_mailbox_add(imap_session_t *s, const char *name);
void imap_mailbox_remove(imap_session_t *s, imap_mailbox_t *m);

/* Forgets its messages; those that it has now are not new. */
void imap_mailbox_reset(imap_mailbox_t *m);

/* It has just been created: all its messages are new.  0: UIDVALIDITY is
   unknown yet. */
void imap_mailbox_set_new(imap_mailbox_t *m, uint32_t uidvalidity);

/* Appends the name in UTF-8, with a zero byte; -1 if it is no usable name. */
int imap_name_decode(imap_session_t *s, bridge_buffer_t *b,
    const bridge_str_t *name);

/* The state for publish(); load() returns -1 if it is not a state. */
json_t *imap_mailbox_state(imap_session_t *s, imap_mailbox_t *m);
int imap_mailbox_load(imap_session_t *s, imap_mailbox_t *m, json_t *state);

/* Tells the owner; takes both references. */
void imap_publish(imap_session_t *s, const char *name, json_t *events,
    json_t *state);

/* The same with an event or none, whose reference is taken. */
void imap_mailbox_publish(imap_session_t *s, imap_mailbox_t *m,
    json_t *event);

/* Does STATUS differ from the known state? */
int imap_mailbox_differs(imap_session_t *s, const imap_mailbox_t *m);

void imap_mailbox_free(imap_mailbox_t *m);


#endif /* _IMAP_MAILBOX_H_INCLUDED_ */
