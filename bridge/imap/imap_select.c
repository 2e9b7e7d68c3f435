
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the steps from SELECT to a known mailbox: changes since its state are
 * found by QRESYNC, by CONDSTORE or by comparison.  Called by imap_idle.c and
 * updates.  Invariant: events are published with the new state, when all
 * changes are known.
 */


#include "imap_session_private.h"

#include <inttypes.h>
#include <string.h>


#define IMAP_MAX_NEW      50            /* messages told with their contents */

#define IMAP_NEW_CONTENT  " RFC822.SIZE ENVELOPE"

/* If the server has no PREVIEW (RFC 8970). */
#define IMAP_NEW_BODY     " BODY.PEEK[HEADER.FIELDS (CONTENT-TYPE"            \
                          " CONTENT-TRANSFER-ENCODING CONTENT-DISPOSITION)]"  \
                          " BODY.PEEK[TEXT]<0.4096>"


static void imap_select_answer(imap_session_t *s, imap_response_t *r);
static void imap_select_recreated(imap_session_t *s);
static void imap_select_refused(imap_session_t *s);
static void imap_select_baseline(imap_session_t *s);
static void imap_select_changes(imap_session_t *s);
static void imap_select_fetch_new(imap_session_t *s);
static void imap_select_verify(imap_session_t *s);
static void imap_select_compare(imap_session_t *s);
static void imap_select_fetched(imap_session_t *s, imap_response_t *r);
static void imap_select_compared(imap_session_t *s);
static void imap_select_end(imap_session_t *s);
static uint32_t imap_select_rest(const imap_selected_t *sel, uint32_t n);


void
imap_select_start(imap_session_t *s, imap_mailbox_t *m, int writable)
{
    imap_command_t    c;
    imap_selected_t  *sel = &s->selected;

    imap_selected_close(s);

    sel->mailbox = m;
    sel->sync = IMAP_SYNC_SELECT;
    sel->writable = writable != 0;

    imap_event_mark(s);

    /* a STATUS from here on makes the mailbox dirty again */

    m->dirty = 0;
    m->checked = m->status;

    imap_command_begin(s, &c);
    imap_command_add(&c, writable ? "SELECT " : "EXAMINE ");
    imap_command_mailbox(&c, m->name);

    if (s->qresync && m->uidvalidity && m->modseq) {

        /* RFC 7162, 3.2.5: uidvalidity modseq [known-uids] */

        imap_command_add(&c, " (QRESYNC (%u %" PRIu64, m->uidvalidity,
                         m->modseq);

        if (m->uidnext > 1) {
            imap_command_add(&c, " 1:%u", m->uidnext - 1);
        }

        imap_command_add(&c, "))");

    } else if (s->condstore) {
        imap_command_add(&c, " (CONDSTORE)");
    }

    if (imap_send(s, &c, imap_select_answer, NULL) == -1) {
        imap_select_refused(s);
    }
}


static void
imap_select_answer(imap_session_t *s, imap_response_t *r)
{
    imap_selected_t  *sel = &s->selected;
    imap_mailbox_t   *m = sel->mailbox;

    if (r->condition != IMAP_COND_OK) {
        imap_select_refused(s);
        return;
    }

    if (sel->uidvalidity == 0) {
        imap_fail(s, IMAP_FAIL_PROTOCOL, "SELECT returns no UIDVALIDITY");
        return;
    }

    if (m->uidvalidity && sel->uidvalidity != m->uidvalidity) {
        imap_select_recreated(s);
    }

    if (m->created) {
        imap_mailbox_set_new(m, sel->uidvalidity);
    }

    if (m->uidvalidity == 0) {
        imap_select_baseline(s);

    } else {
        imap_select_changes(s);
    }
}


/*
 * Another UIDVALIDITY: the mailbox was deleted, and created again with the
 * same name.  INBOX can't be deleted: its devices have to fetch it again.
 */

