
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the way from bytes to responses, and hands each response to its file.
 * Called by imap_session.c.
 */


#include "imap_session_private.h"

#include <stdio.h>
#include <string.h>


#define IMAP_MAX_SKIPPED  1000


static int imap_shortened(imap_response_t *r, const char **error);
static void imap_skip(imap_session_t *s, imap_response_t *r,
    const char *error);
static int imap_is_ours(imap_session_t *s, imap_response_t *r);
static void imap_response(imap_session_t *s, imap_response_t *r);
static void imap_tagged(imap_session_t *s, imap_response_t *r);
static void imap_continue(imap_session_t *s, imap_response_t *r);
static void imap_untagged(imap_session_t *s, imap_response_t *r);
static void imap_condition(imap_session_t *s, imap_response_t *r);
static void imap_bye(imap_session_t *s, imap_response_t *r);


void
imap_receive(imap_session_t *s, const char *bytes, size_t len)
{
    int              rc;
    const char      *error;
    bridge_str_t     response;
    imap_response_t  r;

    imap_reader_feed(&s->in, bytes, len);

    while (s->phase != IMAP_PHASE_FAILED && s->phase != IMAP_PHASE_TLS) {
        rc = imap_reader_next(&s->in, &response);

        if (rc == 0) {
            return;
        }

        if (rc == -1) {
            imap_fail(s, IMAP_FAIL_PROTOCOL, "%s", s->in.error);
            return;
        }

        rc = imap_response_parse(&r, &response, &error);
        r.cut = s->in.cut || s->in.shortened;

        if (rc == 0 && s->in.shortened) {
            rc = imap_shortened(&r, &error);
        }

        if (rc == -1) {
            imap_skip(s, &r, error);
            continue;
        }

        if (r.damage) {
            imap_counters.skipped++;
            imap_warn(s, "mailbox \"%s\", message %u, UID %u: a part of the "
                      "server's FETCH is not understood: %s",
                      s->selected.mailbox ? s->selected.mailbox->name : "",
                      r.number, r.has & IMAP_HAS_UID ? r.u.fetch.uid : 0,
                      r.damage);
        }

        imap_response(s, &r);
    }
}


/* A list that was cut has numbers and names that the server did not send. */

static int
imap_shortened(imap_response_t *r, const char **error)
{
    *error = "the line is too long";

    if (r->kind == IMAP_RESPONSE_FETCH) {
        r->damage = r->damage ? r->damage : *error;
        return 0;
    }

    return r->kind == IMAP_SEARCH ? 0 : -1;
}


/*
 * The extent of a response that is not understood is known, so it costs only
 * itself.  What it might have told is looked for.
 */

static void
imap_skip(imap_session_t *s, imap_response_t *r, const char *error)
{
    if (s->phase < IMAP_PHASE_SETUP || imap_is_ours(s, r)) {
        imap_fail(s, IMAP_FAIL_PROTOCOL, "bad response: %s", error);
        return;
    }

    if (++s->skipped > IMAP_MAX_SKIPPED) {
        imap_fail(s, IMAP_FAIL_PROTOCOL, "too many responses that are not "
                  "understood, last: %s", error);
        return;
    }

    imap_counters.skipped++;
    imap_warn(s, "mailbox \"%s\": a response of the server is not understood "
              "and skipped: %s",
              s->selected.mailbox ? s->selected.mailbox->name : "", error);

    switch (r->kind) {

    case IMAP_LIST:
    case IMAP_LSUB:
        s->incomplete = 1;
        break;

    case IMAP_STATUS:
        imap_round_soon(s);
        break;

    case IMAP_EXPUNGE:
    case IMAP_VANISHED:
        imap_selected_doubt(s);
        break;

    default:
        break;
    }
}


/* Only the answer of the command in flight ends it. */

static int
imap_is_ours(imap_session_t *s, imap_response_t *r)
{
    char  tag[16];

    snprintf(tag, sizeof(tag), "p%u", s->ntag);

    return r->kind == IMAP_TAGGED && s->answer
           && bridge_str_equal(&r->tag, tag, strlen(tag));
}


static void
imap_response(imap_session_t *s, imap_response_t *r)
{
    if (s->phase == IMAP_PHASE_GREETING) {

        if (r->kind != IMAP_CONDITION) {
            imap_fail(s, IMAP_FAIL_PROTOCOL, "the greeting is not IMAP");
            return;
        }

        imap_greeting(s, r);
        return;
    }

    switch (r->kind) {

    case IMAP_TAGGED:
        imap_tagged(s, r);
        break;

    case IMAP_CONTINUE:
        imap_continue(s, r);
        break;

    default:
        imap_untagged(s, r);
    }
}


