
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
#define IMAP_PAUSE_MAX    600000        /* ms */

#define IMAP_NEW_CONTENT  " RFC822.SIZE ENVELOPE"

/* If the server has no PREVIEW (RFC 8970). */
#define IMAP_NEW_BODY     " BODY.PEEK[HEADER.FIELDS (CONTENT-TYPE"            \
                          " CONTENT-TRANSFER-ENCODING CONTENT-DISPOSITION)]"  \
                          " BODY.PEEK[TEXT]<0.8192>"


static void imap_select_answer(imap_session_t *s, imap_response_t *r);
static void imap_select_recreated(imap_session_t *s);
static void imap_select_warn(imap_session_t *s, const char *command,
    imap_response_t *r);
static void imap_select_refused(imap_session_t *s);
static void imap_select_baseline(imap_session_t *s);
static uint32_t imap_select_uidnext(const imap_selected_t *sel);
static void imap_select_changes(imap_session_t *s);
static void imap_select_fetch_new(imap_session_t *s);
static void imap_select_verify(imap_session_t *s);
static void imap_select_compare(imap_session_t *s);
static void imap_select_fetched(imap_session_t *s, imap_response_t *r);
static int imap_select_withheld(const imap_selected_t *sel);
static int imap_select_whole(const imap_selected_t *sel);
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
    imap_mailbox_argument(s, &c, m->name);

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

    if (r->condition == IMAP_COND_BAD && (s->condstore || s->qresync)) {

        /* once more without the option that it may not know */

        imap_select_warn(s, "SELECT", r);
        s->condstore = s->qresync && s->condstore;
        s->qresync = 0;
        imap_select_start(s, m, sel->writable);
        return;
    }

    if (r->condition != IMAP_COND_OK) {
        imap_select_warn(s, "SELECT", r);
        imap_select_refused(s);
        return;
    }

    if (sel->uidvalidity == 0) {
        imap_warn(s, "mailbox \"%s\" is not watched: SELECT returns no "
                  "UIDVALIDITY", m->name);
        imap_select_refused(s);
        return;
    }

    m->refused = 0;

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
 * same name.  INBOX can't be deleted: it is looked at for the first time.
 */

static void
imap_select_recreated(imap_session_t *s)
{
    imap_selected_t  *sel = &s->selected;
    imap_mailbox_t   *m = sel->mailbox;

    sel->recreated = 1;

    if (strcmp(m->name, "INBOX") == 0) {
        imap_mailbox_reset(m);
        return;
    }

    json_array_append_new(s->batch, imap_event(s, "MailboxDelete", m->name));
    imap_mailbox_set_new(m, sel->uidvalidity);
    json_array_append_new(s->batch, imap_event(s, "MailboxCreate", m->name));
}


static void
imap_select_warn(imap_session_t *s, const char *command, imap_response_t *r)
{
    char  words[IMAP_MAX_WORDS];

    imap_words(words, sizeof(words), r);

    imap_warn(s, "mailbox \"%s\": the server refuses %s: %s",
              s->selected.mailbox->name, command, words);
}


/* Costs this mailbox only: it is tried again later each time. */

static void
imap_select_refused(imap_session_t *s)
{
    imap_mailbox_t  *m = s->selected.mailbox;

    /* the next session finds again what was told before the refusal */

    json_array_clear(s->batch);

    imap_counters.refused++;
    m->pause.vain = 1;
    imap_pause(s, &m->pause, 0, IMAP_PAUSE_MAX);
    m->refused = 1;
    m->dirty = 1;

    imap_selected_close(s);
}


/* Learns the messages that are there, without an event for each. */

static void
imap_select_baseline(imap_session_t *s)
{
    imap_selected_t  *sel = &s->selected;
    imap_mailbox_t   *m = sel->mailbox;

    m->uidvalidity = sel->uidvalidity;
    m->uidnext = imap_select_uidnext(sel);
    m->compared_at = imap_now(s);

    sel->sync = IMAP_SYNC_BASELINE;
    sel->last_uid = 0;
    sel->older = imap_select_rest(sel, s->o->max_known);

    /* changes before this are not known; imap_tell() is for all mailboxes */

    if (!s->untold) {
        json_array_append_new(s->batch,
                              imap_event(s, "MailboxResync", m->name));
    }

    if (sel->exists == 0) {
        imap_select_end(s);
        return;
    }

    imap_send_text(s, imap_select_fetched,
                   "FETCH %u:* (UID FLAGS INTERNALDATE)", sel->older + 1);
}


/* A server may tell it by STATUS only. */

static uint32_t
imap_select_uidnext(const imap_selected_t *sel)
{
    const imap_mailbox_t  *m = sel->mailbox;

    if (sel->uidnext) {
        return sel->uidnext;
    }

    return m->has & IMAP_HAS_UIDNEXT && m->status.uidnext
           && m->status.uidvalidity == sel->uidvalidity
           ? m->status.uidnext : 1;
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

    s->selected.paced = 1;
    s->selected.uidnext = 0;
    s->selected.numbers = 1;
    imap_select_fetch_new(s);
}


