
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Selecting a mailbox, and finding out what has happened in it since its
 * state: by QRESYNC, CONDSTORE or by comparing, step by step.  Only when all
 * is known the events are published, and the new state with them.
 */


#include "imap_session_private.h"

#include <inttypes.h>
#include <string.h>


#define IMAP_MAX_NEWS       50          /* messages whose contents are told */

#define IMAP_NEWS_CONTENT   " RFC822.SIZE ENVELOPE"
/* If the server has no PREVIEW (RFC 8970). */
#define IMAP_NEWS_BODY      " BODY.PEEK[HEADER.FIELDS (CONTENT-TYPE"          \
                            " CONTENT-TRANSFER-ENCODING"                      \
                            " CONTENT-DISPOSITION)]"                          \
                            " BODY.PEEK[TEXT]<0.4096>"


static uint32_t imap_select_rest(const imap_selected_t *sel, uint32_t n);
static void imap_select_qresync(imap_command_t *c, imap_mailbox_t *m);
static void imap_select_answer(imap_session_t *s, imap_response_t *r);
static void imap_select_another(imap_session_t *s);
static int imap_select_bad(imap_session_t *s, imap_response_t *r);
static void imap_select_baseline(imap_session_t *s);
static void imap_select_baseline_answer(imap_session_t *s,
    imap_response_t *r);
static void imap_select_changes(imap_session_t *s);
static void imap_select_changes_answer(imap_session_t *s, imap_response_t *r);
static void imap_select_news(imap_session_t *s);
static void imap_select_news_answer(imap_session_t *s, imap_response_t *r);
static void imap_select_verify(imap_session_t *s);
static void imap_select_compare(imap_session_t *s);
static void imap_select_compare_answer(imap_session_t *s,
    imap_response_t *r);
static void imap_select_end(imap_session_t *s);
static void imap_select_refused(imap_session_t *s);


void
imap_select_start(imap_session_t *s, imap_mailbox_t *m, int writable)
{
    imap_selected_t  *sel = &s->selected;
    imap_command_t    c;

    imap_selected_close(s);

    sel->mailbox = m;
    sel->sync = IMAP_SYNC_SELECT;
    sel->writable = writable != 0;

    sel->before.messages = m->messages;
    sel->before.uidnext = m->uidnext;
    sel->before.uidvalidity = m->uidvalidity;
    sel->before.modseq = m->modseq;

    /* what is told from here on is looked after the next time */

    m->dirty = 0;
    m->looked = m->status;

    imap_command_begin(s, &c);
    imap_command_add(&c, writable ? "SELECT " : "EXAMINE ");
    imap_command_mailbox(&c, m->name);

    if (s->qresync && m->uidvalidity && m->modseq) {
        imap_select_qresync(&c, m);

    } else if (s->condstore) {
        imap_command_add(&c, " (CONDSTORE)");
    }

    if (imap_send(s, &c, imap_select_answer, NULL) == -1) {
        imap_select_refused(s);
    }
}


/* (QRESYNC (uidvalidity modseq [known-uids])), RFC 7162, 3.2.5 */

static void
imap_select_qresync(imap_command_t *c, imap_mailbox_t *m)
{
    imap_command_add(c, " (QRESYNC (%u %" PRIu64, m->uidvalidity, m->modseq);

    if (m->uidnext > 1) {
        imap_command_add(c, " 1:%u", m->uidnext - 1);
    }

    imap_command_add(c, "))");
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
        imap_fail(s, IMAP_FAIL_PROTOCOL, "a mailbox without UIDVALIDITY");
        return;
    }

    if (m->uidvalidity && sel->uidvalidity != m->uidvalidity) {
        imap_select_another(s);
    }

    if (m->made) {
        imap_mailbox_blank(m, sel->uidvalidity);
    }

    if (m->uidvalidity == 0) {
        imap_select_baseline(s);

    } else {
        imap_select_changes(s);
    }
}


/*
 * Another UIDVALIDITY: it was deleted, and made again with the same name.
 * INBOX can't be; what it was is lost, and what it is has to be fetched by
 * those who want to know.
 */

static void
imap_select_another(imap_session_t *s)
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
    imap_mailbox_blank(m, sel->uidvalidity);
    json_array_append_new(s->batch, imap_event(s, "MailboxCreate", m->name));
}


/*
 * NO comes when some of the messages are gone already: what else there is was
 * told, and the numbers are verified.
 */

static int
imap_select_bad(imap_session_t *s, imap_response_t *r)
{
    if (r->condition == IMAP_COND_BAD) {
        imap_fail(s, IMAP_FAIL_PROTOCOL, "a FETCH of ours is BAD");
        return 1;
    }

    return 0;
}


/* NO, or gone in between: the next round will see, and look again. */

static void
imap_select_refused(imap_session_t *s)
{
    imap_mailbox_t  *m = s->selected.mailbox;

    if (json_array_size(s->batch)) {
        imap_fail(s, IMAP_FAIL_PROTOCOL, "a mailbox was told of, and refused");
        return;
    }

    m->refused = 1;
    memset(&m->looked, 0, sizeof(imap_status_t));

    imap_selected_close(s);
}


/* Messages besides so many. */

static uint32_t
imap_select_rest(const imap_selected_t *sel, uint32_t n)
{
    return  sel->exists > n ? sel->exists - n : 0;
}


/* What is there now, without events. */

static void
imap_select_baseline(imap_session_t *s)
{
    imap_selected_t  *sel = &s->selected;
    imap_mailbox_t   *m = sel->mailbox;

    m->uidvalidity = sel->uidvalidity;
    m->uidnext = sel->uidnext ? sel->uidnext : 1;
    m->compared = imap_now(s);

    sel->sync = IMAP_SYNC_BASELINE;
    sel->last = 0;
    sel->below = imap_select_rest(sel, s->o->max_known);

    if (sel->exists == 0) {
        imap_select_end(s);
        return;
    }

    imap_send_text(s, imap_select_baseline_answer,
                   "FETCH %u:* (UID FLAGS INTERNALDATE)", sel->below + 1);
}


