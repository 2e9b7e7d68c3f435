
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The updates of a session: one is carried out at a time, between what is
 * done for watching.
 */


#include "imap_update.h"

#include <stdlib.h>
#include <string.h>

#include "bridge.h"
#include "mime_header.h"


static void imap_update_free(imap_update_t *u);
static const char *imap_update_check(imap_session_t *s, imap_update_t *u);
static int imap_update_select(imap_session_t *s, imap_update_t *u);


static const imap_verb_t  imap_verbs[] = {
    { "store", imap_store_check, imap_store_begin,
      IMAP_NEEDS_MAILBOX|IMAP_NEEDS_WRITABLE },
    { "copy", imap_copy_check, imap_copy_begin, IMAP_NEEDS_MAILBOX },
    { "move", imap_copy_check, imap_move_begin,
      IMAP_NEEDS_MAILBOX|IMAP_NEEDS_WRITABLE },
    { "delete", imap_delete_check, imap_delete_begin,
      IMAP_NEEDS_MAILBOX|IMAP_NEEDS_WRITABLE },
    { "append", imap_append_check, imap_append_begin, 0 },
    { "mailbox", imap_update_mailbox_check, imap_update_mailbox_begin, 0 },
    { "fetch", imap_update_fetch_check, imap_update_fetch_begin, IMAP_NEEDS_MAILBOX },
    { "search", imap_search_check, imap_search_begin, IMAP_NEEDS_MAILBOX },
    { NULL, NULL, NULL, 0 }
};


void
imap_session_update(imap_session_t *s, json_t *args,
    imap_update_done_pt done, void *ctx)
{
    const char     *error;
    imap_update_t  *u, **last;

    u = bridge_alloc(sizeof(imap_update_t));

    u->args = json_incref(args);
    u->result = json_object();
    u->done = done;
    u->ctx = ctx;

    error = NULL;

    if (!s->failed && s->nupdates < IMAP_MAX_UPDATES) {
        error = imap_update_check(s, u);
    }

    if (s->failed || s->nupdates == IMAP_MAX_UPDATES || error) {
        json_object_set_new(u->result, "status",
                            json_string(error ? "invalid" : "unsent"));
        json_object_set_new(u->result, "detail", json_string(error ? error
                            : s->failed ? "the session is over"
                            : "too many updates"));
        done(ctx, u->result);
        imap_update_free(u);
        return;
    }

    for (last = &s->updates; *last; last = &(*last)->next) { /* void */ }

    *last = u;
    s->nupdates++;

    /* within a callback of ours, whoever called us goes on */

    if (s->idling) {
        imap_idle_end(s);
        imap_arm(s);

    } else if (s->answer == NULL && s->logged_in) {
        s->cb->timer(s->data, 1);
    }
}


static const char *
imap_update_check(imap_session_t *s, imap_update_t *u)
{
    json_t             *uidvalidity;
    const char         *verb, *error;
    const imap_verb_t  *v;

    verb = imap_arg_string(u, "update");

    if (verb == NULL) {
        return "\"update\" is missing";
    }

    for (v = imap_verbs; v->name; v++) {

        if (strcmp(v->name, verb) == 0) {
            break;
        }
    }

    if (v->name == NULL) {
        return "unknown update";
    }

    u->verb = v;
    uidvalidity = json_object_get(u->args, "uidvalidity");

    if (uidvalidity && (!json_is_integer(uidvalidity)
                        || json_integer_value(uidvalidity) <= 0
                        || json_integer_value(uidvalidity) > UINT32_MAX))
    {
        return "bad \"uidvalidity\"";
    }

    error = imap_arg_mailbox(u, "mailbox");

    return error ? error : v->check(s, u);
}


void
imap_update_run(imap_session_t *s)
{
    imap_update_t  *u;

    while (s->updates && s->answer == NULL && !s->failed) {
        u = s->updates;

        if (u->verb->needs && imap_update_select(s, u) == -1) {
            continue;
        }

        if (s->answer == NULL && !s->failed) {
            u->verb->begin(s, u);
        }
    }
}


/* -1: the update is over. */

static int
imap_update_select(imap_session_t *s, imap_update_t *u)
{
    json_int_t       uidvalidity;
    imap_selected_t     *v = &s->view;
    imap_mailbox_t  *m;

    m = imap_mailbox_find(s, imap_arg_string(u, "mailbox"));

    if (m == NULL) {
        imap_update_end(s, "refused", "no such mailbox");
        return -1;
    }

    if (v->mailbox != m || v->sync != IMAP_SYNC_NONE
        || (u->verb->needs & IMAP_NEEDS_WRITABLE && !v->writable))
    {
        if (u->tried) {
            imap_update_end(s, "refused", "the mailbox can't be selected");
            return -1;
        }

        u->tried = 1;
        imap_select_start(s, m, u->verb->needs & IMAP_NEEDS_WRITABLE);
        return 0;
    }

    uidvalidity = imap_arg_number(u, "uidvalidity");

    if (uidvalidity && (uint32_t) uidvalidity != m->uidvalidity) {
        imap_update_end(s, "refused",
                        "the mailbox has another UIDVALIDITY now");
        return -1;
    }

    return 0;
}