static void
imap_select_recreated(imap_session_t *s)
{
    imap_selected_t  *sel = &s->selected;
    imap_mailbox_t   *m = sel->mailbox;

    if (strcmp(m->name, "INBOX") == 0) {
        m->uidvalidity = sel->uidvalidity;
        json_array_append_new(s->batch,
                              imap_event(s, "MailboxResync", m->name));
        imap_mailbox_reset(m);
        return;
    }

    json_array_append_new(s->batch, imap_event(s, "MailboxDelete", m->name));
    imap_mailbox_set_new(m, sel->uidvalidity);
    json_array_append_new(s->batch, imap_event(s, "MailboxCreate", m->name));
}


/* The next round finds out whether the mailbox is gone. */

static void
imap_select_refused(imap_session_t *s)
{
    imap_mailbox_t  *m = s->selected.mailbox;

    if (json_array_size(s->batch)) {
        imap_fail(s, IMAP_FAIL_PROTOCOL,
                  "a mailbox is refused after changes of it were told");
        return;
    }

    m->refused = 1;
    memset(&m->checked, 0, sizeof(imap_status_t));

    imap_selected_close(s);
}


/* Learns the messages that are there, without events. */

static void
imap_select_baseline(imap_session_t *s)
{
    imap_selected_t  *sel = &s->selected;
    imap_mailbox_t   *m = sel->mailbox;

    m->uidvalidity = sel->uidvalidity;
    m->uidnext = sel->uidnext ? sel->uidnext : 1;
    m->compared_at = imap_now(s);

    sel->sync = IMAP_SYNC_BASELINE;
    sel->last_uid = 0;
    sel->older = imap_select_rest(sel, s->o->max_known);

    if (sel->exists == 0) {
        imap_select_end(s);
        return;
    }

    imap_send_text(s, imap_select_fetched,
                   "FETCH %u:* (UID FLAGS INTERNALDATE)", sel->older + 1);
}


/* With QRESYNC, the answer of SELECT has told the changes. */

static void
imap_select_changes(imap_session_t *s)
{
    imap_selected_t  *sel = &s->selected;
    imap_mailbox_t   *m = sel->mailbox;

    if (sel->nomodseq || !s->condstore) {
        m->modseq = 0;
    }

    if (m->modseq == 0 || s->qresync || sel->modseq == m->modseq
        || m->uidnext <= 1)
    {
        imap_select_fetch_new(s);
        return;
    }

    sel->sync = IMAP_SYNC_CHANGES;

    imap_send_text(s, imap_select_fetched,
                   "UID FETCH %u:%u (UID FLAGS) (CHANGEDSINCE %" PRIu64 ")",
                   m->known.from ? m->known.from : 1, m->uidnext - 1,
                   m->modseq);
}


void
imap_select_new(imap_session_t *s)
{
    imap_event_mark(s);

    s->selected.uidnext = 0;
    imap_select_fetch_new(s);
}


static void
imap_select_fetch_new(imap_session_t *s)
{
    uint32_t          known;
    imap_selected_t  *sel = &s->selected;
    imap_mailbox_t   *m = sel->mailbox;

    known = imap_selected_count(sel);

    if (sel->exists == 0
        || (sel->uidnext && sel->uidnext <= m->uidnext
            && sel->exists <= known))
    {
        imap_select_verify(s);
        return;
    }

    sel->sync = IMAP_SYNC_NEW;
    sel->last_uid = 0;
    sel->many = imap_select_rest(sel, known) > IMAP_MAX_NEW;
    sel->previews = !sel->many && s->o->preview && s->caps & IMAP_CAP_PREVIEW;

    imap_send_text(s, imap_select_fetched,
                   "UID FETCH %u:* (UID FLAGS INTERNALDATE%s%s%s)", m->uidnext,
                   sel->many ? "" : IMAP_NEW_CONTENT,
                   sel->previews ? " PREVIEW"
                   : sel->many || !s->o->preview ? "" : IMAP_NEW_BODY,
                   s->condstore && !sel->nomodseq ? " MODSEQ" : "");
}


/* If the numbers do not fit, messages were expunged without a response. */

