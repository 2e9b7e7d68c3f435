
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the interface of a session: each function of imap_session.h.  Called by
 * imap_client.c, account/ and updates/.  Invariant: when the session has
 * failed, each of its updates has its result before the function returns.
 */


#include "imap_session_private.h"

#include <stdlib.h>
#include <string.h>

#include "bridge.h"


static void imap_settle(imap_session_t *s);


void
imap_options_init(imap_options_t *o)
{
    memset(o, 0, sizeof(imap_options_t));

    o->answer = 30 * 1000;
    o->answers = 20;
    o->quiet = 90 * 1000;
    o->idle = 24 * 60 * 1000;
    o->poll = 60 * 1000;
    o->round = 5 * 60 * 1000;
    o->flags_round = 30 * 60 * 1000;
    o->max_mailboxes = 10000;
    o->max_known = 20000;
    o->max_message = 1024 * 1024;
    o->max_result = 64 * 1024;
    o->preview = 1;
}


imap_session_t *
imap_session_create(const imap_options_t *o, const imap_io_t *io,
    void *io_data, const imap_callbacks_t *cb, void *data,
    const imap_login_t *login)
{
    imap_session_t  *s;

    s = bridge_alloc(sizeof(imap_session_t));

    s->o = o;
    s->io = io;
    s->io_data = io_data;
    s->cb = cb;
    s->data = data;
    s->phase = IMAP_PHASE_GREETING;

    s->user = bridge_string(login->user);
    s->secret = bridge_string(login->secret);
    s->authzid = bridge_string(login->authzid);
    s->client = bridge_string(login->client);
    s->bearer = login->bearer;

    /* headers come with a part of a message, and count */

    imap_reader_init(&s->in, (size_t) o->max_message + 64 * 1024);

    return s;
}


void
imap_session_free(imap_session_t *s)
{
    imap_updates_fail(s, "the session is over");
    imap_selected_close(s);
    json_decref(s->batch);

    while (s->n) {
        imap_mailbox_free(s->mailboxes[--s->n]);
    }

    free(s->mailboxes);
    imap_flags_free(&s->keywords);
    imap_reader_free(&s->in);
    imap_command_free(&s->command);
    g_clear_pointer(&s->warnings, g_hash_table_destroy);

    if (s->secret) {
        bridge_wipe_free(s->secret, strlen(s->secret));
    }

    free(s->user);
    free(s->authzid);
    free(s->client);
    free(s->why);
    free(s);
}


void
imap_session_start(imap_session_t *s, int secure)
{
    s->starttls = s->o->starttls && !secure;
    s->received_at = imap_now(s);
    s->sent_at = s->received_at;

    imap_arm(s);
}


void
imap_session_bytes(imap_session_t *s, const char *bytes, size_t len)
{
    if (s->phase != IMAP_PHASE_FAILED) {
        s->received_at = imap_now(s);
        imap_receive(s, bytes, len);
        imap_settle(s);
    }
}


/* All received bytes are handled: chooses the next command. */

static void
imap_settle(imap_session_t *s)
{
    if (s->phase != IMAP_PHASE_FAILED && !imap_late(s)) {

        if (s->selected.sync == IMAP_SYNC_NONE) {
            imap_event_flush(s);
        }

        imap_next(s);
    }

    if (s->phase != IMAP_PHASE_FAILED) {
        imap_arm(s);

    } else {
        imap_updates_fail(s, s->why);
    }
}


void
imap_session_secured(imap_session_t *s)
{
    if (s->phase == IMAP_PHASE_TLS) {
        s->starttls = 0;
        s->received_at = imap_now(s);

        imap_phase(s, IMAP_PHASE_LOGIN);
        imap_login_start(s);
        imap_settle(s);
    }
}


void
imap_session_timeout(imap_session_t *s)
{
    imap_settle(s);
}


void
imap_session_lost(imap_session_t *s, imap_fail_t reason, const char *why)
{
    imap_fail(s, reason, "%s", why);
    imap_settle(s);
}


void
imap_session_watch(imap_session_t *s, json_t *states)
{
    int              settle;
    json_t          *state;
    const char      *name;
    imap_mailbox_t  *m;

    if (s->phase != IMAP_PHASE_SETUP && s->phase != IMAP_PHASE_LOGGED_IN) {
        return;
    }

    s->baseline = json_object_get(states, "") == NULL;
    s->untold = s->baseline
                || json_is_true(json_object_get(json_object_get(states, ""),
                                                "untold"));

    json_object_foreach(states, name, state) {

        if (*name == '\0') {
            continue;
        }

        m = imap_mailbox_add(s, name);

        if (m == NULL) {
            break;
        }

        if (imap_mailbox_load(s, m, state) == -1) {
            imap_log(s, LOG_WARNING,
                     "the stored state of \"%s\" is invalid", name);
        }
    }

    /* within logged_in(), imap_settle() follows anyway */

    settle = s->phase == IMAP_PHASE_LOGGED_IN;
    imap_phase(s, IMAP_PHASE_LISTING);

    if (settle) {
        imap_settle(s);
    }
}


void
imap_session_logout(imap_session_t *s)
{
    if (s->phase < IMAP_PHASE_LOGIN) {
        return;
    }

    if (s->idle == IMAP_IDLE_ON) {
        s->io->write(s->io_data, "DONE\r\n", 6);

    } else if (s->answer && s->command.buf.len) {
        return;
    }

    s->io->write(s->io_data, "p0 LOGOUT\r\n", 11);
}


void
imap_session_update(imap_session_t *s, json_t *args,
    imap_update_done_pt done, void *ctx)
{
    if (imap_update_add(s, args, done, ctx) == -1) {
        return;
    }

    /* within a callback of the session, imap_settle() follows anyway */

    if (s->idle == IMAP_IDLE_ON) {
        imap_idle_end(s);
        imap_arm(s);

    } else if (s->answer == NULL && s->phase >= IMAP_PHASE_SETUP) {
        s->io->timer(s->io_data, 1);
    }
}
