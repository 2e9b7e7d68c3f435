
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * What the files of the session share.  One command is under way at a time;
 * when it is answered, imap_next() finds out what is to be done.
 */


#ifndef _IMAP_SESSION_PRIVATE_H_INCLUDED_
#define _IMAP_SESSION_PRIVATE_H_INCLUDED_


#include <syslog.h>

#include "imap_command.h"
#include "imap_flags.h"
#include "imap_known_flags.h"
#include "imap_mailbox.h"
#include "imap_reader.h"
#include "imap_response.h"
#include "imap_session.h"
#include "imap_selected.h"


#define IMAP_CAP_STARTTLS       0x00001
#define IMAP_CAP_LOGINDISABLED  0x00002
#define IMAP_CAP_PLAIN          0x00004
#define IMAP_CAP_OAUTHBEARER    0x00008
#define IMAP_CAP_XOAUTH2        0x00010
#define IMAP_CAP_SASL_IR        0x00020
#define IMAP_CAP_ENABLE         0x00040
#define IMAP_CAP_CONDSTORE      0x00080
#define IMAP_CAP_QRESYNC        0x00100
#define IMAP_CAP_UTF8           0x00200
#define IMAP_CAP_NOTIFY         0x00800
#define IMAP_CAP_IDLE           0x01000
#define IMAP_CAP_ID             0x02000
#define IMAP_CAP_LIST_EXTENDED  0x04000
#define IMAP_CAP_LIST_STATUS    0x08000
#define IMAP_CAP_SPECIAL_USE    0x10000
#define IMAP_CAP_MOVE           0x20000
#define IMAP_CAP_UIDPLUS        0x40000
#define IMAP_CAP_LITERAL_PLUS   0x80000
#define IMAP_CAP_LITERAL_MINUS  0x100000


typedef void (*imap_answer_pt)(imap_session_t *s, imap_response_t *r);

/* For untagged responses of the command; 1: taken, nobody else wants it. */
typedef int (*imap_untagged_pt)(imap_session_t *s, imap_response_t *r);


typedef struct imap_update_s  imap_update_t;


struct imap_session_s {
    const imap_options_t    *o;
    const imap_callbacks_t  *cb;
    void                    *data;

    char                    *user;
    char                    *secret;
    char                    *authzid;

    imap_reader_t            in;

    uint32_t                 caps;
    uint32_t                 ntag;

    /* the command under way */
    imap_answer_pt           answer;
    imap_untagged_pt         untagged;
    imap_answer_pt           go_on;     /* at "+" */
    imap_command_t           command;   /* what of it waits for a "+" */
    size_t                   stop;
    uint64_t                 sent;
    uint64_t                 heard;     /* when the last byte came */

    imap_mailbox_t         **mailboxes; /* by name */
    size_t                   n;
    size_t                   size;
    size_t                   next;      /* look for dirty ones from there */
    imap_keywords_t          keywords;

    imap_selected_t              view;
    json_t                  *batch;     /* events of the view's mailbox */

    uint64_t                 round_at;
    uint64_t                 round_end; /* when the last one was over */
    uint64_t                 poll_at;
    uint64_t                 overflow;  /* NOTIFY's last one */

    imap_update_t           *updates;   /* the first one is carried out */
    size_t                   nupdates;

    unsigned                 bearer:1;
    unsigned                 secure:1;
    unsigned                 greeted:1;
    unsigned                 logged_in:1;
    unsigned                 told:1;    /* the owner knows that */
    unsigned                 capable:1; /* "caps" are those of now */
    unsigned                 watching:1;
    unsigned                 silent:1;  /* first time: nothing is news */
    unsigned                 listed:1;  /* since the login */
    unsigned                 ready:1;
    unsigned                 failed:1;
    unsigned                 utf8:1;
    unsigned                 condstore:1;
    unsigned                 qresync:1;
    unsigned                 notify:1;  /* NOTIFY is set */
    unsigned                 narrow:1;  /* to be, for what is selected only */
    unsigned                 idling:1;
    unsigned                 done:1;    /* DONE was said */
    unsigned                 wishes:1;  /* STATUS of each mailbox is needed */
    unsigned                 turn:1;    /* of the view, before others */
    unsigned                 clear:1;   /* bytes are of the caller now */
};


/* imap_engine.c */

void imap_fail(imap_session_t *s, imap_fail_t reason, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void imap_log(imap_session_t *s, int level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Begins a command: with its tag. */
void imap_command_begin(imap_session_t *s, imap_command_t *c);

/* Takes the command, which is sent; -1 if it can't be: nothing was sent. */
int imap_send(imap_session_t *s, imap_command_t *c, imap_answer_pt answer,
    imap_untagged_pt untagged);
uint64_t imap_now(imap_session_t *s);

/* imap_receive.c */

void imap_receive(imap_session_t *s, const char *bytes, size_t len);

/* imap_login.c */

void imap_greeting(imap_session_t *s, imap_response_t *r);
void imap_capabilities(imap_session_t *s, const bridge_str_t *list);
void imap_enabled(imap_session_t *s, const bridge_str_t *list);

/* imap_idle.c */

void imap_next(imap_session_t *s);
void imap_arm(imap_session_t *s);

/* Says DONE, if that has not been said, so that something else can be. */
void imap_idle_end(imap_session_t *s);

/* imap_notify.c */

int imap_notify_due(imap_session_t *s);
void imap_notify(imap_session_t *s);
void imap_overflow(imap_session_t *s);

/* imap_list.c */

void imap_list_start(imap_session_t *s);

/* Something that NOTIFY was to tell may be lost. */
void imap_list_doubt(imap_session_t *s);
void imap_list_untagged(imap_session_t *s, imap_response_t *r);
void imap_status_untagged(imap_session_t *s, imap_response_t *r);

/* imap_rename.c */

void imap_renames(imap_session_t *s);

/* imap_select.c */

void imap_select_start(imap_session_t *s, imap_mailbox_t *m, int writable);

/* What arrived in the mailbox that is selected. */
void imap_news_start(imap_session_t *s);

/* imap_event.c */

json_t *imap_event(imap_session_t *s, const char *name, const char *mailbox);
void imap_event_flags(imap_session_t *s, imap_response_t *r, uint64_t old,
    uint64_t new);

/* NULL: one, and its UID is not known. */
void imap_event_gone(imap_session_t *s, const imap_sequence_set_t *gone);
void imap_event_new(imap_session_t *s, imap_response_t *r, uint64_t flags);
void imap_event_flush(imap_session_t *s);

/* imap_update.c */

/* -1: it is over already. */
int imap_update_add(imap_session_t *s, json_t *args,
    imap_update_done_pt done, void *ctx);
void imap_update_run(imap_session_t *s);

/* imap_update_common.c */

void imap_updates_fail(imap_session_t *s, const char *why);


#endif /* _IMAP_SESSION_PRIVATE_H_INCLUDED_ */
