
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns renames: which new mailbox of a round is one that is missing.  Called
 * by imap_list.c.  Invariant: a mailbox gets the state of one other at most.
 */


#include "imap_session_private.h"

#include <string.h>


static imap_mailbox_t *imap_renamed(imap_session_t *s,
    const imap_mailbox_t *gone);
static void imap_rename(imap_session_t *s, imap_mailbox_t *from,
    imap_mailbox_t *to);


/*
 * A mailbox is missing, and exactly one new mailbox has its UIDVALIDITY and no
 * smaller UIDNEXT: it was renamed.
 */

void
imap_renames(imap_session_t *s)
{
    size_t           i;
    imap_mailbox_t  *gone, *m;

    for (i = 0; i < s->n && !s->baseline && !s->incomplete; i++) {
        gone = s->mailboxes[i];

        if (gone->listed || gone->added || gone->uidvalidity == 0) {
            continue;
        }

        m = imap_renamed(s, gone);

        if (m) {
            imap_rename(s, gone, m);
            i = (size_t) -1;
        }
    }
}


/* In some servers several mailboxes have one UIDVALIDITY.  It proves nothing
   then. */

static imap_mailbox_t *
imap_renamed(imap_session_t *s, const imap_mailbox_t *gone)
{
    size_t           i;
    imap_mailbox_t  *m, *found;

    found = NULL;

    for (i = 0; i < s->n; i++) {
        m = s->mailboxes[i];

        if (m == gone) {
            continue;
        }

        if (!m->added && m->uidvalidity == gone->uidvalidity) {
            return NULL;
        }

        if (m->added && m->listed && m->has & IMAP_HAS_UIDVALIDITY
            && m->status.uidvalidity == gone->uidvalidity
            && m->status.uidnext >= gone->uidnext)
        {
            if (found) {
                return NULL;
            }

            found = m;
        }
    }

    return found;
}


/* Moves the state. */

static void
imap_rename(imap_session_t *s, imap_mailbox_t *from, imap_mailbox_t *to)
{
    json_t  *event;

    to->uidvalidity = from->uidvalidity;
    to->uidnext = from->uidnext;
    to->first = from->first;
    to->messages = from->messages;
    to->modseq = from->modseq;
    to->newest = from->newest;
    to->subscribed = from->subscribed;
    to->compared_at = from->compared_at;
    to->added = 0;

    imap_known_flags_free(&to->known);
    to->known = from->known;
    memset(&from->known, 0, sizeof(imap_known_flags_t));

    event = imap_event(s, "MailboxRename", to->name);
    json_object_set_new(event, "oldMailbox", json_string(from->name));

    /* the new state first, with the event; then the old state is deleted */

    imap_mailbox_publish(s, to, event);
    imap_publish(s, from->name, json_array(), NULL);

    if (s->selected.mailbox == from) {
        imap_selected_close(s);
    }

    imap_mailbox_remove(s, from);
}
