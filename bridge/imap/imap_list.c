
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns a round: LIST, LSUB and STATUS find mailboxes that were created,
 * deleted or changed.  Called by imap_idle.c.  Invariant: after a
 * failed round nothing is taken for deleted.
 */


#include "imap_session_private.h"

#include <string.h>


#define IMAP_STATUS_ITEMS   "(MESSAGES UIDNEXT UIDVALIDITY UNSEEN"

/* A change of mailboxes is told in many responses; ms. */
#define IMAP_ROUND_DELAY    200

/* Then a mailbox that is missing is looked for a second time; ms. */
#define IMAP_LIST_AGAIN     1000

/* So many times at most, one after another. */
#define IMAP_LIST_LOOKS     5

/* With NOTIFY, rounds are rarer by this factor. */
#define IMAP_ROUNDS         12


static const char *imap_list_modseq(imap_session_t *s);
static void imap_list_answer(imap_session_t *s, imap_response_t *r);
static void imap_list_lsub(imap_session_t *s, imap_response_t *r);
static void imap_list_status(imap_session_t *s, imap_response_t *r);
static void imap_list_failed(imap_session_t *s, const char *what,
    imap_response_t *r);
static void imap_list_forget(imap_session_t *s);
static int imap_list_again(imap_session_t *s);
static void imap_list_missing(imap_session_t *s);
static void imap_list_known_noselect(imap_session_t *s);
static void imap_list_done(imap_session_t *s);
static void imap_list_changes(imap_session_t *s, imap_mailbox_t *m);
static void imap_list_gone(imap_session_t *s, imap_mailbox_t *m);


void
imap_list_start(imap_session_t *s)
{
    size_t           i;
    imap_mailbox_t  *m;

    s->round_at = 0;
    s->incomplete = 0;
    s->missing.noselect = 0;
    s->extended = (s->caps & IMAP_CAP_LIST_EXTENDED) != 0;
    s->status = !s->extended || !(s->caps & IMAP_CAP_LIST_STATUS);

    for (i = 0; i < s->n; i++) {
        m = s->mailboxes[i];
        m->listed = 0;
        m->added = 0;
        m->subscribed_now = 0;
    }

    if (!s->extended) {
        imap_send_text(s, imap_list_answer, "LIST \"\" \"*\"");
        return;
    }

    imap_send_text(s, imap_list_answer,
                   "LIST \"\" \"*\" RETURN (SUBSCRIBED%s%s%s)",
                   s->caps & IMAP_CAP_SPECIAL_USE ? " SPECIAL-USE" : "",
                   s->status ? "" : " STATUS " IMAP_STATUS_ITEMS,
                   s->status ? "" : imap_list_modseq(s));
}


static const char *
imap_list_modseq(imap_session_t *s)
{
    return  s->condstore ? " HIGHESTMODSEQ)" : ")";
}


/* Advances the next round, but leaves some time between two rounds. */

void
imap_round_soon(imap_session_t *s)
{
    uint64_t  at, least;

    if (!s->notify || s->round_at == 0) {
        return;
    }

    at = imap_now(s) + IMAP_ROUND_DELAY;
    least = s->round_end + s->o->round / IMAP_ROUNDS;

    if (at < least) {
        at = least;
    }

    if (at < s->round_at) {
        s->round_at = at;
    }
}


/* Outside of a round, NOTIFY tells that a mailbox has changed. */

void
imap_list_untagged(imap_session_t *s, imap_response_t *r)
{
    int              raw;
    char             name[128];
    bridge_buffer_t  b;
    imap_list_t     *l = &r->u.list;
    imap_mailbox_t  *m;

    if (s->answer != imap_list_answer && s->answer != imap_list_lsub) {

        if (s->notify) {
            s->round_at = imap_now(s) + IMAP_ROUND_DELAY;
        }

        return;
    }

    if (l->attributes & (IMAP_BOX_NOSELECT|IMAP_BOX_NONEXISTENT)) {
        s->missing.noselect += r->kind == IMAP_LIST
                               && !(l->attributes & IMAP_BOX_NONEXISTENT);
        return;
    }

    memset(&b, 0, sizeof(b));

    raw = imap_name_decode(s, &b, &l->name);

    if (raw == -1) {
        imap_printable(name, sizeof(name), &l->name);
        imap_warn(s, "mailbox \"%s\" is not watched: its name is invalid",
                  name);
        bridge_buffer_free(&b);
        return;
    }

    m = imap_mailbox_find(s, b.data);

    if (m == NULL && r->kind == IMAP_LIST) {
        m = imap_mailbox_add(s, b.data);

        if (m) {
            m->added = 1;

        } else {
            imap_warn(s, "more than %u mailboxes: \"%s\" is not watched;"
                      " see \"max_mailboxes\"", s->o->max_mailboxes, b.data);
        }
    }

    if (m && r->kind == IMAP_LIST) {
        m->listed = 1;
        m->raw = raw;
        m->special_use = (l->attributes & IMAP_BOX_SPECIAL_USE) != 0;
    }

    if (m && l->attributes & IMAP_BOX_SUBSCRIBED) {
        m->subscribed_now = 1;
    }

    bridge_buffer_free(&b);
}


