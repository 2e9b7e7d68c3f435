
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The functions by which the files of a session call each other.  When a
 * command is answered, imap_next() chooses what is done next.
 */


#ifndef _IMAP_SESSION_PRIVATE_H_INCLUDED_
#define _IMAP_SESSION_PRIVATE_H_INCLUDED_


#include "imap_engine.h"


/* imap_receive.c */

void imap_receive(imap_session_t *s, const char *bytes, size_t len);

/* imap_login.c */

void imap_greeting(imap_session_t *s, imap_response_t *r);
void imap_login_start(imap_session_t *s);
void imap_capabilities(imap_session_t *s, const bridge_str_t *list);
void imap_enabled(imap_session_t *s, const bridge_str_t *list);

/* A capability is of no use, whatever the server says later. */
void imap_refuse(imap_session_t *s, uint32_t cap);

/* imap_idle.c */

void imap_next(imap_session_t *s);
void imap_arm(imap_session_t *s);

/* 1: an answer is late, the session has failed. */
int imap_late(imap_session_t *s);

/* Sends DONE if the server idles, so that a command can follow. */
void imap_idle_end(imap_session_t *s);

/* imap_notify.c */

int imap_notify_due(imap_session_t *s);
void imap_notify(imap_session_t *s);
void imap_overflow(imap_session_t *s);

/* imap_list.c */

void imap_list_start(imap_session_t *s);

/* NOTIFY may have missed a change. */
void imap_round_soon(imap_session_t *s);
void imap_list_untagged(imap_session_t *s, imap_response_t *r);
void imap_status_untagged(imap_session_t *s, imap_response_t *r);

/* imap_rename.c */

void imap_renames(imap_session_t *s);

/* imap_select.c */

void imap_select_start(imap_session_t *s, imap_mailbox_t *m, int writable);

/* Fetches the messages that arrived in the selected mailbox. */
void imap_select_new(imap_session_t *s);

/* imap_event.c */

json_t *imap_event(imap_session_t *s, const char *name, const char *mailbox);
void imap_event_flags(imap_session_t *s, imap_response_t *r, uint64_t old,
    uint64_t new);

/* NULL: one message of unknown UID. */
void imap_event_expunged(imap_session_t *s, const imap_sequence_set_t *gone);
void imap_event_new(imap_session_t *s, imap_response_t *r, uint64_t flags);
void imap_event_flush(imap_session_t *s);

/* The state of the selected mailbox is published. */
void imap_event_mark(imap_session_t *s);

/* Members from an envelope; one that is unknown is left out. */
void imap_event_envelope(json_t *to, const imap_envelope_t *e,
    const bridge_str_t *head, int cc);

/* Sets the member if there is text, and empties the buffer. */
void imap_event_text(json_t *to, const char *name, bridge_buffer_t *b);

/* imap_update.c */

/* -1: it is over already. */
int imap_update_add(imap_session_t *s, json_t *args,
    imap_update_done_pt done, void *ctx);
void imap_update_run(imap_session_t *s);

/* imap_update_common.c */

void imap_updates_fail(imap_session_t *s, const char *why);


#endif /* _IMAP_SESSION_PRIVATE_H_INCLUDED_ */
