
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the choice of the next command, IDLE, polling and the timer.  Called by
 * imap_session.c.  Invariant: INBOX is selected while the session waits.
 */


#include "imap_session_private.h"

#include <string.h>


static imap_mailbox_t *imap_next_dirty(imap_session_t *s);
static int imap_selected_due(imap_session_t *s);
static int imap_has_work(imap_session_t *s);
static int imap_round_due(imap_session_t *s);
static void imap_ready(imap_session_t *s);
static void imap_tell(imap_session_t *s);
static void imap_idle(imap_session_t *s);
static void imap_idle_begun(imap_session_t *s, imap_response_t *r);
static void imap_idle_answer(imap_session_t *s, imap_response_t *r);
static void imap_poll(imap_session_t *s);
static int imap_waits(imap_session_t *s);
static uint64_t imap_due(imap_session_t *s, uint64_t quiet, uint64_t longest);
static uint64_t imap_answer_due(imap_session_t *s);
static uint64_t imap_idle_due(imap_session_t *s);


void
imap_next(imap_session_t *s)
{
    imap_mailbox_t  *m;

    if (s->answer) {

        if (s->idle == IMAP_IDLE_ON && imap_has_work(s)) {
            imap_idle_end(s);
        }

        return;
    }

    if (s->phase < IMAP_PHASE_LISTING) {
        return;
    }

    if (s->phase == IMAP_PHASE_LISTING || imap_round_due(s)) {
        imap_list_start(s);
        return;
    }

    if (s->updates) {
        imap_update_run(s);

        if (s->answer || s->phase == IMAP_PHASE_FAILED) {
            return;
        }
    }

    if (imap_notify_due(s)) {
        imap_notify(s);
        return;
    }

    m = imap_next_dirty(s);

    /* in turn: a mailbox that always has new messages must not delay others */

    s->turn = !s->turn || m == NULL;

    if (s->turn && imap_selected_due(s)) {

        if (!s->selected.recheck) {
            imap_select_new(s);
            return;
        }

        m = s->selected.mailbox;
    }

    if (m) {
        imap_select_start(s, m, 0);
        s->selected.paced = 1;
        return;
    }

    m = imap_mailbox_find(s, "INBOX");

    if (m && m != s->selected.mailbox && !m->refused) {
        imap_select_start(s, m, 0);
        return;
    }

    imap_ready(s);

    if (s->caps & IMAP_CAP_IDLE) {

        if (!imap_pauses(s, &s->idle_pause)) {
            imap_idle(s);
        }

    } else {
        imap_poll(s);
    }
}


/* Has the selected mailbox something that has to be looked at now? */

static int
imap_selected_due(imap_session_t *s)
{
    return (s->selected.recheck || imap_selected_has_new(s))
           && !imap_pauses(s, &s->selected.mailbox->pause);
}


/* INBOX first: most users wait for it. */

static imap_mailbox_t *
imap_next_dirty(imap_session_t *s)
{
    size_t           i;
    imap_mailbox_t  *m;

    s->retry_at = 0;
    m = imap_mailbox_find(s, "INBOX");

    if (m && m->dirty && !imap_pauses(s, &m->pause)) {
        return m;
    }

    for (i = 0; i < s->n; i++) {

        if (s->next >= s->n) {
            s->next = 0;
        }

        m = s->mailboxes[s->next];

        if (m->dirty && !imap_pauses(s, &m->pause)) {
            return m;
        }

        s->next++;
    }

    return NULL;
}


static int
imap_has_work(imap_session_t *s)
{
    return s->updates || imap_round_due(s) || imap_notify_due(s)
           || imap_next_dirty(s) || imap_selected_due(s);
}


static int
imap_round_due(imap_session_t *s)
{
    return  s->round_at && s->round_at <= imap_now(s);
}


/* Without INBOX the session watches nothing that a user waits for. */

static void
imap_ready(imap_session_t *s)
{
    imap_mailbox_t  *inbox;

    inbox = imap_mailbox_find(s, "INBOX");

    if (s->phase == IMAP_PHASE_CATCHING_UP && inbox && !inbox->refused) {
        imap_tell(s);
        imap_phase(s, IMAP_PHASE_WATCHING);
        s->cb->ready(s->data, s->notify ? "NOTIFY"
                     : s->caps & IMAP_CAP_IDLE ? "IDLE" : "polling");
    }
}


/*
 * Changes before the first look at the mailboxes are not known.  So devices
 * that were parked before it look at all mailboxes themselves.
 */

