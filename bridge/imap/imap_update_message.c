
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the updates that change messages or mailboxes: store, copy, move,
 * delete, append; and mailbox, whose "action" is create, rename, delete,
 * subscribe or unsubscribe.  Called by imap_update.c.
 */


#include "imap_update.h"

#include <string.h>

#include <glib.h>


static void imap_store_send(imap_session_t *s, imap_update_t *u,
    const char *how, json_t *flags);
static void imap_store_answer(imap_session_t *s, imap_response_t *r);
static void imap_copy_send(imap_session_t *s, imap_update_t *u,
    const char *command, imap_answer_pt answer);
static int imap_copy_untagged(imap_session_t *s, imap_response_t *r);
static void imap_copy_code(imap_session_t *s, imap_response_t *r);
static void imap_copy_answer(imap_session_t *s, imap_response_t *r);
static void imap_move_copied(imap_session_t *s, imap_response_t *r);
static void imap_delete_marked(imap_session_t *s, imap_response_t *r);
static void imap_delete_expunged(imap_session_t *s, imap_response_t *r);
static int imap_update_mailbox_leave(imap_session_t *s, imap_update_t *u);
static void imap_update_mailbox_answer(imap_session_t *s, imap_response_t *r);


/* Each is the name of a command. */

static const char  *imap_actions[] = {
    "create", "rename", "delete", "subscribe", "unsubscribe", NULL
};


const char *
imap_store_check(imap_session_t *s, imap_update_t *u)
{
    json_t      *since;
    const char  *error;

    error = imap_arg_flags(u, "add");

    if (error == NULL) {
        error = imap_arg_flags(u, "remove");
    }

    if (error) {
        return error;
    }

    since = json_object_get(u->args, "unchangedSince");

    if (since && !imap_arg_within(since, 0, INT64_MAX)) {
        return "bad \"unchangedSince\"";
    }

    if (since && !s->condstore) {
        return "\"unchangedSince\" needs a server with CONDSTORE";
    }

    if (json_array_size(json_object_get(u->args, "add")) == 0
        && json_array_size(json_object_get(u->args, "remove")) == 0)
    {
        return "neither \"add\" nor \"remove\"";
    }

    return NULL;
}


void
imap_store_begin(imap_session_t *s, imap_update_t *u)
{
    json_t  *add;

    add = json_object_get(u->args, "add");

    if (json_array_size(add)) {
        imap_store_send(s, u, " +FLAGS ", add);

    } else {
        u->removes = 1;
        imap_store_send(s, u, " -FLAGS ", json_object_get(u->args, "remove"));
    }
}


static void
imap_store_send(imap_session_t *s, imap_update_t *u, const char *how,
    json_t *flags)
{
    json_t         *since;
    imap_command_t  c;

    since = json_object_get(u->args, "unchangedSince");

    imap_update_command(s, &c, "UID STORE");

    if (since && !u->sent) {
        imap_command_add(&c, " (UNCHANGEDSINCE %" JSON_INTEGER_FORMAT ")",
                         json_integer_value(since));
    }

    imap_command_add(&c, "%s", how);
    imap_command_flags(&c, flags);
    imap_update_send(s, &c, imap_store_answer, NULL);
}


static void
imap_store_answer(imap_session_t *s, imap_response_t *r)
{
    size_t               i;
    uint32_t             uid;
    imap_sequence_set_t  modified, left;
    imap_update_t       *u = s->updates;

    memset(&left, 0, sizeof(left));

    if (bridge_str_is(&r->code, "MODIFIED")
        && imap_sequence_set_parse(&modified, r->code_text.data,
                                   r->code_text.len) == 0)
    {
        json_object_set_new(u->result, "modified",
                            imap_update_uids(&modified,
                                             IMAP_MAX_UPDATE_UIDS));

        /* "remove" is for the messages that "add" has changed */

        for (i = 0; i < u->uids.n; i++) {
            uid = u->uids.ranges[i].first;

            do {
                if (!imap_sequence_set_has(&modified, uid)) {
                    imap_sequence_set_add(&left, uid, uid);
                }

            } while (uid++ < u->uids.ranges[i].last);
        }

        imap_sequence_set_free(&modified);
        imap_sequence_set_free(&u->uids);
        u->uids = left;
    }

    if (r->condition == IMAP_COND_OK && !u->removes && u->uids.n
        && json_array_size(json_object_get(u->args, "remove")))
    {
        u->removes = 1;
        u->partly = 1;
        imap_store_send(s, u, " -FLAGS ", json_object_get(u->args, "remove"));
        return;
    }

    imap_update_answer(s, r);
}


const char *
imap_copy_check(imap_session_t *s, imap_update_t *u)
{
    const char  *error;

    error = imap_arg_mailbox(u, "to");

    if (error == NULL && strcmp(u->verb->name, "move") == 0
        && strcmp(imap_arg_string(u, "to"),
                  imap_arg_string(u, "mailbox")) == 0)
    {
        return "\"to\" is \"mailbox\"";
    }

    return error;
}


void
imap_copy_begin(imap_session_t *s, imap_update_t *u)
{
    imap_copy_send(s, u, "UID COPY", imap_copy_answer);
}


