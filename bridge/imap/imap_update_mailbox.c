
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the update "mailbox".  Its "action" is create, rename, delete,
 * subscribe or unsubscribe.  Called by imap_update.c.
 */


#include "imap_update.h"

#include <string.h>


static const char *imap_update_mailbox_command(imap_update_t *u);
static int imap_update_mailbox_leave(imap_session_t *s, imap_update_t *u);
static void imap_update_mailbox_answer(imap_session_t *s, imap_response_t *r);


static const struct {
    const char  *action;
    const char  *command;
} imap_actions[] = {
    { "create", "CREATE " },
    { "rename", "RENAME " },
    { "delete", "DELETE " },
    { "subscribe", "SUBSCRIBE " },
    { "unsubscribe", "UNSUBSCRIBE " },
    { NULL, NULL }
};


const char *
imap_update_mailbox_check(imap_session_t *s, imap_update_t *u)
{
    const char  *command;

    command = imap_update_mailbox_command(u);

    if (command == NULL) {
        return "unknown \"action\"";
    }

    return strcmp(command, "RENAME ") == 0 ? imap_arg_mailbox(u, "to") : NULL;
}


static const char *
imap_update_mailbox_command(imap_update_t *u)
{
    size_t       i;
    const char  *action;

    action = imap_arg_string(u, "action");

    for (i = 0; action && imap_actions[i].action; i++) {

        if (strcmp(action, imap_actions[i].action) == 0) {
            return imap_actions[i].command;
        }
    }

    return NULL;
}


void
imap_update_mailbox_begin(imap_session_t *s, imap_update_t *u)
{
    const char     *command;
    imap_command_t  c;

    command = imap_update_mailbox_command(u);

    if ((strcmp(command, "DELETE ") == 0 || strcmp(command, "RENAME ") == 0)
        && imap_update_mailbox_leave(s, u))
    {
        return;
    }

    imap_command_begin(s, &c);
    imap_command_add(&c, "%s", command);
    imap_command_mailbox(&c, imap_arg_string(u, "mailbox"));

    if (strcmp(command, "RENAME ") == 0) {
        imap_command_add(&c, " ");
        imap_command_mailbox(&c, imap_arg_string(u, "to"));
    }

    imap_update_send(s, &c, imap_update_mailbox_answer, NULL);
}


/*
 * Dovecot ends a session whose selected mailbox is deleted.  Returns 1 if
 * INBOX is being selected instead: the update begins again after that.
 */

static int
imap_update_mailbox_leave(imap_session_t *s, imap_update_t *u)
{
    imap_mailbox_t  *inbox, *m = s->selected.mailbox;

    inbox = imap_mailbox_find(s, "INBOX");

    if (m == NULL || m == inbox || inbox == NULL || u->tried
        || m != imap_mailbox_find(s, imap_arg_string(u, "mailbox")))
    {
        return 0;
    }

    u->tried = 1;
    imap_select_start(s, inbox, 0);

    return 1;
}


/* The server may not tell own changes: a round finds them. */

static void
imap_update_mailbox_answer(imap_session_t *s, imap_response_t *r)
{
    s->round_at = imap_now(s);
    imap_update_answer(s, r);
}