static void
imap_select_verify(imap_session_t *s)
{
    uint32_t          known;
    imap_selected_t  *sel = &s->selected;
    imap_mailbox_t   *m = sel->mailbox;

    if (sel->uidnext > m->uidnext) {

        /* of messages that arrived and were expunged in the meantime */

        m->uidnext = sel->uidnext;
    }

    known = imap_selected_count(sel);

    if (!sel->compared
        && (sel->exists < known
            || (sel->exists != known && sel->last_uid == 0)
            || (m->modseq == 0
                && (m->compared_at == 0
                    || imap_now(s) - m->compared_at >= s->o->flags_round))))
    {
        imap_select_compare(s);
        return;
    }

    imap_select_end(s);
}


static void
imap_select_compare(imap_session_t *s)
{
    imap_selected_t  *sel = &s->selected;
    imap_mailbox_t   *m = sel->mailbox;

    sel->sync = IMAP_SYNC_COMPARE;
    sel->arrived = 0;
    sel->compared = 1;
    sel->present.n = 0;
    m->compared_at = imap_now(s);

    imap_send_text(s, imap_select_fetched, "UID FETCH %u:* (UID FLAGS)",
                   m->known.from ? m->known.from : 1);
}


/* NO comes if some of the messages were expunged: the others have been told,
   and the numbers are verified. */

static void
imap_select_fetched(imap_session_t *s, imap_response_t *r)
{
    imap_selected_t  *sel = &s->selected;
    imap_mailbox_t   *m = sel->mailbox;

    if (r->condition == IMAP_COND_BAD) {
        imap_fail(s, IMAP_FAIL_PROTOCOL,
                  "the server does not understand FETCH (BAD)");
        return;
    }

    switch (sel->sync) {

    case IMAP_SYNC_BASELINE:

        if (sel->last_uid >= m->uidnext) {
            m->uidnext = sel->last_uid + 1;
        }

        /* some of the oldest may not have fitted */

        if (m->known.from > 1) {
            sel->older = imap_select_rest(sel, m->known.count);
        }

        imap_select_end(s);
        break;

    case IMAP_SYNC_CHANGES:
        imap_select_fetch_new(s);
        break;

    case IMAP_SYNC_NEW:

        if (sel->last_uid) {
            m->uidnext = sel->last_uid + 1;
        }

        if (sel->previews && !(s->caps & IMAP_CAP_PREVIEW)) {
            imap_select_fetch_new(s);

        } else {
            imap_select_verify(s);
        }

        break;

    default:
        imap_select_compared(s);
    }
}


static void
imap_select_compared(imap_session_t *s)
{
    imap_selected_t     *sel = &s->selected;
    imap_mailbox_t      *m = sel->mailbox;
    imap_sequence_set_t  gone;

    memset(&gone, 0, sizeof(gone));

    imap_known_flags_keep(&m->known, &sel->present, &gone);
    imap_event_expunged(s, &gone);
    imap_sequence_set_free(&gone);
    imap_sequence_set_free(&sel->present);

    sel->older = imap_select_rest(sel, m->known.count + sel->arrived);

    imap_select_end(s);
}


static void
imap_select_end(imap_session_t *s)
{
    imap_selected_t  *sel = &s->selected;
    imap_mailbox_t   *m = sel->mailbox;

    sel->sync = IMAP_SYNC_NONE;
    sel->compared = 0;

    m->messages = imap_selected_count(sel);

    if (s->condstore && !sel->nomodseq && sel->modseq > m->modseq) {
        m->modseq = sel->modseq;
    }

    if (sel->exists < m->messages) {
        sel->recheck = 1;
    }

    /* the others were fetched in vain, or have just arrived */

    if (sel->last_uid == 0 && sel->arrived == 0 && sel->exists > m->messages) {
        sel->older = imap_select_rest(sel, m->known.count);
    }

    sel->last_uid = 0;
    sel->arrived = 0;

    imap_event_flush(s);
}


/* Messages besides so many. */

static uint32_t
imap_select_rest(const imap_selected_t *sel, uint32_t n)
{
    return  sel->exists > n ? sel->exists - n : 0;
}
