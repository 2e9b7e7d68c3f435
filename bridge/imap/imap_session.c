
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The life of a session: commands, time, failures.
 */


#include "imap_session_private.h"

#include <stdlib.h>
#include <string.h>

#include "bridge.h"


static void imap_settle(imap_session_t *s);
static int imap_late(imap_session_t *s);


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
imap_session_create(const imap_options_t *o, const imap_callbacks_t *cb,
    void *data, const imap_login_t *login)
{
    imap_session_t  *s;

    s = bridge_alloc(sizeof(imap_session_t));

    s->o = o;
    s->cb = cb;
    s->data = data;

    s->user = bridge_string(login->user);
    s->secret = bridge_string(login->secret);
    s->authzid = bridge_string(login->authzid);
    s->bearer = login->bearer;

    /* a part of a message comes with its headers, and they count, too */

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

    if (s->secret) {
        bridge_wipe_free(s->secret, strlen(s->secret));
    }

    free(s->user);
    free(s->authzid);
    free(s);
}


void
imap_session_start(imap_session_t *s, int secure)
{
    s->secure = secure != 0;
    s->heard = imap_now(s);
    s->sent = s->heard;

    imap_arm(s);
}


void
imap_session_bytes(imap_session_t *s, const char *bytes, size_t len)
{
    if (s->failed) {
        return;
    }

    s->heard = imap_now(s);
    imap_receive(s, bytes, len);
    imap_settle(s);
}


/* Whatever was said has been understood: what is to be done now? */

static void
imap_settle(imap_session_t *s)
{
    if (s->failed || imap_late(s)) {
        return;
    }

    if (s->view.sync == IMAP_SYNC_NONE) {
        imap_event_flush(s);
    }

    imap_next(s);

    if (!s->failed) {
        imap_arm(s);
    }
}


/* The session is over if an answer is, or if it never ends: who speaks all
   the time leaves no time to a timer. */

static int
imap_late(imap_session_t *s)
{
    uint64_t  now;

    if (s->answer ? s->idling && !s->done : s->logged_in) {
        return 0;
    }

    now = imap_now(s);

    if (now - s->heard >= s->o->answer && now - s->sent >= s->o->answer) {
        imap_fail(s, IMAP_FAIL_AWAY, "no answer in %u s",
                  s->o->answer / 1000);
        return 1;
    }

    if (now - s->sent >= (uint64_t) s->o->answer * s->o->answers) {
        imap_fail(s, IMAP_FAIL_AWAY, "an answer without an end");
        return 1;
    }

    return 0;
}


void
imap_session_secured(imap_session_t *s)
{
    imap_response_t  r;

    if (s->failed) {
        return;
    }

    s->secure = 1;
    s->clear = 0;
    s->caps = 0;
    s->capable = 0;
    s->heard = imap_now(s);

    memset(&r, 0, offsetof(imap_response_t, u));
    imap_greeting(s, &r);
    imap_settle(s);
}


void
imap_session_timeout(imap_session_t *s)
{
    if (!s->failed) {
        imap_settle(s);
    }
}


void
imap_session_lost(imap_session_t *s, imap_fail_t reason, const char *why)
{
    imap_fail(s, reason, "%s", why);
}


void
imap_session_watch(imap_session_t *s, json_t *states)
{
    json_t          *state;
    const char      *name;
    imap_mailbox_t  *m;

    if (s->failed || s->watching) {
        return;
    }

    s->watching = 1;
    s->silent = json_object_get(states, "") == NULL;

    json_object_foreach(states, name, state) {

        if (*name == '\0') {
            continue;
        }

        m = imap_mailbox_add(s, name);

        if (m == NULL) {
            break;
        }

        if (imap_mailbox_load(s, m, state) == -1) {
            imap_log(s, LOG_WARNING, "state of a mailbox is bad");
        }
    }

    /* within a callback of ours, whoever called us goes on */

    if (s->told == 1) {
        imap_settle(s);
    }
}


void
imap_session_logout(imap_session_t *s)
{
    if (s->failed || !s->greeted || s->clear) {
        return;
    }

    if (s->idling && !s->done) {
        s->cb->write(s->data, "DONE\r\n", 6);

    } else if (s->answer && s->command.buf.len) {
        return;
    }

    s->cb->write(s->data, "p0 LOGOUT\r\n", 11);
}


void
imap_session_update(imap_session_t *s, json_t *args,
    imap_update_done_pt done, void *ctx)
{
    if (imap_update_add(s, args, done, ctx) == -1) {
        return;
    }

    /* within a callback of ours, whoever called us goes on */

    if (s->idling) {
        imap_idle_end(s);
        imap_arm(s);

    } else if (s->answer == NULL && s->logged_in) {
        s->cb->timer(s->data, 1);
    }
}
