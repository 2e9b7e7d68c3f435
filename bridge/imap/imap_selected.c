
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
static uint32_t imap_selected_uid(imap_session_t *s, uint32_t number);
static uint64_t imap_selected_flags(imap_session_t *s,
    imap_response_fetch_t *f);
static void imap_selected_put(imap_session_t *s, uint32_t uid,
    uint64_t flags);
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


/* Without a modseq the server is not asked for what it could not say. */

void
imap_selected_doubt(imap_session_t *s)
{
    imap_selected_t  *sel = &s->selected;

    if (sel->mailbox == NULL) {
        return;
    }

    sel->recheck = 1;
    sel->dropped = 1;

    if (sel->sync == IMAP_SYNC_NONE) {
        sel->mailbox->modseq = 0;
        sel->mailbox->compared_at = 0;
    }
}


/* Without EXPUNGE there are never fewer: something was missed. */

void
imap_selected_exists(imap_session_t *s, uint32_t n)
{
    imap_selected_t  *sel = &s->selected;

    if (imap_selected_is_known(s) && sel->sync == IMAP_SYNC_NONE
        && n < sel->exists)
    {
        sel->recheck = 1;
    }

    if (sel->mailbox && n != sel->exists) {
        imap_pause_shorten(s, &sel->mailbox->pause);
    }

    sel->exists = n;
}


void
imap_selected_expunge(imap_session_t *s, uint32_t n)
{
    uint32_t             uid;
    imap_sequence_set_t  set;
    imap_selected_t     *sel = &s->selected;

    if (n > sel->exists) {

        /* the server counts otherwise */

        sel->recheck = sel->mailbox != NULL;
        return;
    }

    sel->exists--;

    /* during a command, its end verifies the numbers */

    sel->numbers = 0;

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

    } else if (sel->withheld) {
        sel->withheld--;
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
    uint32_t             before, vanished;
    uint64_t             n;
    imap_sequence_set_t  set;
    imap_selected_t     *sel = &s->selected;
    imap_mailbox_t      *m = sel->mailbox;

    if (!imap_selected_is_known(s)) {
        return;
    }

    if (imap_sequence_set_parse(&set, r->text.data, r->text.len) == -1) {
        sel->recheck = 1;
        return;
    }

    vanished = 0;
    before = imap_selected_count(sel);

    if (!r->earlier) {
        n = imap_sequence_set_count(&set);

        if (n > sel->exists) {
            imap_sequence_set_free(&set);
            sel->recheck = 1;
            return;
        }

        vanished = n;
        sel->exists -= n;

        for (i = 0; i < set.n && set.ranges[i].last < m->known.from; i++) {
            n = set.ranges[i].last - set.ranges[i].first + 1;
            sel->older -= n < sel->older ? n : sel->older;
        }

        for (i = set.n; i > 0 && set.ranges[i - 1].first >= m->uidnext; i--) {
            n = set.ranges[i - 1].last - set.ranges[i - 1].first + 1;
            sel->withheld -= n < sel->withheld ? n : sel->withheld;
        }
    }

    imap_selected_remove(s, &set);

    /* of messages that are not known: something else is wrong, too */

    if (sel->sync == IMAP_SYNC_NONE
        && before - imap_selected_count(sel) < vanished)
    {
        sel->recheck = 1;
    }
}


void
imap_selected_fetch(imap_session_t *s, imap_response_t *r)
{
    uint64_t                new, old;
    imap_selected_t        *sel = &s->selected;
    imap_mailbox_t         *m = sel->mailbox;
    imap_response_fetch_t  *f = &r->u.fetch;

    if (!imap_selected_is_known(s)) {
        return;
    }

    if (!(r->has & IMAP_HAS_FLAGS)) {

        if (r->damage == NULL || !(r->has & IMAP_HAS_UID)
            || f->uid < m->uidnext)
        {
            return;
        }

        f->nflags = 0;                  /* the next comparison tells them */
    }

    if (!(r->has & IMAP_HAS_UID)) {
        f->uid = imap_selected_uid(s, r->number);

        if (f->uid == 0) {
            return;
        }
    }

    new = imap_selected_flags(s, f);

    if (r->has & IMAP_HAS_MODSEQ && f->modseq > sel->highest) {
        sel->highest = f->modseq;
    }

    if (sel->sync == IMAP_SYNC_BASELINE) {
        imap_selected_baseline(s, r, new);
        return;
    }

    if (sel->sync == IMAP_SYNC_COMPARE) {

        if (sel->lowest == 0 || r->number < sel->lowest) {
            sel->lowest = r->number;
        }

        if (f->uid < m->uidnext || r->number <= sel->asked) {
            imap_sequence_set_add(&sel->present, f->uid, f->uid);

        } else {
            sel->arrived++;
        }
    }

    if (imap_known_flags_get(&m->known, f->uid, &old)) {

        if (old != new) {
            imap_event_flags(s, r, old, new);
            imap_selected_put(s, f->uid, new);
        }

    } else if (f->uid >= m->uidnext) {
        imap_selected_new(s, r, new);

    } else {
        imap_selected_unknown(s, r, new);
    }
}


