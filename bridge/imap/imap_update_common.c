
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the arguments, the commands and the result of an update.  Called by the
 * verbs of updates.
 */


#include "imap_update.h"

#include <stdlib.h>
#include <string.h>

#include "mime_header.h"


void
imap_update_send(imap_session_t *s, imap_command_t *c, imap_answer_pt answer,
    imap_untagged_pt untagged)
{
    const char  *error;

    error = c->error;

    if (imap_send(s, c, answer, untagged) == -1) {
        imap_update_end(s, s->updates->partly ? "unknown"
                           : s->updates->sent ? "refused" : "invalid", error);
        return;
    }

    s->updates->sent = 1;
}


void
imap_update_command(imap_session_t *s, imap_command_t *c, const char *name)
{
    imap_command_begin(s, c);
    imap_command_add(c, "%s ", name);
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

    imap_update_end(s, r->condition == IMAP_COND_OK ? "done"
                       : s->updates->partly ? "unknown" : "refused", b.data);
    bridge_buffer_free(&b);
}


void
imap_update_end(imap_session_t *s, const char *status, const char *detail)
{
    imap_update_t  *u;

    u = s->updates;
    s->updates = u->next;
    s->nupdates--;

    imap_update_finish(u, status, detail);
}


void
imap_update_finish(imap_update_t *u, const char *status, const char *detail)
{
    json_object_set_new(u->result, "status", json_string(status));
    json_object_set_new(u->result, "detail", json_string(detail));

    u->done(u->ctx, u->result);

    imap_sequence_set_free(&u->uids);
    json_decref(u->args);
    json_decref(u->result);
    free(u);
}


void
imap_updates_fail(imap_session_t *s, const char *why)
{
    while (s->updates) {
        imap_update_end(s, s->updates->sent ? "unknown" : "unsent", why);
    }
}


const char *
imap_arg_string(imap_update_t *u, const char *name)
{
    return  json_string_value(json_object_get(u->args, name));
}


json_int_t
imap_arg_number(imap_update_t *u, const char *name)
{
    return  json_integer_value(json_object_get(u->args, name));
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

        if (!imap_arg_within(uid, 1, UINT32_MAX)) {
            return "bad \"uids\"";
        }

        imap_sequence_set_add(&u->uids, json_integer_value(uid),
                              json_integer_value(uid));
    }

    return NULL;
}


int
imap_arg_within(json_t *number, json_int_t min, json_int_t max)
{
    return json_is_integer(number) && json_integer_value(number) >= min
           && json_integer_value(number) <= max;
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
    const char     *error;
    imap_command_t  c;

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
    json_t         *mailbox;
    const char     *error;
    imap_command_t  c;

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
imap_update_mark_dirty(imap_session_t *s, const char *arg)
{
    const char      *name;
    imap_mailbox_t  *m;

    name = imap_arg_string(s->updates, arg);
    m = name ? imap_mailbox_find(s, name) : NULL;

    if (m && m != s->selected.mailbox) {
        m->dirty = 1;
    }
}


json_t *
imap_update_uids(const imap_sequence_set_t *set, size_t max)
{
    size_t    i;
    json_t   *uids;
    uint32_t  uid, first;

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
