
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns NOTIFY (RFC 5465).  Called by imap_idle.c and, after an overflow, by
 * imap_receive.c.
 */


#include "imap_session_private.h"


/* After two overflows within this time NOTIFY is given up; ms. */
#define IMAP_OVERFLOW  (10 * 60 * 1000)


static void imap_notify_answer(imap_session_t *s, imap_response_t *r);


int
imap_notify_due(imap_session_t *s)
{
    return  s->selected_only || (s->caps & IMAP_CAP_NOTIFY && !s->notify);
}


/*
 * NOTIFY SET STATUS returns the STATUS of all mailboxes: no change since LIST
 * is lost.  After an overflow the server tells nothing; so NOTIFY is set
 * again, for the selected mailbox only if that is repeated.
 */

void
imap_notify(imap_session_t *s)
{
    imap_send_text(s, imap_notify_answer, "NOTIFY SET %s"
                   "(selected (MessageNew MessageExpunge FlagChange))%s",
                   s->selected_only ? "" : "STATUS ",
                   s->selected_only ? ""
                   : " (personal (MessageNew MessageExpunge FlagChange"
                     " MailboxName SubscriptionChange))");

    s->notify = !s->selected_only;
    s->selected_only = 0;
}


static void
imap_notify_answer(imap_session_t *s, imap_response_t *r)
{
    if (r->condition == IMAP_COND_OK) {
        return;
    }

    imap_log(s, LOG_INFO, "NOTIFY is refused");

    if (s->notify) {
        imap_refuse(s, IMAP_CAP_NOTIFY);
        s->notify = 0;
        s->round_at = imap_now(s) + s->o->round;
    }
}


/*
 * RFC 5465, 5.8: the server tells no more changes, of the selected mailbox
 * neither.  The second time, NOTIFY is for the selected mailbox only.
 */

void
imap_overflow(imap_session_t *s)
{
    uint64_t  now;

    now = imap_now(s);

    if (s->overflow_at && now - s->overflow_at < IMAP_OVERFLOW) {
        imap_log(s, LOG_WARNING, "NOTIFY overflows again and is given up");
        s->selected_only = (s->caps & IMAP_CAP_NOTIFY) != 0;
        imap_refuse(s, IMAP_CAP_NOTIFY);
    }

    s->overflow_at = now;
    s->notify = 0;
    s->round_at = now;
    s->selected.recheck = s->selected.mailbox != NULL;
}