/* A message number is sure only if nothing was expunged since.  0: unknown. */

static uint32_t
imap_selected_uid(imap_session_t *s, uint32_t number)
{
    imap_selected_t  *sel = &s->selected;

    if (sel->sync != IMAP_SYNC_NONE && !sel->numbers) {
        sel->dropped = 1;
        return 0;
    }

    return number <= sel->older ? 0
           : imap_known_flags_nth(&sel->mailbox->known,
                                  number - sel->older - 1);
}


static uint64_t
imap_selected_flags(imap_session_t *s, imap_response_fetch_t *f)
{
    char      keyword[64];
    uint64_t  flags;

    flags = imap_flags_mask(&s->keywords, f->flags, f->nflags);

    if (s->keywords.left.len) {
        imap_printable(keyword, sizeof(keyword), &s->keywords.left);
        imap_warn(s, "mailbox \"%s\": the keyword \"%s\" is not watched: it "
                  "is too long, no UTF-8, or one too many",
                  s->selected.mailbox->name, keyword);
    }

    return flags;
}


/* The oldest ones may be forgotten for it.  They keep their numbers. */

static void
imap_selected_put(imap_session_t *s, uint32_t uid, uint64_t flags)
{
    uint64_t             old;
    uint32_t             expected;
    imap_selected_t     *sel = &s->selected;
    imap_known_flags_t  *known = &sel->mailbox->known;

    expected = known->count + !imap_known_flags_get(known, uid, &old);

    imap_known_flags_put(known, uid, flags);

    if (known->count < expected) {
        sel->older += expected - known->count;
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
        imap_selected_put(s, f->uid, flags);
    }
}


/* Only by the FETCH for it: the server may tell its flags before. */

static void
imap_selected_new(imap_session_t *s, imap_response_t *r, uint64_t flags)
{
    imap_mailbox_t         *m = s->selected.mailbox;
    imap_selected_t        *sel = &s->selected;
    imap_response_fetch_t  *f = &r->u.fetch;

    if (sel->sync == IMAP_SYNC_COMPARE && r->number <= sel->asked) {

        /* the server did not give more of it */

        imap_selected_put(s, f->uid, flags);
        imap_event_new(s, r, flags);
        m->uidnext = f->uid + 1;
        return;
    }

    if (sel->sync != IMAP_SYNC_NEW
        || (f->date.data == NULL && r->damage == NULL))
    {
        return;
    }

    /* a server without the preview of one message is not asked again: these
       messages are fetched with their text */

    if (sel->previews && f->preview.data == NULL && r->damage == NULL) {
        imap_refuse(s, IMAP_CAP_PREVIEW);
    }

    if (sel->previews && !(s->caps & IMAP_CAP_PREVIEW)) {
        return;
    }

    if (f->uid > sel->last_uid) {
        sel->last_uid = f->uid;
    }

    imap_selected_put(s, f->uid, flags);
    imap_event_new(s, r, flags);
}


/* A message that was missed, now or at the first look, or is older than the
   known ones. */

static void
imap_selected_unknown(imap_session_t *s, imap_response_t *r, uint64_t flags)
{
    imap_selected_t        *sel = &s->selected;
    imap_response_fetch_t  *f = &r->u.fetch;
    imap_mailbox_t         *m = sel->mailbox;

    if (f->uid >= m->known.from) {

        if (sel->sync == IMAP_SYNC_COMPARE) {
            imap_selected_put(s, f->uid, flags);

            if (f->uid >= m->first) {
                imap_event_new(s, r, flags);
            }
        }

        return;
    }

    /* all its flags: some may have been set before */

    if (f->modseq == 0 || f->modseq > m->modseq) {
        imap_event_flags(s, r, 0, flags);
    }
}