static void
imap_select_baseline_answer(imap_session_t *s, imap_response_t *r)
{
    imap_selected_t  *sel = &s->selected;
    imap_mailbox_t   *m = sel->mailbox;

    if (imap_select_bad(s, r)) {
        return;
    }

    if (sel->last >= m->uidnext) {
        m->uidnext = sel->last + 1;
    }

    /* more than fits was forgotten again, from below */

    if (m->known.from > 1) {
        sel->below = imap_select_rest(sel, m->known.count);
    }

    imap_select_end(s);
}


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
        imap_select_news(s);
        return;
    }

    sel->sync = IMAP_SYNC_CHANGES;

    imap_send_text(s, imap_select_changes_answer,
                   "UID FETCH %u:%u (UID FLAGS) (CHANGEDSINCE %" PRIu64 ")",
                   m->known.from ? m->known.from : 1, m->uidnext - 1,
                   m->modseq);
}


static void
imap_select_changes_answer(imap_session_t *s, imap_response_t *r)
{
    if (imap_select_bad(s, r)) {
        return;
    }

    imap_select_news(s);
}


/* While watching: EXISTS said that there is more. */

void
imap_news_start(imap_session_t *s)
{
    imap_selected_t  *sel = &s->selected;
    imap_mailbox_t   *m = sel->mailbox;

    sel->before.messages = m->messages;
    sel->before.uidnext = m->uidnext;
    sel->before.uidvalidity = m->uidvalidity;
    sel->before.modseq = m->modseq;

    sel->uidnext = 0;
    imap_select_news(s);
}


static void
imap_select_news(imap_session_t *s)
{
    uint32_t          known;
    imap_selected_t  *sel = &s->selected;
    imap_mailbox_t   *m = sel->mailbox;

    known = sel->below + m->known.count;

    if (sel->exists == 0
        || (sel->uidnext && sel->uidnext <= m->uidnext
            && sel->exists <= known))
    {
        imap_select_verify(s);
        return;
    }

    sel->sync = IMAP_SYNC_NEWS;
    sel->last = 0;
    sel->bulk = sel->exists > known && sel->exists - known > IMAP_MAX_NEWS;

    imap_send_text(s, imap_select_news_answer,
                   "UID FETCH %u:* (UID FLAGS INTERNALDATE%s%s%s)", m->uidnext,
                   sel->bulk ? "" : IMAP_NEWS_CONTENT,
                   sel->bulk || !s->o->preview ? ""
                   : s->caps & IMAP_CAP_PREVIEW ? " PREVIEW" : IMAP_NEWS_BODY,
                   s->condstore && !sel->nomodseq ? " MODSEQ" : "");
}


static void
imap_select_news_answer(imap_session_t *s, imap_response_t *r)
{
    imap_selected_t  *sel = &s->selected;
    imap_mailbox_t   *m = sel->mailbox;

    if (imap_select_bad(s, r)) {
        return;
    }

    if (sel->last) {
        m->uidnext = sel->last + 1;
    }

    imap_select_verify(s);
}


/* Do the numbers fit?  If not, something has gone without a word. */

static void
imap_select_verify(imap_session_t *s)
{
    imap_selected_t  *sel = &s->selected;
    imap_mailbox_t   *m = sel->mailbox;

    if (sel->uidnext > m->uidnext) {

        /* came and went while nobody looked */

        m->uidnext = sel->uidnext;
    }

    if (sel->compared) {
        imap_select_end(s);
        return;
    }

    if (sel->exists < sel->below + m->known.count
        || (sel->exists != sel->below + m->known.count && sel->last == 0)
        || (m->modseq == 0
            && (m->compared == 0
                || imap_now(s) - m->compared >= s->o->flags_round)))
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
    sel->late = 0;
    sel->compared = 1;
    sel->there.n = 0;
    m->compared = imap_now(s);

    imap_send_text(s, imap_select_compare_answer,
                   "UID FETCH %u:* (UID FLAGS)",
                   m->known.from ? m->known.from : 1);
}


static void
imap_select_compare_answer(imap_session_t *s, imap_response_t *r)
{
    imap_sequence_set_t  gone;
    imap_selected_t     *sel = &s->selected;
    imap_mailbox_t      *m = sel->mailbox;

    if (imap_select_bad(s, r)) {
        return;
    }

    memset(&gone, 0, sizeof(gone));

    imap_known_flags_keep(&m->known, &sel->there, &gone);
    imap_event_gone(s, &gone);
    imap_sequence_set_free(&gone);
    imap_sequence_set_free(&sel->there);

    sel->below = imap_select_rest(sel, m->known.count + sel->late);

    imap_select_end(s);
}


static void
imap_select_end(imap_session_t *s)
{
    imap_selected_t  *sel = &s->selected;
    imap_mailbox_t   *m = sel->mailbox;

    sel->sync = IMAP_SYNC_NONE;
    sel->compared = 0;

    m->messages = sel->below + m->known.count;

    if (s->condstore && !sel->nomodseq && sel->modseq > m->modseq) {
        m->modseq = sel->modseq;
    }

    if (sel->exists < sel->below + m->known.count) {
        sel->again = 1;
    }

    /* and what is there besides was looked for in vain, or came just now */

    if (sel->last == 0 && sel->late == 0
        && sel->exists > sel->below + m->known.count)
    {
        sel->below = sel->exists - m->known.count;
    }

    sel->last = 0;
    sel->late = 0;

    imap_event_flush(s);
}