void
imap_update_send(imap_session_t *s, imap_command_t *c, imap_answer_pt answer,
    imap_untagged_pt untagged)
{
    const char  *error;

    error = c->error;

    if (imap_send(s, c, answer, untagged) == -1) {
        imap_update_end(s, s->updates->sent ? "refused" : "invalid", error);
        return;
    }

    s->updates->sent = 1;
}


void
imap_update_command(imap_session_t *s, imap_command_t *c, const char *name)
{
    imap_command_begin(s, c);
    imap_command_add(c, name);
    imap_command_add(c, " ");
    imap_command_set(c, &s->updates->uids);
}


void
imap_update_answer(imap_session_t *s, imap_response_t *r)
{
    bridge_buffer_t  b;

    memset(&b, 0, sizeof(b));

    mime_charset(&b, NULL, 0, r->text.data, r->text.len);
    mime_clean(&b, 0, MIME_MAX_MEMBER);
    bridge_buffer_char(&b, '\0');

    if (r->code.len) {
        json_object_set_new(s->updates->result, "code",
                            json_stringn(r->code.data, r->code.len));
    }

    imap_update_end(s, r->condition == IMAP_COND_OK ? "done" : "refused",
                    b.data);
    bridge_buffer_free(&b);
}


void
imap_update_end(imap_session_t *s, const char *status, const char *detail)
{
    imap_update_t  *u;

    u = s->updates;
    s->updates = u->next;
    s->nupdates--;

    json_object_set_new(u->result, "status", json_string(status));
    json_object_set_new(u->result, "detail", json_string(detail));

    u->done(u->ctx, u->result);
    imap_update_free(u);
}


void
imap_updates_fail(imap_session_t *s, const char *why)
{
    while (s->updates) {
        imap_update_end(s, s->updates->sent ? "unknown" : "unsent", why);
    }
}


static void
imap_update_free(imap_update_t *u)
{
    imap_sequence_set_free(&u->uids);
    json_decref(u->args);
    json_decref(u->result);
    free(u);
}


const char *
imap_arg_string(imap_update_t *u, const char *name)
{
    return json_string_value(json_object_get(u->args, name));
}


json_int_t
imap_arg_number(imap_update_t *u, const char *name)
{
    return json_integer_value(json_object_get(u->args, name));
}


const char *
imap_arg_uids(imap_update_t *u, size_t max)
{
    size_t   i;
    json_t  *uids, *uid;

    uids = json_object_get(u->args, "uids");

    if (!json_is_array(uids) || json_array_size(uids) == 0) {
        return "\"uids\" is missing";
    }

    if (json_array_size(uids) > max) {
        return "too many \"uids\"";
    }

    json_array_foreach(uids, i, uid) {

        if (!json_is_integer(uid) || json_integer_value(uid) <= 0
            || json_integer_value(uid) > UINT32_MAX)
        {
            return "bad \"uids\"";
        }

        imap_sequence_set_add(&u->uids, json_integer_value(uid),
                     json_integer_value(uid));
    }

    return NULL;
}


const char *
imap_arg_strings(imap_update_t *u, const char *name)
{
    size_t   i;
    json_t  *list, *item;

    list = json_object_get(u->args, name);

    if (list == NULL) {
        return NULL;
    }

    if (!json_is_array(list) || json_array_size(list) > 64) {
        return "not an array, or too long";
    }

    json_array_foreach(list, i, item) {

        if (!json_is_string(item)) {
            return "not an array of strings";
        }
    }

    return NULL;
}


const char *
imap_arg_flags(imap_update_t *u, const char *name)
{
    const char      *error;
    imap_command_t   c;

    error = imap_arg_strings(u, name);

    if (error == NULL) {
        imap_command_init(&c, IMAP_LITERAL_PLUS, 1);
        imap_command_flags(&c, json_object_get(u->args, name));
        error = c.error;
        imap_command_free(&c);
    }

    return error;
}


const char *
imap_arg_mailbox(imap_update_t *u, const char *name)
{
    json_t          *mailbox;
    const char      *error;
    imap_command_t   c;

    mailbox = json_object_get(u->args, name);

    if (!json_is_string(mailbox)
        || json_string_length(mailbox) != strlen(json_string_value(mailbox)))
    {
        return "a mailbox is missing";
    }

    imap_command_init(&c, IMAP_LITERAL_PLUS, 1);
    imap_command_mailbox(&c, json_string_value(mailbox));
    error = c.error;
    imap_command_free(&c);

    return error;
}


void
imap_update_touch(imap_session_t *s, const char *mailbox)
{
    imap_mailbox_t  *m;

    m = imap_mailbox_find(s, mailbox);

    if (m && m != s->view.mailbox) {
        m->dirty = 1;
    }
}


json_t *
imap_update_uids(const imap_sequence_set_t *set, size_t max)
{
    size_t     i;
    json_t    *uids;
    uint32_t   uid, first;

    uids = json_array();

    for (i = set->n; i > 0 && max; i--) {
        uid = set->ranges[i - 1].last;
        first = set->ranges[i - 1].first;

        do {
            json_array_insert_new(uids, 0, json_integer(uid));
            max--;

        } while (uid-- > first && max);
    }

    return uids;
}
