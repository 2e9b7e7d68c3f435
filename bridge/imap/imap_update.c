
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the queue of updates and the table of verbs.  Called by imap_session.c
 * and, between other commands, by imap_idle.c.  Invariant: one update is
 * carried out at a time, in order.
 */


#include "imap_update.h"

#include <string.h>

#include "bridge.h"


static const char *imap_update_check(imap_session_t *s, imap_update_t *u);
static int imap_update_select(imap_session_t *s, imap_update_t *u);


static const imap_verb_t  imap_verbs[] = {
    { "store", IMAP_MAX_UPDATE_UIDS, imap_store_check, imap_store_begin,
      IMAP_NEEDS_MAILBOX|IMAP_NEEDS_WRITABLE },
    { "copy", IMAP_MAX_UPDATE_UIDS, imap_copy_check, imap_copy_begin,
      IMAP_NEEDS_MAILBOX },
    { "move", IMAP_MAX_UPDATE_UIDS, imap_copy_check, imap_move_begin,
      IMAP_NEEDS_MAILBOX|IMAP_NEEDS_WRITABLE },
    { "delete", IMAP_MAX_UPDATE_UIDS, NULL, imap_delete_begin,
      IMAP_NEEDS_MAILBOX|IMAP_NEEDS_WRITABLE },
    { "append", 0, imap_append_check, imap_append_begin, 0 },
    { "mailbox", 0, imap_update_mailbox_check, imap_update_mailbox_begin, 0 },
    { "fetch", IMAP_MAX_FETCH_UIDS, imap_update_fetch_check,
      imap_update_fetch_begin, IMAP_NEEDS_MAILBOX },
    { "search", 0, imap_search_check, imap_search_begin, IMAP_NEEDS_MAILBOX },
    { NULL, 0, NULL, NULL, 0 }
};


int
imap_update_add(imap_session_t *s, json_t *args, imap_update_done_pt done,
    void *ctx)
{
    const char     *error;
    imap_update_t  *u, **last;

    u = bridge_alloc(sizeof(imap_update_t));

    u->args = json_incref(args);
    u->result = json_object();
    u->done = done;
    u->ctx = ctx;

    if (s->phase == IMAP_PHASE_FAILED) {
        imap_update_finish(u, "unsent", "the session is over");
        return -1;
    }

    if (s->nupdates == IMAP_MAX_UPDATES) {
        imap_update_finish(u, "unsent", "too many updates");
        return -1;
    }

    error = imap_update_check(s, u);

    if (error) {
        imap_update_finish(u, "invalid", error);
        return -1;
    }

    for (last = &s->updates; *last; last = &(*last)->next) { /* void */ }

    *last = u;
    s->nupdates++;

    return 0;
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

    for (v = imap_verbs; v->name && strcmp(v->name, verb) != 0; v++) {
        /* void */
    }

    if (v->name == NULL) {
        return "unknown update";
    }

    u->verb = v;
    uidvalidity = json_object_get(u->args, "uidvalidity");

    if (uidvalidity && !imap_arg_within(uidvalidity, 1, UINT32_MAX)) {
        return "bad \"uidvalidity\"";
    }

    error = imap_arg_mailbox(u, "mailbox");

    if (error == NULL && v->max_uids) {
        error = imap_arg_uids(u, v->max_uids);
    }

    return error || v->check == NULL ? error : v->check(s, u);
}


void
imap_update_run(imap_session_t *s)
{
    imap_update_t  *u;

    while (s->updates && s->answer == NULL
           && s->phase != IMAP_PHASE_FAILED)
    {
        u = s->updates;

        if (u->verb->needs && imap_update_select(s, u) == -1) {
            continue;
        }

        if (s->answer == NULL && s->phase != IMAP_PHASE_FAILED) {
            u->verb->begin(s, u);
        }
    }
}


/* -1: the update is over. */

static int
imap_update_select(imap_session_t *s, imap_update_t *u)
{
    json_int_t        uidvalidity;
    imap_selected_t  *sel = &s->selected;
    imap_mailbox_t   *m;

    m = imap_mailbox_find(s, imap_arg_string(u, "mailbox"));

    if (m == NULL) {
        imap_update_end(s, "refused", "no such mailbox");
        return -1;
    }

    if (sel->mailbox != m || sel->sync != IMAP_SYNC_NONE
        || (u->verb->needs & IMAP_NEEDS_WRITABLE && !sel->writable))
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
