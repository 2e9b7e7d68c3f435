
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The mailbox that is selected.
 */


#ifndef _IMAP_SELECTED_H_INCLUDED_
#define _IMAP_SELECTED_H_INCLUDED_


#include "imap_mailbox.h"
#include "imap_response.h"
#include "imap_sequence_set.h"
#include "imap_session.h"


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
    uint32_t              uidvalidity;  /* as SELECT told it */
    uint32_t              uidnext;
    uint64_t              modseq;
    uint64_t              highest;      /* modseq of the changes since */
    uint32_t              last_uid;     /* fetched in this state of "sync" */
    uint32_t              arrived;      /* during COMPARE */
    imap_sequence_set_t   present;      /* UIDs of COMPARE */
    imap_sequence_set_t   changed;      /* in the events of the batch */
    size_t                barrier;      /* events of the batch before it get
                                           no more UIDs */
    imap_status_t         published;    /* the state that was published */
    unsigned              writable:1;
    unsigned              nomodseq:1;
    unsigned              recheck:1;    /* the numbers do not fit: compare */
    unsigned              many:1;       /* new messages: without contents */
    unsigned              previews:1;   /* PREVIEW is fetched */
    unsigned              compared:1;
} imap_selected_t;


/* Messages that the session knows. */
#define imap_selected_count(sel)                                              \
    ((sel)->older + (sel)->mailbox->known.count)

/* Publishes complete changes, and forgets the mailbox. */
void imap_selected_close(imap_session_t *s);

/* Untagged responses about it. */
void imap_selected_exists(imap_session_t *s, uint32_t n);
void imap_selected_expunge(imap_session_t *s, uint32_t n);
void imap_selected_vanished(imap_session_t *s, imap_response_t *r);
void imap_selected_fetch(imap_session_t *s, imap_response_t *r);

/* Are there more messages than the session knows? */
int imap_selected_has_new(imap_session_t *s);


#endif /* _IMAP_SELECTED_H_INCLUDED_ */
