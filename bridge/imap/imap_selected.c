
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the selected mailbox: compares each response about it with the known
 * flags, and makes an event of each difference.  Called by imap_receive.c.
 */


#include "imap_session_private.h"

#include <string.h>

#include "mime_header.h"


static int imap_selected_is_known(imap_session_t *s);
static void imap_selected_remove(imap_session_t *s, imap_sequence_set_t *set);
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

    /* the next session finds again all that is not complete */

    if (sel->mailbox && sel->sync == IMAP_SYNC_NONE
        && s->phase != IMAP_PHASE_FAILED)
    {
        imap_event_flush(s);
    }

    imap_sequence_set_free(&sel->present);
    imap_sequence_set_free(&sel->changed);
    memset(sel, 0, sizeof(imap_selected_t));

    if (s->batch) {
        json_array_clear(s->batch);

    } else {
        s->batch = json_array();
    }
}


/* Is a response about the mailbox as it is known? */

static int
imap_selected_is_known(imap_session_t *s)
{
    imap_selected_t  *sel = &s->selected;
    imap_mailbox_t   *m = sel->mailbox;

    return m && m->uidvalidity
           && (sel->uidvalidity == 0 || sel->uidvalidity == m->uidvalidity);
}


int
imap_selected_has_new(imap_session_t *s)
{
    imap_selected_t  *sel = &s->selected;

    return sel->mailbox && sel->sync == IMAP_SYNC_NONE
           && sel->exists > imap_selected_count(sel);
}


void
imap_selected_expunge(imap_session_t *s, uint32_t n)
{
    uint32_t             uid;
    imap_sequence_set_t  set;
    imap_selected_t     *sel = &s->selected;

    if (n > sel->exists) {
        imap_fail(s, IMAP_FAIL_PROTOCOL, "EXPUNGE of an unknown message");
        return;
    }

    sel->exists--;

    /* during a command, its end verifies the numbers */

    if (!imap_selected_is_known(s) || sel->sync != IMAP_SYNC_NONE) {
        return;
    }

    if (n <= sel->older) {
        sel->older--;
        imap_event_expunged(s, NULL);
        return;
    }

    uid = imap_known_flags_nth(&sel->mailbox->known, n - sel->older - 1);

    if (uid) {
        memset(&set, 0, sizeof(set));
        imap_sequence_set_add(&set, uid, uid);
        imap_selected_remove(s, &set);
    }
}


/* Frees the set. */

static void
imap_selected_remove(imap_session_t *s, imap_sequence_set_t *set)
{
    imap_sequence_set_t  gone;

    memset(&gone, 0, sizeof(gone));

    imap_known_flags_remove(&s->selected.mailbox->known, set, &gone);
    imap_event_expunged(s, &gone);

    imap_sequence_set_free(set);
    imap_sequence_set_free(&gone);
}


void
imap_selected_vanished(imap_session_t *s, imap_response_t *r)
{
    size_t               i;
    uint64_t             n;
    imap_sequence_set_t  set;
    imap_selected_t     *sel = &s->selected;
    imap_mailbox_t      *m = sel->mailbox;

    if (!imap_selected_is_known(s)) {
        return;
    }

    if (imap_sequence_set_parse(&set, r->text.data, r->text.len) == -1) {
        imap_fail(s, IMAP_FAIL_PROTOCOL, "VANISHED without UIDs");
        return;
    }

    if (!r->earlier) {
        n = imap_sequence_set_count(&set);

        if (n > sel->exists) {
            imap_sequence_set_free(&set);
            imap_fail(s, IMAP_FAIL_PROTOCOL,
                      "VANISHED has more messages than the mailbox");
            return;
        }

        sel->exists -= n;

        for (i = 0; i < set.n && set.ranges[i].last < m->known.from; i++) {
            n = set.ranges[i].last - set.ranges[i].first + 1;
            sel->older -= n < sel->older ? n : sel->older;
        }
    }

    imap_selected_remove(s, &set);
}


void
imap_selected_fetch(imap_session_t *s, imap_response_t *r)
{
    uint64_t                new, old;
    imap_selected_t        *sel = &s->selected;
    imap_mailbox_t         *m = sel->mailbox;
    imap_response_fetch_t  *f = &r->u.fetch;

    if (!imap_selected_is_known(s) || !(r->has & IMAP_HAS_FLAGS)) {
        return;
    }

    if (!(r->has & IMAP_HAS_UID)) {

        /* a message number is sure only while no command is in flight */

        if (sel->sync != IMAP_SYNC_NONE || r->number <= sel->older) {
            return;
        }

        f->uid = imap_known_flags_nth(&m->known, r->number - sel->older - 1);

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
            imap_sequence_set_add(&sel->present, f->uid, f->uid);

        } else {
            sel->arrived++;
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

    if (sel->older && (m->known.from == 0 || f->uid < m->known.from)) {
        m->known.from = f->uid;
    }

    if (f->uid > sel->last_uid) {
        sel->last_uid = f->uid;
    }

    if (f->uid >= m->known.from) {
        imap_known_flags_put(&m->known, f->uid, flags);
    }
}


/* Only by the FETCH for it: the server may tell its flags before. */

static void
imap_selected_new(imap_session_t *s, imap_response_t *r, uint64_t flags)
{
    imap_selected_t        *sel = &s->selected;
    imap_response_fetch_t  *f = &r->u.fetch;

    if (sel->sync != IMAP_SYNC_NEW || f->date.data == NULL) {
        return;
    }

    /* a server without the preview of one message is not asked again: these
       messages are fetched with their text */

    if (sel->previews && f->preview.data == NULL) {
        s->caps &= ~IMAP_CAP_PREVIEW;
    }

    if (sel->previews && !(s->caps & IMAP_CAP_PREVIEW)) {
        return;
    }

    if (f->uid > sel->last_uid) {
        sel->last_uid = f->uid;
    }

    imap_known_flags_put(&sel->mailbox->known, f->uid, flags);
    imap_event_new(s, r, flags);
}


/* A message that was missed, or is older than the known ones. */

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

    /* all its flags: some may have been set before */

    if (f->modseq == 0 || f->modseq > m->modseq) {
        imap_event_flags(s, r, 0, flags);
    }
}