void
imap_status_untagged(imap_session_t *s, imap_response_t *r)
{
    bridge_buffer_t  b;
    imap_status_t   *to, *from = &r->u.status;
    imap_mailbox_t  *m;

    memset(&b, 0, sizeof(b));
    m = NULL;

    /* Dovecot's NOTIFY sends names that are not encoded */

    if (imap_name_decode(s, &b, &from->name) != -1) {
        m = imap_mailbox_find(s, b.data);
    }

    bridge_buffer_free(&b);

    if (m == NULL) {
        imap_round_soon(s);
        return;
    }

    to = &m->status;

    if ((r->has & IMAP_HAS_MESSAGES && to->messages != from->messages)
        || (r->has & IMAP_HAS_UIDNEXT && to->uidnext != from->uidnext))
    {
        imap_pause_shorten(s, &m->pause);
    }

    if (r->has & IMAP_HAS_MESSAGES) {
        to->messages = from->messages;
    }

    if (r->has & IMAP_HAS_UIDNEXT) {
        to->uidnext = from->uidnext;
    }

    if (r->has & IMAP_HAS_UIDVALIDITY) {
        to->uidvalidity = from->uidvalidity;
    }

    if (r->has & IMAP_HAS_UNSEEN) {
        to->unseen = from->unseen;
    }

    if (r->has & IMAP_HAS_MODSEQ) {
        to->modseq = from->modseq;
    }

    m->has |= r->has & (IMAP_HAS_MESSAGES|IMAP_HAS_UIDNEXT
                        |IMAP_HAS_UIDVALIDITY|IMAP_HAS_UNSEEN
                        |IMAP_HAS_MODSEQ);

    /* untagged responses tell the changes of the selected one */

    if (s->phase > IMAP_PHASE_LISTING && m != s->selected.mailbox
        && imap_mailbox_differs(s, m))
    {
        m->dirty = 1;
    }
}


static void
imap_list_answer(imap_session_t *s, imap_response_t *r)
{
    if (r->condition != IMAP_COND_OK) {
        imap_list_failed(s, "the server refuses LIST", r);
        return;
    }

    if (imap_mailbox_find(s, "INBOX") == NULL
        || !imap_mailbox_find(s, "INBOX")->listed)
    {
        imap_list_failed(s, "LIST has no INBOX", r);
        return;
    }

    s->next = 0;

    if (s->extended) {
        imap_list_status(s, NULL);
        return;
    }

    imap_send_text(s, imap_list_lsub, "LSUB \"\" \"*\"");
}


static void
imap_list_lsub(imap_session_t *s, imap_response_t *r)
{
    if (r->condition != IMAP_COND_OK) {
        imap_list_failed(s, "the server refuses LSUB", r);
        return;
    }

    imap_list_status(s, NULL);
}


/* One after another, if LIST does not return STATUS. */

static void
imap_list_status(imap_session_t *s, imap_response_t *r)
{
    imap_command_t   c;
    imap_mailbox_t  *m;

    while (s->status && s->next < s->n) {
        m = s->mailboxes[s->next++];

        if (!m->listed) {
            continue;
        }

        imap_command_begin(s, &c);
        imap_command_add(&c, "STATUS ");
        imap_mailbox_argument(s, &c, m->name);
        imap_command_add(&c, " " IMAP_STATUS_ITEMS "%s",
                         imap_list_modseq(s));

        if (imap_send(s, &c, imap_list_status, NULL) == 0) {
            return;
        }
    }

    s->status = 0;
    imap_list_done(s);
}


/* A mailbox that was not listed must not be taken for deleted. */

static void
imap_list_failed(imap_session_t *s, const char *what, imap_response_t *r)
{
    char  words[IMAP_MAX_WORDS];

    imap_words(words, sizeof(words), r);

    if (s->phase == IMAP_PHASE_LISTING) {
        imap_fail(s, IMAP_FAIL_AWAY, "%s: %s", what, words);
        return;
    }

    imap_warn(s, "%s: %s", what, words);
    imap_list_forget(s);
    s->round_at = imap_now(s) + s->o->round;
}


/* The next round finds those that this one has found. */

static void
imap_list_forget(imap_session_t *s)
{
    size_t  i;

    for (i = 0; i < s->n; i++) {

        if (s->mailboxes[i]->added) {
            imap_mailbox_remove(s, s->mailboxes[i--]);
        }
    }
}