static void
imap_tell(imap_session_t *s)
{
    if (s->untold) {
        s->untold = 0;
        imap_publish(s, "", json_pack("[{s:s}]", "event", "MailboxResync"),
                     json_pack("{s:b}", "listed", 1));
    }
}


static void
imap_idle(imap_session_t *s)
{
    imap_send_text(s, imap_idle_answer, "IDLE");

    s->idle = IMAP_IDLE_SENT;
    s->on_continue = imap_idle_begun;
}


static void
imap_idle_begun(imap_session_t *s, imap_response_t *r)
{
    if (s->idle != IMAP_IDLE_SENT) {
        imap_fail(s, IMAP_FAIL_PROTOCOL, "\"+\" during IDLE");
        return;
    }

    s->idle = IMAP_IDLE_ON;
}


void
imap_idle_end(imap_session_t *s)
{
    if (s->idle == IMAP_IDLE_ON) {
        s->idle = IMAP_IDLE_DONE;
        s->sent_at = imap_now(s);
        s->io->write(s->io_data, "DONE\r\n", 6);
    }
}


/* Also the answer of NOOP. */

static void
imap_idle_answer(imap_session_t *s, imap_response_t *r)
{
    imap_mailbox_t   *m;
    imap_selected_t  *sel = &s->selected;

    if (s->idle != IMAP_IDLE_OFF) {

        /* a server that ends IDLE by itself is polled by it */

        imap_pause(s, &s->idle_pause, s->idle == IMAP_IDLE_DONE, s->o->poll);
    }

    s->idle = IMAP_IDLE_OFF;

    if (r->condition != IMAP_COND_OK) {
        imap_log(s, LOG_INFO, "IDLE or NOOP is refused");
        imap_refuse(s, IMAP_CAP_IDLE);
        s->poll_at = imap_now(s) + s->o->poll;
        return;
    }

    /* all changes up to this modseq have been told */

    m = sel->mailbox;

    if (m && sel->sync == IMAP_SYNC_NONE && sel->highest > m->modseq) {
        m->modseq = sel->highest;
    }
}


static void
imap_poll(imap_session_t *s)
{
    if (s->poll_at == 0) {
        s->poll_at = imap_now(s) + s->o->poll;
    }

    if (s->poll_at <= imap_now(s)) {
        s->poll_at = 0;
        imap_send_text(s, imap_idle_answer, "NOOP");
    }
}


/* Does the session wait for the server? */

static int
imap_waits(imap_session_t *s)
{
    return  s->answer ? s->idle != IMAP_IDLE_ON : s->phase < IMAP_PHASE_SETUP;
}


/* So long after the last byte, but at most so long after the command: a server
   that always sends never lets the timer fire. */

static uint64_t
imap_due(imap_session_t *s, uint64_t quiet, uint64_t longest)
{
    quiet += s->received_at > s->sent_at ? s->received_at : s->sent_at;
    longest += s->sent_at;

    return quiet < longest ? quiet : longest;
}


static uint64_t
imap_answer_due(imap_session_t *s)
{
    return imap_due(s, s->o->answer,
                    (uint64_t) s->o->answer * s->o->answers);
}


/* The server is asked by then: it may be gone, or forget this session. */

static uint64_t
imap_idle_due(imap_session_t *s)
{
    return  imap_due(s, s->o->quiet, s->o->idle);
}


int
imap_late(imap_session_t *s)
{
    uint64_t  now;

    now = imap_now(s);

    if (!imap_waits(s) || now < imap_answer_due(s)) {
        return 0;
    }

    if (now < imap_due(s, s->o->answer, UINT32_MAX)) {
        imap_fail(s, IMAP_FAIL_AWAY, "an answer without an end");

    } else {
        imap_fail(s, IMAP_FAIL_AWAY, "no answer in %u s", s->o->answer / 1000);
    }

    return 1;
}


/* Sets the timer: for an answer, the end of IDLE, a round or a poll. */

void
imap_arm(imap_session_t *s)
{
    uint64_t  now, at;

    now = imap_now(s);

    if (s->idle == IMAP_IDLE_ON && imap_idle_due(s) <= now) {
        imap_idle_end(s);
    }

    if (imap_waits(s)) {
        at = imap_answer_due(s);

    } else {
        at = s->idle == IMAP_IDLE_ON ? imap_idle_due(s)
             : s->phase < IMAP_PHASE_LISTING ? now + s->o->idle
             : s->poll_at ? s->poll_at : now + s->o->poll;

        if (s->round_at && s->round_at < at) {
            at = s->round_at;
        }

        if (s->retry_at && s->retry_at < at) {
            at = s->retry_at;
        }
    }

    s->io->timer(s->io_data, at > now ? at - now : 1);
}
