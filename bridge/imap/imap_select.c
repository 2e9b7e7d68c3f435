
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Selecting a mailbox, and finding out what has happened in it since its
 * state: by QRESYNC, CONDSTORE or by comparing, step by step.  Only when all
 * is known the events are published, and the new state with them.
 */


#include "imap_session_private.h"

#include <string.h>


#define IMAP_MAX_NEWS       50          /* messages whose contents are told */

#define IMAP_NEWS_ITEMS     "(UID FLAGS INTERNALDATE"
#define IMAP_NEWS_CONTENT   " RFC822.SIZE ENVELOPE"
#define IMAP_NEWS_PREVIEW   " BODY.PEEK[HEADER.FIELDS (CONTENT-TYPE"          \
                            " CONTENT-TRANSFER-ENCODING"                      \
                            " CONTENT-DISPOSITION)]"                          \
                            " BODY.PEEK[TEXT]<0.4096>"


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
    imap_selected_t     *v = &s->view;
    imap_command_t   c;

    imap_selected_close(s);

    v->mailbox = m;
    v->sync = IMAP_SYNC_SELECT;
    v->writable = writable != 0;

    v->before.messages = m->messages;
    v->before.uidnext = m->uidnext;
    v->before.uidvalidity = m->uidvalidity;
    v->before.modseq = m->modseq;

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
    imap_command_add(c, " (QRESYNC (");
    imap_command_number(c, m->uidvalidity);
    imap_command_add(c, " ");
    imap_command_number(c, m->modseq);

    if (m->uidnext > 1) {
        imap_command_add(c, " 1:");
        imap_command_number(c, m->uidnext - 1);
    }

    imap_command_add(c, "))");
}


