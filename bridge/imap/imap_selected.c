
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The mailbox that is selected: each response about it is held against what
 * is known, and what differs becomes an event.
 */


#include "imap_session_private.h"

#include <string.h>

#include "mime_header.h"


static int imap_selected_told(imap_session_t *s);
static void imap_selected_baseline(imap_session_t *s, imap_response_t *r,
    uint64_t flags);
static void imap_selected_new(imap_session_t *s, imap_response_t *r,
    uint64_t flags);
static void imap_selected_unknown(imap_session_t *s, imap_response_t *r,
    uint64_t flags);


void
imap_selected_close(imap_session_t *s)
{
    imap_selected_t  *sel = &s->selected;

    /* what is not complete is found again by the next session */

    if (sel->mailbox && sel->sync == IMAP_SYNC_NONE
        && s->phase != IMAP_PHASE_FAILED)
    {
        imap_event_flush(s);
    }

    imap_sequence_set_free(&sel->there);
    imap_sequence_set_free(&sel->touched);
    memset(sel, 0, sizeof(imap_selected_t));

    if (s->batch) {
        json_array_clear(s->batch);

    } else {
        s->batch = json_array();
    }
}


/* Is what is said about what is known? */

static int
imap_selected_told(imap_session_t *s)
{
    imap_selected_t  *sel = &s->selected;
    imap_mailbox_t   *m = sel->mailbox;

    return m && m->uidvalidity
           && (sel->uidvalidity == 0 || sel->uidvalidity == m->uidvalidity);
}


void
imap_selected_exists(imap_session_t *s, uint32_t n)
{
    s->selected.exists = n;
}


/* Is there more than is known? */

int
imap_selected_has_news(imap_session_t *s)
{
    imap_selected_t  *sel = &s->selected;

    return sel->mailbox && sel->sync == IMAP_SYNC_NONE
           && sel->exists > sel->below + sel->mailbox->known.count;
}


void
imap_selected_expunge(imap_session_t *s, uint32_t n)
{
    uint32_t             uid;
    imap_sequence_set_t  set, gone;
    imap_selected_t     *sel = &s->selected;
    imap_mailbox_t      *m = sel->mailbox;

    if (n > sel->exists) {
        imap_fail(s, IMAP_FAIL_PROTOCOL, "EXPUNGE of what is not there");
        return;
    }

    sel->exists--;

    /* within a command numbers may be of before or after: those of messages
       are verified at its end */

    if (!imap_selected_told(s) || sel->sync != IMAP_SYNC_NONE) {
        return;
    }

    memset(&set, 0, sizeof(set));
    memset(&gone, 0, sizeof(gone));

    if (n <= sel->below) {
        sel->below--;
        imap_event_gone(s, NULL);
        return;
    }

    uid = imap_known_flags_nth(&m->known, n - sel->below - 1);

    if (uid) {
        imap_sequence_set_add(&set, uid, uid);
        imap_known_flags_remove(&m->known, &set, &gone);
        imap_event_gone(s, &gone);

        imap_sequence_set_free(&set);
        imap_sequence_set_free(&gone);
    }
}


void
imap_selected_vanished(imap_session_t *s, imap_response_t *r)
{
    size_t               i;
    uint64_t             n;
    imap_sequence_set_t  set, gone;
    imap_selected_t     *sel = &s->selected;
    imap_mailbox_t      *m = sel->mailbox;

    if (!imap_selected_told(s)) {
        return;
    }

    if (imap_sequence_set_parse(&set, r->text.data, r->text.len) == -1) {
        imap_fail(s, IMAP_FAIL_PROTOCOL, "VANISHED without UIDs");
        return;
    }

    memset(&gone, 0, sizeof(gone));

    if (!r->earlier) {
        n = imap_sequence_set_count(&set);

        if (n > sel->exists) {
            imap_sequence_set_free(&set);
            imap_fail(s, IMAP_FAIL_PROTOCOL, "more VANISHED than was there");
            return;
        }

        sel->exists -= n;

        for (i = 0; i < set.n && set.ranges[i].last < m->known.from; i++) {
            n = set.ranges[i].last - set.ranges[i].first + 1;
            sel->below -= n < sel->below ? n : sel->below;
        }
    }

    imap_known_flags_remove(&m->known, &set, &gone);
    imap_event_gone(s, &gone);

    imap_sequence_set_free(&set);
    imap_sequence_set_free(&gone);
}


