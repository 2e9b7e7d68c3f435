
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the update "mailbox".  Its "action" is create, rename, delete,
 * subscribe or unsubscribe.  Called by imap_update.c.
 */


#include "imap_update.h"

#include <string.h>

#include <glib.h>


static int imap_update_mailbox_leave(imap_session_t *s, imap_update_t *u);
static void imap_update_mailbox_answer(imap_session_t *s, imap_response_t *r);


/* Each is the name of a command. */

static const char  *imap_actions[] = {
    "create", "rename", "delete", "subscribe", "unsubscribe", NULL
};


const char *
imap_update_mailbox_check(imap_session_t *s, imap_update_t *u)
{
    const char  *action;

    action = imap_arg_string(u, "action");

    if (action == NULL || !g_strv_contains(imap_actions, action)) {
        return "unknown \"action\"";
    }

    return strcmp(action, "rename") == 0 ? imap_arg_mailbox(u, "to") : NULL;
}


void
imap_update_mailbox_begin(imap_session_t *s, imap_update_t *u)
{
    int             rename;
    char           *command;
    const char     *action;
    imap_command_t  c;

    action = imap_arg_string(u, "action");
    rename = strcmp(action, "rename") == 0;

    if ((rename || strcmp(action, "delete") == 0)
        && imap_update_mailbox_leave(s, u))
    {
        return;
    }

    command = g_ascii_strup(action, -1);

    imap_command_begin(s, &c);
    imap_command_add(&c, "%s ", command);
    g_free(command);
    imap_command_mailbox(&c, imap_arg_string(u, "mailbox"));

    if (rename) {
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
