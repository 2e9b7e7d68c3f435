
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * An update, and the functions that its verbs share.
 */


#ifndef _IMAP_UPDATE_H_INCLUDED_
#define _IMAP_UPDATE_H_INCLUDED_


#include "imap_session_private.h"


#define IMAP_MAX_UPDATE_UIDS    1000
#define IMAP_MAX_FETCH_UIDS     50
#define IMAP_MAX_FOUND          1000    /* the newest ones of a search */


/* Conditions before the update begins. */

#define IMAP_NEEDS_MAILBOX      0x1     /* "mailbox" is selected */
#define IMAP_NEEDS_WRITABLE     0x2


/* Returns the error of the arguments, or NULL. */
typedef const char *(*imap_check_pt)(imap_session_t *s, imap_update_t *u);

/* Sends the first command, or finishes. */
typedef void (*imap_begin_pt)(imap_session_t *s, imap_update_t *u);


typedef struct {
    const char            *name;
    size_t                 max_uids;    /* 0: it has no "uids" */
    imap_check_pt          check;       /* of other arguments, or NULL */
    imap_begin_pt          begin;
    uint32_t               needs;
} imap_verb_t;


struct imap_update_s {
    imap_update_t         *next;
    const imap_verb_t     *verb;
    json_t                *args;
    json_t                *result;
    imap_update_done_pt    done;
    void                  *ctx;
    imap_sequence_set_t    uids;
    size_t                 bytes;       /* fetched */
    unsigned               sent:1;      /* a command was sent */
    unsigned               tried:1;     /* to select the mailbox */
    unsigned               removes:1;   /* store: the second command */
    unsigned               partly:1;    /* a part of it is carried out */
    unsigned               odd:1;       /* its data are not understood */
};


/* imap_update_common.c */

/* The update is over: for "status" see imap_session.h. */
void imap_update_finish(imap_update_t *u, const char *status,
    const char *detail);

/* The same for the first update, which leaves the queue. */
void imap_update_end(imap_session_t *s, const char *status,
    const char *detail);

/* The same, by the answer of the server. */
void imap_update_answer(imap_session_t *s, imap_response_t *r);

/* As imap_send(), for the first update; if it fails, the update is over. */
void imap_update_send(imap_session_t *s, imap_command_t *c,
    imap_answer_pt answer, imap_untagged_pt untagged);

/* Begins a command with the update's UIDs, as in "UID STORE 1,2". */
void imap_update_command(imap_session_t *s, imap_command_t *c,
    const char *name);

/* Arguments: NULL or 0 if they are not there, or not of the type. */
const char *imap_arg_string(imap_update_t *u, const char *name);
json_int_t imap_arg_number(imap_update_t *u, const char *name);

/* Takes "uids" into the update; returns the error or NULL. */
const char *imap_arg_uids(imap_update_t *u, size_t max);

/* A number within the bounds? */
int imap_arg_within(json_t *number, json_int_t min, json_int_t max);

/* An array or absent; returns the error or NULL. */
const char *imap_arg_strings(imap_update_t *u, const char *name);
const char *imap_arg_flags(imap_update_t *u, const char *name);

/* May it be a mailbox's name? */
const char *imap_arg_mailbox(imap_update_t *u, const char *name);

/* The mailbox that the argument names has changed; the server may not tell
   this session. */
void imap_update_mark_dirty(imap_session_t *s, const char *arg);

/* UIDs as an array, the last "max" ones. */
json_t *imap_update_uids(const imap_sequence_set_t *set, size_t max);


/* imap_update_message.c */

const char *imap_store_check(imap_session_t *s, imap_update_t *u);
void imap_store_begin(imap_session_t *s, imap_update_t *u);
const char *imap_copy_check(imap_session_t *s, imap_update_t *u);
void imap_copy_begin(imap_session_t *s, imap_update_t *u);
void imap_move_begin(imap_session_t *s, imap_update_t *u);
void imap_delete_begin(imap_session_t *s, imap_update_t *u);
const char *imap_append_check(imap_session_t *s, imap_update_t *u);
void imap_append_begin(imap_session_t *s, imap_update_t *u);
const char *imap_update_mailbox_check(imap_session_t *s, imap_update_t *u);
void imap_update_mailbox_begin(imap_session_t *s, imap_update_t *u);

/* imap_update_fetch.c */

const char *imap_update_fetch_check(imap_session_t *s, imap_update_t *u);
void imap_update_fetch_begin(imap_session_t *s, imap_update_t *u);

/* imap_update_search.c */

const char *imap_search_check(imap_session_t *s, imap_update_t *u);
void imap_search_begin(imap_session_t *s, imap_update_t *u);


#endif /* _IMAP_UPDATE_H_INCLUDED_ */
