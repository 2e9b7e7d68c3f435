
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The mailboxes of a session, the known state of each, and the selected one.
 */


#ifndef _IMAP_MAILBOX_H_INCLUDED_
#define _IMAP_MAILBOX_H_INCLUDED_


#include <jansson.h>

#include "imap_command.h"
#include "imap_known_flags.h"
#include "imap_pause.h"
#include "imap_response.h"
#include "imap_session.h"


typedef struct {
    char           *name;               /* UTF-8 */
    uint32_t        uidvalidity;        /* 0: not yet selected */
    uint32_t        uidnext;
    uint32_t        first;              /* UIDs below it were there at the
                                           first look; 0: all are new */
    uint32_t        messages;
    uint64_t        modseq;             /* 0: unknown */
    int64_t         newest;             /* INTERNALDATE */
    imap_known_flags_t  known;

    imap_status_t   status;             /* the last one */
    imap_status_t   checked;            /* when it was last selected */
    uint64_t        compared_at;        /* all flags; 0: never */

    imap_pause_t    pause;              /* before it is looked at again */

    unsigned        has:8;              /* IMAP_HAS_* of "status" */
    unsigned        dirty:1;            /* has to be selected */
    unsigned        listed:1;           /* in this round */
    unsigned        missing:1;          /* in the round before */
    unsigned        added:1;            /* found in this round */
    unsigned        subscribed:1;
    unsigned        subscribed_now:1;   /* subscribed, in this round */
    unsigned        special_use:1;      /* IMAP_BOX_SPECIAL_USE */
    unsigned        refused:1;          /* can't be selected */
    unsigned        raw:1;              /* its name is not encoded */
    unsigned        created:1;          /* all messages are new; UIDVALIDITY
                                           is unknown yet */
} imap_mailbox_t;


/* Rounds that look for a missing mailbox, and names with \Noselect. */

typedef struct {
    unsigned        again;              /* such rounds, one after another */
    size_t          noselect;           /* names in this round */
    size_t          before;             /* in the last other round */
    size_t          known;              /* in two other rounds */
} imap_missing_t;


imap_mailbox_t *imap_mailbox_find(imap_session_t *s, const char *name);

/* NULL if there are too many. */
imap_mailbox_t *imap_mailbox_add(imap_session_t *s, const char *name);
void imap_mailbox_remove(imap_session_t *s, imap_mailbox_t *m);

/* Forgets its messages; those that it has now are not new. */
void imap_mailbox_reset(imap_mailbox_t *m);

/* It has just been created: all its messages are new.  0: UIDVALIDITY is
   unknown yet. */
void imap_mailbox_set_new(imap_mailbox_t *m, uint32_t uidvalidity);

/*
 * Appends the name in UTF-8, with a zero byte.  1: the server has sent it as
 * it is, not in modified UTF-7 (RFC 3501, 5.1).  -1: it is no usable name.
 */
int imap_name_decode(imap_session_t *s, bridge_buffer_t *b,
    const bridge_str_t *name);

/* The name as the server writes it. */
void imap_mailbox_argument(imap_session_t *s, imap_command_t *c,
    const char *name);

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


/* imap_selected.c */

/*
 * How far the session knows the selected mailbox.  imap_select.c owns it.
 *
 *   NONE         all is known; changes are told     SELECT, NEW
 *   SELECT       SELECT or EXAMINE is in flight     BASELINE, CHANGES
 *   BASELINE     fetches all flags, no events       NONE
 *   CHANGES      fetches changed flags (CONDSTORE)  NEW
 *   NEW          fetches new messages               COMPARE, NONE
 *   COMPARE      fetches all UIDs and flags         NONE
 */

typedef enum {
    IMAP_SYNC_NONE,
    IMAP_SYNC_SELECT,
    IMAP_SYNC_BASELINE,
    IMAP_SYNC_CHANGES,
    IMAP_SYNC_NEW,
    IMAP_SYNC_COMPARE
} imap_sync_t;


typedef struct {
    imap_mailbox_t       *mailbox;      /* NULL: none */
    imap_sync_t           sync;
    uint32_t              exists;
    uint32_t              older;        /* messages below known.from */
    uint32_t              withheld;     /* the newest ones: not told yet */
    uint32_t              lowest;       /* message number in COMPARE */
    uint32_t              uidvalidity;  /* as SELECT told it */
    uint32_t              uidnext;
    uint64_t              modseq;
    uint64_t              highest;      /* modseq of the changes since */
    uint32_t              last_uid;     /* fetched in this state of "sync" */
    uint32_t              asked;        /* messages when new ones were asked
                                           for: those without an answer are
                                           told as they are known */
    uint32_t              arrived;      /* during COMPARE */
    imap_sequence_set_t   present;      /* UIDs of COMPARE */
    imap_sequence_set_t   changed;      /* in the events of the batch */
    size_t                barrier;      /* events of the batch before it get
                                           no more UIDs */
    imap_status_t         published;    /* the state that was published */
    unsigned              paced:1;      /* a result is expected of it */
    unsigned              writable:1;
    unsigned              nomodseq:1;
    unsigned              recheck:1;    /* the numbers do not fit: compare */
    unsigned              recreated:1;  /* another UIDVALIDITY: no progress */
    unsigned              many:1;       /* new messages: without contents */
    unsigned              bare:1;       /* the same, as they were refused */
    unsigned              previews:1;   /* PREVIEW is fetched */
    unsigned              compared:1;
    unsigned              numbers:1;    /* those of known messages are sure */
    unsigned              dropped:1;    /* flags of an unsure number */
} imap_selected_t;


/* Messages that the session knows, or knows to be withheld. */
#define imap_selected_count(sel)                                              \
    ((sel)->older + (sel)->mailbox->known.count + (sel)->withheld)

/* Publishes complete changes, and forgets the mailbox. */
void imap_selected_close(imap_session_t *s);

/* Untagged responses about it. */
void imap_selected_exists(imap_session_t *s, uint32_t n);
void imap_selected_expunge(imap_session_t *s, uint32_t n);
void imap_selected_vanished(imap_session_t *s, imap_response_t *r);
void imap_selected_fetch(imap_session_t *s, imap_response_t *r);

/* Something about it was not understood: the next look compares all. */
void imap_selected_doubt(imap_session_t *s);

/* Are there more messages than the session knows? */
int imap_selected_has_new(imap_session_t *s);


#endif /* _IMAP_MAILBOX_H_INCLUDED_ */