static void
imap_select_fetch_new(imap_session_t *s)
{
    uint32_t          known;
    imap_selected_t  *sel = &s->selected;
    imap_mailbox_t   *m = sel->mailbox;

    sel->withheld = 0;
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
    sel->asked = sel->exists;
    sel->many = sel->bare || imap_select_rest(sel, known) > IMAP_MAX_NEW;
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
    sel->lowest = 0;
    sel->compared = 1;
    sel->present.n = 0;
    m->compared_at = imap_now(s);

    imap_send_text(s, imap_select_fetched, "UID FETCH %u:* (UID FLAGS)",
                   m->known.from ? m->known.from : 1);
}


/*
 * NO comes if some of the messages were expunged: the others have been told,
 * and the numbers are verified.  A server may also be unable to give a
 * message, or not understand what is asked for.
 */

static void
imap_select_fetched(imap_session_t *s, imap_response_t *r)
{
    imap_selected_t  *sel = &s->selected;
    imap_mailbox_t   *m = sel->mailbox;

    if (r->condition != IMAP_COND_OK) {
        imap_select_warn(s, "FETCH", r);
    }

    switch (sel->sync) {

    case IMAP_SYNC_BASELINE:

        if (r->condition != IMAP_COND_OK && m->known.count == 0) {
            imap_mailbox_reset(m);
            imap_select_refused(s);
            return;
        }

        if (sel->last_uid >= m->uidnext) {
            m->uidnext = sel->last_uid + 1;
        }

        /* a server may tell too large a UIDNEXT, so the messages count */

        m->first = m->known.count + sel->older < sel->exists ? m->uidnext
                   : sel->last_uid + 1;

        /* some of the oldest may not have fitted */

        if (m->known.from > 1) {
            sel->older = imap_select_rest(sel, m->known.count);
        }

        imap_select_end(s);
        break;

    case IMAP_SYNC_CHANGES:

        if (r->condition != IMAP_COND_OK) {
            m->compared_at = 0;         /* they are found by comparison */
            m->modseq = 0;
        }

        imap_select_fetch_new(s);
        break;

    case IMAP_SYNC_NEW:

        if (sel->last_uid) {
            m->uidnext = sel->last_uid + 1;
        }

        if (sel->previews && !(s->caps & IMAP_CAP_PREVIEW)) {
            imap_select_fetch_new(s);

        } else if (imap_select_withheld(sel)) {
            sel->bare = 1;
            imap_select_fetch_new(s);

        } else {
            imap_select_verify(s);
        }

        break;

    default:

        if (r->condition == IMAP_COND_OK && imap_select_whole(sel)) {
            imap_select_compared(s);

        } else {
            imap_warn(s, "mailbox \"%s\": the server has %u messages, but "
                      "lists other ones: none is taken for expunged", m->name,
                      sel->exists);
            imap_sequence_set_free(&sel->present);
            imap_select_end(s);
        }
    }
}


/*
 * Does the answer have all messages from the first one on?  Those that are
 * missing prove nothing.
 */

static int
imap_select_whole(const imap_selected_t *sel)
{
    uint32_t  older;

    older = sel->mailbox->known.from > 1 && sel->lowest ? sel->lowest - 1 : 0;

    return imap_sequence_set_count(&sel->present) + sel->arrived + older
           >= sel->exists;
}


/* Was no new message told with its content, though there are some? */

static int
imap_select_withheld(const imap_selected_t *sel)
{
    return !sel->many && sel->last_uid == 0
           && sel->asked > imap_selected_count(sel);
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
    int               result;
    imap_selected_t  *sel = &s->selected;
    imap_mailbox_t   *m = sel->mailbox;

    /* a server may tell another UIDVALIDITY each time */

    result = !sel->recreated && (json_array_size(s->batch)
                                 || sel->sync == IMAP_SYNC_BASELINE);

    sel->recreated = 0;
    sel->sync = IMAP_SYNC_NONE;
    sel->compared = 0;
    sel->bare = 0;
    sel->asked = 0;
    sel->numbers = 0;

    if (sel->dropped) {

        /* the flags are compared */

        sel->dropped = 0;
        sel->recheck = 1;
        m->modseq = 0;
        m->compared_at = 0;
    }

    m->messages = imap_selected_count(sel);

    if (s->condstore && !sel->nomodseq && !sel->recheck
        && sel->modseq > m->modseq)
    {
        m->modseq = sel->modseq;
    }

    if (sel->exists < m->messages) {
        sel->recheck = 1;
    }

    if (sel->paced || result) {
        sel->paced = 0;
        imap_pause(s, &m->pause, result, IMAP_PAUSE_MAX);
    }

    /* the others were fetched in vain, or have just arrived */

    if (sel->last_uid == 0 && sel->arrived == 0 && sel->exists > m->messages) {
        sel->withheld = imap_select_rest(sel, m->messages);
        sel->recheck = 1;
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