static void
imap_tagged(imap_session_t *s, imap_response_t *r)
{
    imap_answer_pt  answer;

    if (!imap_is_ours(s, r)) {

        if (r->tag.len && *r->tag.data == 'p') {
            imap_fail(s, IMAP_FAIL_PROTOCOL,
                      "a tagged answer, but no command is in flight");
            return;
        }

        /* the rest of a line that a line break has cut */

        imap_skip(s, r, "an answer to nobody's command");
        return;
    }

    answer = s->answer;

    s->answer = NULL;
    s->untagged = NULL;
    s->on_continue = NULL;

    imap_command_free(&s->command);

    if (bridge_str_is(&r->code, "CAPABILITY")) {
        imap_capabilities(s, &r->code_text);
    }

    if (bridge_str_is(&r->code, "HIGHESTMODSEQ")
        && r->code_number > s->selected.highest)
    {
        s->selected.highest = r->code_number;
    }

    answer(s, r);
}


/* Sends the next piece of the command. */

static void
imap_continue(imap_session_t *s, imap_response_t *r)
{
    size_t           from, to;
    imap_command_t  *c = &s->command;

    if (c->buf.len && s->stop < c->nstops) {
        from = c->stops[s->stop++];
        to = s->stop < c->nstops ? c->stops[s->stop] : c->buf.len;

        s->io->write(s->io_data, c->buf.data + from, to - from);

        if (to == c->buf.len) {
            imap_command_free(c);
        }

        return;
    }

    if (s->answer && s->on_continue) {
        s->on_continue(s, r);
        return;
    }

    imap_skip(s, r, "unexpected \"+\"");
}


static void
imap_untagged(imap_session_t *s, imap_response_t *r)
{
    if (s->untagged && s->untagged(s, r)) {
        return;
    }

    switch (r->kind) {

    case IMAP_CONDITION:
        imap_condition(s, r);
        break;

    case IMAP_CAPABILITY:
        imap_capabilities(s, &r->text);
        break;

    case IMAP_ENABLED:
        imap_enabled(s, &r->text);
        break;

    case IMAP_LIST:
    case IMAP_LSUB:
        imap_list_untagged(s, r);
        break;

    case IMAP_STATUS:
        imap_status_untagged(s, r);
        break;

    case IMAP_EXISTS:
        imap_selected_exists(s, r->number);
        break;

    case IMAP_EXPUNGE:
        imap_selected_expunge(s, r->number);
        break;

    case IMAP_VANISHED:
        imap_selected_vanished(s, r);
        break;

    case IMAP_RESPONSE_FETCH:
        imap_selected_fetch(s, r);
        break;

    default:
        break;
    }
}


static void
imap_condition(imap_session_t *s, imap_response_t *r)
{
    imap_selected_t  *sel = &s->selected;

    if (r->condition == IMAP_COND_BYE) {
        imap_bye(s, r);

    } else if (bridge_str_is(&r->code, "CAPABILITY")) {
        imap_capabilities(s, &r->code_text);

    } else if (bridge_str_is(&r->code, "UIDVALIDITY")) {

        if (sel->uidvalidity && sel->uidvalidity != (uint32_t) r->code_number
            && sel->sync != IMAP_SYNC_SELECT)
        {
            sel->recheck = sel->mailbox != NULL;
        }

        sel->uidvalidity = r->code_number;

    } else if (bridge_str_is(&r->code, "UIDNEXT")) {
        sel->uidnext = r->code_number;

    } else if (bridge_str_is(&r->code, "HIGHESTMODSEQ")) {
        sel->modseq = r->code_number;

    } else if (bridge_str_is(&r->code, "NOMODSEQ")) {
        sel->nomodseq = 1;

    } else if (bridge_str_is(&r->code, "NOTIFICATIONOVERFLOW")) {
        imap_overflow(s);

    } else if (r->condition == IMAP_COND_NO && r->code.len == 0) {

        /* Dovecot: "NOTIFY error, some events may have got lost" */

        imap_round_soon(s);
    }
}


static void
imap_bye(imap_session_t *s, imap_response_t *r)
{
    char  words[IMAP_MAX_WORDS];

    imap_words(words, sizeof(words), r);

    imap_fail(s, bridge_str_is(&r->code, "LIMIT") ? IMAP_FAIL_LIMIT
                 : IMAP_FAIL_AWAY, "%s", words);
}
