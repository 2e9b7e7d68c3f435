
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the command in flight.  Called by all files of the session, to send,
 * to log and to fail.  Invariant: after failed() the owner hears only of
 * updates.
 */


#include "imap_session_private.h"

#include <stdarg.h>
#include <stdio.h>


#define IMAP_MAX_REASON   256


void
imap_command_begin(imap_session_t *s, imap_command_t *c)
{
    char  tag[16];

    imap_command_init(c, s->caps & IMAP_CAP_LITERAL_PLUS ? IMAP_LITERAL_PLUS
                      : s->caps & IMAP_CAP_LITERAL_MINUS ? IMAP_LITERAL_MINUS
                      : IMAP_LITERAL_SYNC, s->utf8);

    snprintf(tag, sizeof(tag), "p%u ", ++s->ntag);
    imap_command_add(c, tag);
}


int
imap_send(imap_session_t *s, imap_command_t *c, imap_answer_pt answer,
    imap_untagged_pt untagged)
{
    if (c->error) {
        imap_command_free(c);
        return -1;
    }

    imap_command_end(c);

    s->answer = answer;
    s->untagged = untagged;
    s->go_on = NULL;
    s->sent = imap_now(s);
    s->stop = 0;
    s->command = *c;

    s->cb->write(s->data, c->buf.data,
                 c->nstops ? c->stops[0] : c->buf.len);

    if (c->nstops == 0) {
        imap_command_free(&s->command);
    }

    return 0;
}


uint64_t
imap_now(imap_session_t *s)
{
    return s->cb->now(s->data);
}


void
imap_fail(imap_session_t *s, imap_fail_t reason, const char *format, ...)
{
    char     why[IMAP_MAX_REASON];
    va_list  args;

    if (s->failed) {
        return;
    }

    s->failed = 1;

    va_start(args, format);
    vsnprintf(why, sizeof(why), format, args);
    va_end(args);

    s->cb->failed(s->data, reason, why);
    imap_updates_fail(s, why);
}


void
imap_log(imap_session_t *s, int level, const char *format, ...)
{
    char     text[IMAP_MAX_REASON * 2];
    va_list  args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);

    s->cb->log(s->data, level, text);
}
