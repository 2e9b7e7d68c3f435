
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns the phase and the command in flight.  Called by all files of a session.
 * Invariant: a session that has failed sends nothing more.
 */


#include "imap_session_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <glib.h>

#include "bridge.h"


#define IMAP_MAX_LOG  (IMAP_MAX_NAME + 512)
#define IMAP_WARNINGS  1024             /* that are remembered */


void
imap_phase(imap_session_t *s, imap_phase_t phase)
{
    static const char  *names[] = {
        "failed", "greeting", "TLS", "login", "setup", "logged in", "listing",
        "catching up", "watching"
    };

    s->phase = phase;
    imap_log(s, LOG_DEBUG, "phase: %s", names[phase]);
}


void
imap_command_begin(imap_session_t *s, imap_command_t *c)
{
    imap_command_init(c, s->caps & IMAP_CAP_LITERAL_PLUS ? IMAP_LITERAL_PLUS
                      : s->caps & IMAP_CAP_LITERAL_MINUS ? IMAP_LITERAL_MINUS
                      : IMAP_LITERAL_SYNC, s->utf8);

    imap_command_add(c, "p%u ", ++s->ntag);
}


int
imap_send(imap_session_t *s, imap_command_t *c, imap_answer_pt answer,
    imap_untagged_pt untagged)
{
    if (c->error) {
        imap_command_free(c);
        return -1;
    }

    imap_command_add(c, "\r\n");

    s->answer = answer;
    s->untagged = untagged;
    s->on_continue = NULL;
    s->sent_at = imap_now(s);
    s->stop = 0;
    s->command = *c;

    s->io->write(s->io_data, c->buf.data,
                 c->nstops ? c->stops[0] : c->buf.len);

    if (c->nstops == 0) {
        imap_command_free(&s->command);
    }

    return 0;
}


void
imap_send_text(imap_session_t *s, imap_answer_pt answer, const char *format,
    ...)
{
    va_list         args;
    imap_command_t  c;

    imap_command_begin(s, &c);

    va_start(args, format);
    imap_command_vadd(&c, format, args);
    va_end(args);

    imap_send(s, &c, answer, NULL);
}


uint64_t
imap_now(imap_session_t *s)
{
    return  s->io->now(s->io_data);
}


void
imap_fail(imap_session_t *s, imap_fail_t reason, const char *format, ...)
{
    va_list  args;

    if (s->phase == IMAP_PHASE_FAILED) {
        return;
    }

    va_start(args, format);
    s->why = bridge_vformat(format, args);
    va_end(args);

    bridge_text_valid(s->why);

    s->phase = IMAP_PHASE_FAILED;
    s->io->failed(s->io_data, reason, s->why);
}


void
imap_log(imap_session_t *s, int level, const char *format, ...)
{
    char     text[IMAP_MAX_LOG];
    va_list  args;

    va_start(args, format);
    bridge_text_vprint(text, sizeof(text), format, args);
    va_end(args);

    s->cb->log(s->data, level, text);
}


/* All are forgotten when they are too many. */

void
imap_warn(imap_session_t *s, const char *format, ...)
{
    char      text[IMAP_MAX_LOG];
    va_list   args;
    gpointer  hash;

    va_start(args, format);
    bridge_text_vprint(text, sizeof(text), format, args);
    va_end(args);

    hash = GUINT_TO_POINTER(g_str_hash(text));

    if (s->warnings == NULL) {
        s->warnings = g_hash_table_new(NULL, NULL);

    } else if (g_hash_table_size(s->warnings) >= IMAP_WARNINGS) {
        g_hash_table_remove_all(s->warnings);
    }

    if (g_hash_table_add(s->warnings, hash)) {
        s->cb->log(s->data, LOG_WARNING, text);
    }
}


/* A server may send any byte. */

void
imap_printable(char *text, size_t size, const bridge_str_t *s)
{
    size_t  i;

    for (i = 0; i < s->len && i + 1 < size; i++) {
        text[i] = (unsigned char) s->data[i] < 0x20
                  || (unsigned char) s->data[i] >= 0x7f ? '?' : s->data[i];
    }

    text[i] = '\0';
}


/* "NO [CODE more] text" */

void
imap_words(char *text, size_t size, const imap_response_t *r)
{
    char                code[64], more[128], words[IMAP_MAX_WORDS];
    const imap_word_t  *word;

    for (word = imap_conditions; word->name; word++) {
        if (word->value == (uint32_t) r->condition) {
            break;
        }
    }

    imap_printable(code, sizeof(code), &r->code);
    imap_printable(more, sizeof(more), &r->code_text);
    imap_printable(words, sizeof(words), &r->text);

    snprintf(text, size, "%s%s%s%s%s%s %s", word->name ? word->name : "",
             *code ? " [" : "", code, *more ? " " : "", more,
             *code ? "]" : "", words);
}
