
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The mailbox that is selected.
 */


#ifndef _IMAP_VIEW_H_INCLUDED_
#define _IMAP_VIEW_H_INCLUDED_


#include "imap_mailbox.h"
#include "imap_response.h"
#include "imap_session.h"
#include "imap_sequence_set.h"


typedef enum {
    IMAP_SYNC_NONE,                     /* the view is what the server has */
    IMAP_SYNC_SELECT,
    IMAP_SYNC_BASELINE,
    IMAP_SYNC_CHANGES,
    IMAP_SYNC_NEWS,
    IMAP_SYNC_COMPARE
} imap_sync_t;


typedef struct {
    imap_mailbox_t   *mailbox;          /* NULL: none */
    imap_sync_t       sync;
    uint32_t          exists;
    uint32_t          below;            /* messages below known.from */
    uint32_t          uidvalidity;      /* what SELECT said */
    uint32_t          uidnext;
    uint64_t          modseq;
    uint64_t          highest;          /* modseq of what came since */
    uint32_t          last;             /* UID of a FETCH of this step */
    uint32_t          late;             /* came while we compared */
    imap_sequence_set_t        there;            /* UIDs of a comparison */
    imap_sequence_set_t        touched;          /* by events that wait */
    size_t            barrier;          /* of these, no more is put into those
                                           before */
    imap_status_t     before;           /* what was published last */
    unsigned          writable:1;
    unsigned          nomodseq:1;
    unsigned          again:1;          /* numbers have moved: compare */
    unsigned          bulk:1;           /* too much news for its contents */
    unsigned          compared:1;
} imap_selected_t;


/* Forgets it; what is not published yet and complete, is. */
void imap_selected_close(imap_session_t *s);

/* What the server says of it. */
void imap_selected_exists(imap_session_t *s, uint32_t n);
void imap_selected_expunge(imap_session_t *s, uint32_t n);
void imap_selected_vanished(imap_session_t *s, imap_response_t *r);
void imap_selected_fetch(imap_session_t *s, imap_response_t *r);

/* Is there more than is known? */
int imap_selected_has_news(imap_session_t *s);


#endif /* _IMAP_VIEW_H_INCLUDED_ */