static void
imap_select_answer(imap_session_t *s, imap_response_t *r)
{
    imap_selected_t     *v = &s->view;
    imap_mailbox_t  *m = v->mailbox;

    if (r->condition != IMAP_COND_OK) {
        imap_select_refused(s);
        return;
    }

    if (v->uidvalidity == 0) {
        imap_fail(s, IMAP_FAIL_PROTOCOL, "a mailbox without UIDVALIDITY");
        return;
    }

    if (m->uidvalidity && v->uidvalidity != m->uidvalidity) {
        imap_select_another(s);
    }

    if (m->made) {
        imap_mailbox_blank(m, v->uidvalidity);
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
    imap_selected_t     *v = &s->view;
    imap_mailbox_t  *m = v->mailbox;

    if (strcmp(m->name, "INBOX") == 0) {
        m->uidvalidity = v->uidvalidity;
        json_array_append_new(s->batch,
                              imap_event(s, "MailboxResync", m->name));
        imap_mailbox_reset(m);
        return;
    }

    json_array_append_new(s->batch, imap_event(s, "MailboxDelete", m->name));
    imap_mailbox_blank(m, v->uidvalidity);
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
    imap_mailbox_t  *m = s->view.mailbox;

    if (json_array_size(s->batch)) {
        imap_fail(s, IMAP_FAIL_PROTOCOL, "a mailbox was told of, and refused");
        return;
    }

    m->refused = 1;
    memset(&m->looked, 0, sizeof(imap_status_t));

    imap_selected_close(s);
}


/* What is there now, without events. */

static void
imap_select_baseline(imap_session_t *s)
{
    imap_selected_t     *v = &s->view;
    imap_mailbox_t  *m = v->mailbox;
    imap_command_t   c;

    m->uidvalidity = v->uidvalidity;
    m->uidnext = v->uidnext ? v->uidnext : 1;
    m->compared = imap_now(s);

    v->sync = IMAP_SYNC_BASELINE;
    v->last = 0;
    v->below = v->exists > s->o->max_known ? v->exists - s->o->max_known : 0;

    if (v->exists == 0) {
        imap_select_end(s);
        return;
    }

    imap_command_begin(s, &c);
    imap_command_add(&c, "FETCH ");
    imap_command_number(&c, v->below + 1);
    imap_command_add(&c, ":* (UID FLAGS INTERNALDATE)");
    imap_send(s, &c, imap_select_baseline_answer, NULL);
}


static void
imap_select_baseline_answer(imap_session_t *s, imap_response_t *r)
{
    imap_selected_t     *v = &s->view;
    imap_mailbox_t  *m = v->mailbox;

    if (imap_select_bad(s, r)) {
        return;
    }

    if (v->last >= m->uidnext) {
        m->uidnext = v->last + 1;
    }

    /* more than fits was forgotten again, from below */

    if (m->known.from > 1) {
        v->below = v->exists > m->known.count ? v->exists - m->known.count
                                              : 0;
    }

    imap_select_end(s);
}


static void
imap_select_changes(imap_session_t *s)
{
    imap_selected_t     *v = &s->view;
    imap_mailbox_t  *m = v->mailbox;
    imap_command_t   c;

    if (v->nomodseq || !s->condstore) {
        m->modseq = 0;
    }

    if (m->modseq == 0 || s->qresync || v->modseq == m->modseq
        || m->uidnext <= 1)
    {
        imap_select_news(s);
        return;
    }

    v->sync = IMAP_SYNC_CHANGES;

    imap_command_begin(s, &c);
    imap_command_add(&c, "UID FETCH ");
    imap_command_number(&c, m->known.from ? m->known.from : 1);
    imap_command_add(&c, ":");
    imap_command_number(&c, m->uidnext - 1);
    imap_command_add(&c, " (UID FLAGS) (CHANGEDSINCE ");
    imap_command_number(&c, m->modseq);
    imap_command_add(&c, ")");
    imap_send(s, &c, imap_select_changes_answer, NULL);
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
    imap_selected_t     *v = &s->view;
    imap_mailbox_t  *m = v->mailbox;

    v->before.messages = m->messages;
    v->before.uidnext = m->uidnext;
    v->before.uidvalidity = m->uidvalidity;
    v->before.modseq = m->modseq;

    v->uidnext = 0;
    imap_select_news(s);
}


static void
imap_select_news(imap_session_t *s)
{
    uint32_t         known;
    imap_selected_t     *v = &s->view;
    imap_mailbox_t  *m = v->mailbox;
    imap_command_t   c;

    known = v->below + m->known.count;

    if (v->exists == 0
        || (v->uidnext && v->uidnext <= m->uidnext && v->exists <= known))
    {
        imap_select_verify(s);
        return;
    }

    v->sync = IMAP_SYNC_NEWS;
    v->last = 0;
    v->bulk = v->exists > known && v->exists - known > IMAP_MAX_NEWS;

    imap_command_begin(s, &c);
    imap_command_add(&c, "UID FETCH ");
    imap_command_number(&c, m->uidnext);
    imap_command_add(&c, ":* " IMAP_NEWS_ITEMS);

    if (!v->bulk) {
        imap_command_add(&c, IMAP_NEWS_CONTENT);
        imap_command_add(&c, s->o->preview ? IMAP_NEWS_PREVIEW : "");
    }

    imap_command_add(&c, s->condstore && !v->nomodseq ? " MODSEQ)" : ")");
    imap_send(s, &c, imap_select_news_answer, NULL);
}


static void
imap_select_news_answer(imap_session_t *s, imap_response_t *r)
{
    imap_selected_t     *v = &s->view;
    imap_mailbox_t  *m = v->mailbox;

    if (imap_select_bad(s, r)) {
        return;
    }

    if (v->last) {
        m->uidnext = v->last + 1;
    }

    imap_select_verify(s);
}


/* Do the numbers fit?  If not, something has gone without a word. */

static void
imap_select_verify(imap_session_t *s)
{
    imap_selected_t     *v = &s->view;
    imap_mailbox_t  *m = v->mailbox;

    if (v->uidnext > m->uidnext) {

        /* came and went while nobody looked */

        m->uidnext = v->uidnext;
    }

    if (v->compared) {
        imap_select_end(s);
        return;
    }

    if (v->exists < v->below + m->known.count
        || (v->exists != v->below + m->known.count && v->last == 0)
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
    imap_selected_t     *v = &s->view;
    imap_mailbox_t  *m = v->mailbox;
    imap_command_t   c;

    v->sync = IMAP_SYNC_COMPARE;
    v->late = 0;
    v->compared = 1;
    v->there.n = 0;
    m->compared = imap_now(s);

    imap_command_begin(s, &c);
    imap_command_add(&c, "UID FETCH ");
    imap_command_number(&c, m->known.from ? m->known.from : 1);
    imap_command_add(&c, ":* (UID FLAGS)");
    imap_send(s, &c, imap_select_compare_answer, NULL);
}


static void
imap_select_compare_answer(imap_session_t *s, imap_response_t *r)
{
    uint32_t         known;
    imap_sequence_set_t       gone;
    imap_selected_t     *v = &s->view;
    imap_mailbox_t  *m = v->mailbox;

    if (imap_select_bad(s, r)) {
        return;
    }

    memset(&gone, 0, sizeof(gone));

    imap_known_flags_keep(&m->known, &v->there, &gone);
    imap_event_gone(s, &gone);
    imap_sequence_set_free(&gone);
    imap_sequence_set_free(&v->there);

    known = m->known.count + v->late;
    v->below = v->exists > known ? v->exists - known : 0;

    imap_select_end(s);
}


static void
imap_select_end(imap_session_t *s)
{
    imap_selected_t     *v = &s->view;
    imap_mailbox_t  *m = v->mailbox;

    v->sync = IMAP_SYNC_NONE;
    v->compared = 0;

    m->messages = v->below + m->known.count;

    if (s->condstore && !v->nomodseq && v->modseq > m->modseq) {
        m->modseq = v->modseq;
    }

    if (v->exists < v->below + m->known.count) {
        v->again = 1;
    }

    /* and what is there besides was looked for in vain, or came just now */

    if (v->last == 0 && v->late == 0
        && v->exists > v->below + m->known.count)
    {
        v->below = v->exists - m->known.count;
    }

    v->last = 0;
    v->late = 0;

    imap_event_flush(s);
}