/*
 * Is a mailbox missing for the first time, or may it be in the middle of a
 * rename?  Until that ends, its new name can't be selected in some servers.
 */

static int
imap_list_again(imap_session_t *s)
{
    size_t           i;
    imap_mailbox_t  *m;

    if (s->baseline || s->incomplete || s->missing.again == IMAP_LIST_LOOKS) {
        return 0;
    }

    for (i = 0; i < s->n; i++) {
        m = s->mailboxes[i];

        if (!m->listed && !m->added
            && (!m->missing || s->missing.noselect > s->missing.known))
        {
            return 1;
        }
    }

    return 0;
}


/*
 * A mailbox that is missing is looked for a second time.  It may have been
 * renamed, so the new ones wait until then.
 */

static void
imap_list_missing(imap_session_t *s)
{
    int              again;
    size_t           i;
    imap_mailbox_t  *m;

    again = imap_list_again(s);
    s->missing.again = again ? s->missing.again + 1 : 0;

    for (i = 0; i < s->n; i++) {
        m = s->mailboxes[i];

        if (m->listed || m->added || s->incomplete) {
            m->missing = 0;

        } else if (again || !m->missing) {
            m->missing = 1;
            m->listed = 1;
            m->subscribed_now = m->subscribed;
        }
    }

    if (again) {
        imap_list_forget(s);
        s->round_at = imap_now(s) + IMAP_LIST_AGAIN;
    }

    if (s->phase == IMAP_PHASE_LISTING) {
        s->missing.before = s->missing.known = s->missing.noselect;

    } else if (!again) {
        imap_list_known_noselect(s);
    }
}


/* A name is known when two rounds had it. */

static void
imap_list_known_noselect(imap_session_t *s)
{
    imap_missing_t  *missing = &s->missing;

    missing->known = missing->noselect < missing->before ? missing->noselect
                                                         : missing->before;
    missing->before = missing->noselect;
}


static void
imap_list_done(imap_session_t *s)
{
    size_t           i;
    uint64_t         now;
    imap_mailbox_t  *m;

    now = imap_now(s);

    s->round_end = now;
    s->round_at = now + (uint64_t) s->o->round * (s->notify ? IMAP_ROUNDS : 1);

    imap_list_missing(s);
    imap_renames(s);

    for (i = 0; i < s->n; /* void */ ) {
        m = s->mailboxes[i];

        if (!m->listed) {

            if (s->incomplete) {
                i++;

            } else {
                imap_list_gone(s, m);
            }

            continue;
        }

        imap_list_changes(s, m);
        i++;

        if (!imap_mailbox_differs(s, m)) {
            /* void */

        } else if (m != s->selected.mailbox) {
            m->dirty = 1;

        } else if (s->phase > IMAP_PHASE_LISTING) {

            /* the server did not tell it */

            s->selected.recheck = 1;
            imap_pause_shorten(s, &m->pause);
        }

        /* without CONDSTORE flags have to be compared */

        if (!s->condstore && m->uidvalidity && m->messages
            && (m->compared_at == 0
                || now - m->compared_at >= s->o->flags_round))
        {
            m->compared_at = 0;
            m->dirty = 1;
        }
    }

    /* a server whose NOTIFY overflowed may tell too little in IDLE, too */

    if (s->overflow_at && !s->notify && s->selected.mailbox) {
        s->selected.recheck = 1;
    }

    if (s->baseline) {
        imap_publish(s, "", json_array(), json_pack("{s:b, s:b}", "listed", 1,
                                                    "untold", 1));
        s->baseline = 0;
    }

    if (s->phase == IMAP_PHASE_LISTING) {
        imap_phase(s, IMAP_PHASE_CATCHING_UP);
    }
}


static void
imap_list_changes(imap_session_t *s, imap_mailbox_t *m)
{
    int  changed;

    if (m->added) {
        m->added = 0;

        if (s->baseline) {
            m->subscribed = m->subscribed_now;
            imap_mailbox_publish(s, m, NULL);
            return;
        }

        imap_mailbox_set_new(m, m->has & IMAP_HAS_UIDVALIDITY
                              ? m->status.uidvalidity : 0);
        imap_mailbox_publish(s, m, imap_event(s, "MailboxCreate", m->name));
    }

    changed = m->subscribed != m->subscribed_now;
    m->subscribed = m->subscribed_now;

    if (changed) {
        imap_mailbox_publish(s, m, imap_event(s, m->subscribed_now
                             ? "MailboxSubscribe" : "MailboxUnSubscribe",
                             m->name));
    }
}


static void
imap_list_gone(imap_session_t *s, imap_mailbox_t *m)
{
    imap_publish(s, m->name, json_pack("[o]", imap_event(s, "MailboxDelete",
                                                         m->name)), NULL);

    if (s->selected.mailbox == m) {
        imap_selected_close(s);
    }

    imap_mailbox_remove(s, m);
}