/* Without MOVE: COPY, STORE \Deleted and, with UIDPLUS, EXPUNGE. */

void
imap_move_begin(imap_session_t *s, imap_update_t *u)
{
    if (s->caps & IMAP_CAP_MOVE) {
        imap_copy_send(s, u, "UID MOVE", imap_copy_answer);

    } else {
        imap_copy_send(s, u, "UID COPY", imap_move_copied);
    }
}


static void
imap_copy_send(imap_session_t *s, imap_update_t *u, const char *command,
    imap_answer_pt answer)
{
    imap_command_t  c;

    imap_update_command(s, &c, command);
    imap_command_add(&c, " ");
    imap_mailbox_argument(s, &c, imap_arg_string(u, "to"));
    imap_update_send(s, &c, answer, imap_copy_untagged);
}


/* MOVE tells COPYUID before its answer, also if it then fails in the middle
   (RFC 6851, 4.3). */

static int
imap_copy_untagged(imap_session_t *s, imap_response_t *r)
{
    if (r->kind == IMAP_CONDITION) {
        imap_copy_code(s, r);
        s->updates->partly |= json_object_get(s->updates->result, "uids")
                              != NULL;
    }

    return 0;
}


/* COPYUID uidvalidity source-uids new-uids; APPENDUID uidvalidity uid */

static void
imap_copy_code(imap_session_t *s, imap_response_t *r)
{
    char                *p, *end;
    imap_update_t       *u = s->updates;
    imap_sequence_set_t  set;

    if (!bridge_str_is(&r->code, "COPYUID")
        && !bridge_str_is(&r->code, "APPENDUID"))
    {
        return;
    }

    end = r->code_text.data + r->code_text.len;

    for (p = end; p > r->code_text.data && p[-1] != ' '; p--) { /* void */ }

    if (imap_sequence_set_parse(&set, p, end - p) == 0) {
        json_object_set_new(u->result, "uidvalidity",
                            json_integer(r->code_number));
        json_object_set_new(u->result, "uids",
                            imap_update_uids(&set, IMAP_MAX_UPDATE_UIDS));
        imap_sequence_set_free(&set);
    }
}


/* Of COPY, MOVE and APPEND. */

static void
imap_copy_answer(imap_session_t *s, imap_response_t *r)
{
    imap_copy_code(s, r);
    imap_update_mark_dirty(s, "mailbox");
    imap_update_mark_dirty(s, "to");
    imap_update_answer(s, r);
}


static void
imap_move_copied(imap_session_t *s, imap_response_t *r)
{
    if (r->condition != IMAP_COND_OK) {
        imap_update_answer(s, r);
        return;
    }

    imap_copy_code(s, r);
    imap_update_mark_dirty(s, "to");
    s->updates->partly = 1;
    imap_delete_begin(s, s->updates);
}


void
imap_delete_begin(imap_session_t *s, imap_update_t *u)
{
    imap_command_t  c;

    imap_update_command(s, &c, "UID STORE");
    imap_command_add(&c, " +FLAGS (\\Deleted)");
    imap_update_send(s, &c, imap_delete_marked, NULL);
}


/* EXPUNGE without UIDs would expunge messages that others have marked. */

static void
imap_delete_marked(imap_session_t *s, imap_response_t *r)
{
    imap_command_t  c;

    if (r->condition != IMAP_COND_OK || !(s->caps & IMAP_CAP_UIDPLUS)) {
        imap_delete_expunged(s, r);
        return;
    }

    s->updates->partly = 1;
    imap_update_command(s, &c, "UID EXPUNGE");
    imap_update_send(s, &c, imap_delete_expunged, NULL);
}


static void
imap_delete_expunged(imap_session_t *s, imap_response_t *r)
{
    json_object_set_new(s->updates->result, "expunged",
                        json_boolean(r->condition == IMAP_COND_OK
                                     && s->caps & IMAP_CAP_UIDPLUS));
    imap_update_answer(s, r);
}


const char *
imap_append_check(imap_session_t *s, imap_update_t *u)
{
    json_t  *message;

    message = json_object_get(u->args, "message");

    if (!json_is_string(message) || json_string_length(message) == 0) {
        return "\"message\" is missing";
    }

    if (json_string_length(message) > s->o->max_message) {
        return "\"message\" is too long";
    }

    return imap_arg_flags(u, "flags");
}


void
imap_append_begin(imap_session_t *s, imap_update_t *u)
{
    json_t         *flags, *message;
    imap_command_t  c;

    flags = json_object_get(u->args, "flags");
    message = json_object_get(u->args, "message");

    imap_command_begin(s, &c);
    imap_command_add(&c, "APPEND ");
    imap_mailbox_argument(s, &c, imap_arg_string(u, "mailbox"));
    imap_command_add(&c, " ");

    if (flags) {
        imap_command_flags(&c, flags);
        imap_command_add(&c, " ");
    }

    imap_command_message(&c, json_string_value(message),
                         json_string_length(message));
    imap_update_send(s, &c, imap_copy_answer, NULL);
}


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
    imap_mailbox_argument(s, &c, imap_arg_string(u, "mailbox"));

    if (rename) {
        imap_command_add(&c, " ");
        imap_mailbox_argument(s, &c, imap_arg_string(u, "to"));
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
