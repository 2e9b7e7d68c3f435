
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * What is to be done next, and waiting: NOTIFY, IDLE, or asking again and
 * again.  INBOX is selected while nothing else is to be done.
 */


#include "imap_session_private.h"

#include <string.h>


static imap_mailbox_t *imap_dirty(imap_session_t *s);
static int imap_has_work(imap_session_t *s);
static void imap_ready(imap_session_t *s);
static void imap_idle(imap_session_t *s);
static void imap_idle_begun(imap_session_t *s, imap_response_t *r);
static void imap_idle_answer(imap_session_t *s, imap_response_t *r);
static void imap_poll(imap_session_t *s);
static void imap_poll_answer(imap_session_t *s, imap_response_t *r);


void
imap_next(imap_session_t *s)
{
    imap_mailbox_t  *m;

    if (s->answer) {

        if (s->idling && imap_has_work(s)) {
            imap_idle_end(s);
        }

        return;
    }

    if (s->failed || !s->watching || !s->logged_in) {
        return;
    }

    /* the first round knows nothing of mailboxes yet */

    if (!s->listed || (s->round_at && s->round_at <= imap_now(s))) {
        imap_list_start(s);
        return;
    }

    if (s->updates) {
        imap_update_run(s);

        if (s->answer || s->failed) {
            return;
        }
    }

    if (imap_notify_due(s)) {
        imap_notify(s);
        return;
    }

    m = imap_dirty(s);

    /* in turn: a mailbox that has news all the time, or can't be made out,
       must not keep the others waiting */

    s->turn = !s->turn || m == NULL;

    if (s->turn && s->view.again) {
        m = s->view.mailbox;

    } else if (s->turn && imap_selected_has_news(s)) {
        imap_news_start(s);
        return;
    }

    if (m == NULL) {
        m = imap_mailbox_find(s, "INBOX");

        if (m && (m == s->view.mailbox || m->refused)) {
            m = NULL;
        }
    }

    if (m) {
        imap_select_start(s, m, 0);
        return;
    }

    imap_ready(s);

    if (s->caps & IMAP_CAP_IDLE) {
        imap_idle(s);

    } else {
        imap_poll(s);
    }
}


/* INBOX first: it is what is waited for most, and stays selected then only if
   nothing else is dirty. */

static imap_mailbox_t *
imap_dirty(imap_session_t *s)
{
    size_t           i;
    imap_mailbox_t  *m;

    m = imap_mailbox_find(s, "INBOX");

    if (m && m->dirty) {
        return m;
    }

    for (i = 0; i < s->n; i++) {

        if (s->next >= s->n) {
            s->next = 0;
        }

        m = s->mailboxes[s->next];

        if (m->dirty) {
            return m;
        }

        s->next++;
    }

    return NULL;
}


static int
imap_has_work(imap_session_t *s)
{
    return s->updates || imap_selected_has_news(s) || s->view.again
           || (s->round_at && s->round_at <= imap_now(s))
           || imap_notify_due(s) || imap_dirty(s);
}


static void
imap_ready(imap_session_t *s)
{
    if (s->ready) {
        return;
    }

    s->ready = 1;
    s->cb->ready(s->data, s->notify ? "NOTIFY"
                 : s->caps & IMAP_CAP_IDLE ? "IDLE" : "polling");
}


static void
imap_idle(imap_session_t *s)
{
    imap_command_t  c;

    imap_command_begin(s, &c);
    imap_command_add(&c, "IDLE");
    imap_send(s, &c, imap_idle_answer, NULL);

    s->go_on = imap_idle_begun;
}


static void
imap_idle_begun(imap_session_t *s, imap_response_t *r)
{
    if (s->idling) {
        imap_fail(s, IMAP_FAIL_PROTOCOL, "\"+\" for nothing");
        return;
    }

    s->idling = 1;
}


void
imap_idle_end(imap_session_t *s)
{
    if (s->idling && !s->done) {
        s->done = 1;
        s->sent = imap_now(s);
        s->cb->write(s->data, "DONE\r\n", 6);
    }
}


static void
imap_idle_answer(imap_session_t *s, imap_response_t *r)
{
    imap_mailbox_t  *m;

    if (r->condition != IMAP_COND_OK) {
        imap_log(s, LOG_INFO, "IDLE is refused");
        s->caps &= ~IMAP_CAP_IDLE;
        s->poll_at = imap_now(s) + s->o->poll;
        return;
    }

    /* all that was said before is complete now */

    m = s->view.mailbox;

    if (m && s->view.sync == IMAP_SYNC_NONE && s->view.highest > m->modseq) {
        m->modseq = s->view.highest;
    }
}


static void
imap_poll(imap_session_t *s)
{
    imap_command_t  c;

    if (s->poll_at == 0) {
        s->poll_at = imap_now(s) + s->o->poll;
    }

    if (s->poll_at > imap_now(s)) {
        return;
    }

    s->poll_at = 0;

    imap_command_begin(s, &c);
    imap_command_add(&c, "NOOP");
    imap_send(s, &c, imap_poll_answer, NULL);
}


static void
imap_poll_answer(imap_session_t *s, imap_response_t *r)
{
    imap_idle_answer(s, r);
}


/* The timer: for an answer, for the end of IDLE, for a round, for a poll. */

void
imap_arm(imap_session_t *s)
{
    uint64_t  now, at, until;

    now = imap_now(s);

    if (s->answer == NULL ? !s->logged_in : !s->idling || s->done) {
        at = (s->heard > s->sent ? s->heard : s->sent) + s->o->answer;
        until = s->sent + (uint64_t) s->o->answer * s->o->answers;
        at = until < at ? until : at;

    } else if (s->idling) {

        /* heard from: it is there; but it may forget that we are */

        at = (s->heard > s->sent ? s->heard : s->sent) + s->o->quiet;
        until = s->sent + s->o->idle;

        if (at <= now || until <= now) {
            imap_idle_end(s);
            at = now + s->o->answer;

        } else if (until < at) {
            at = until;
        }

        if (s->round_at && s->round_at < at) {
            at = s->round_at;
        }

    } else if (s->watching) {
        at = s->poll_at ? s->poll_at : now + s->o->poll;

        if (s->round_at && s->round_at < at) {
            at = s->round_at;
        }

    } else {

        /* logged in, and nobody wants to watch yet */

        at = now + s->o->idle;
    }

    s->cb->timer(s->data, at > now ? at - now : 1);
}