void
imap_selected_fetch(imap_session_t *s, imap_response_t *r)
{
    uint64_t                new, old;
    imap_selected_t        *sel = &s->selected;
    imap_mailbox_t         *m = sel->mailbox;
    imap_response_fetch_t  *f = &r->u.fetch;

    if (!imap_selected_told(s) || !(r->has & IMAP_HAS_FLAGS)) {
        return;
    }

    if (!(r->has & IMAP_HAS_UID)) {

        /* a number means something only while nothing is under way */

        if (sel->sync != IMAP_SYNC_NONE || r->number <= sel->below) {
            return;
        }

        f->uid = imap_known_flags_nth(&m->known, r->number - sel->below - 1);

        if (f->uid == 0) {
            return;
        }
    }

    new = imap_flags_mask(&s->keywords, f->flags, f->nflags);

    if (r->has & IMAP_HAS_MODSEQ && f->modseq > sel->highest) {
        sel->highest = f->modseq;
    }

    if (sel->sync == IMAP_SYNC_BASELINE) {
        imap_selected_baseline(s, r, new);
        return;
    }

    if (sel->sync == IMAP_SYNC_COMPARE) {

        if (f->uid < m->uidnext) {
            imap_sequence_set_add(&sel->there, f->uid, f->uid);

        } else {
            sel->late++;
        }
    }

    if (imap_known_flags_get(&m->known, f->uid, &old)) {

        if (old != new) {
            imap_event_flags(s, r, old, new);
            imap_known_flags_put(&m->known, f->uid, new);
        }

    } else if (f->uid >= m->uidnext) {
        imap_selected_new(s, r, new);

    } else {
        imap_selected_unknown(s, r, new);
    }
}


static void
imap_selected_baseline(imap_session_t *s, imap_response_t *r, uint64_t flags)
{
    int64_t                 date;
    imap_selected_t        *sel = &s->selected;
    imap_response_fetch_t  *f = &r->u.fetch;
    imap_mailbox_t         *m = sel->mailbox;

    date = mime_internal_date(f->date.data, f->date.len);

    if (date > m->newest) {
        m->newest = date;
    }

    if (sel->below && (m->known.from == 0 || f->uid < m->known.from)) {
        m->known.from = f->uid;
    }

    if (f->uid > sel->last) {
        sel->last = f->uid;
    }

    if (f->uid >= m->known.from) {
        imap_known_flags_put(&m->known, f->uid, flags);
    }
}


/* Only what was asked for: the server may tell flags of it before, too. */

static void
imap_selected_new(imap_session_t *s, imap_response_t *r, uint64_t flags)
{
    imap_selected_t        *sel = &s->selected;
    imap_response_fetch_t  *f = &r->u.fetch;

    if (sel->sync != IMAP_SYNC_NEWS || f->date.data == NULL) {
        return;
    }

    if (f->uid > sel->last) {
        sel->last = f->uid;
    }

    imap_known_flags_put(&sel->mailbox->known, f->uid, flags);
    imap_event_new(s, r, flags);
}


/* Of a message whose flags were not known, or that was missed. */

static void
imap_selected_unknown(imap_session_t *s, imap_response_t *r, uint64_t flags)
{
    imap_selected_t        *sel = &s->selected;
    imap_response_fetch_t  *f = &r->u.fetch;
    imap_mailbox_t         *m = sel->mailbox;

    if (f->uid >= m->known.from) {

        if (sel->sync == IMAP_SYNC_COMPARE) {
            imap_known_flags_put(&m->known, f->uid, flags);
            imap_event_new(s, r, flags);
        }

        return;
    }

    /* all that it has now: some of it may have been there before */

    if (f->modseq == 0 || f->modseq > m->modseq) {
        imap_event_flags(s, r, 0, flags);
    }
}
