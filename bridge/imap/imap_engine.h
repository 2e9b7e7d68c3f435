
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * The session, its phases, and its command in flight: one command is sent at
 * a time.
 */


#ifndef _IMAP_ENGINE_H_INCLUDED_
#define _IMAP_ENGINE_H_INCLUDED_


#include <syslog.h>

#include "imap_command.h"
#include "imap_token.h"
#include "imap_known_flags.h"
#include "imap_mailbox.h"
#include "imap_response.h"
#include "imap_session.h"


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
#define IMAP_CAP_PREVIEW        0x00400
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
#define IMAP_CAP_KNOWN          0x200000    /* the server has told them */


/*
 * The phase of a session.  imap_engine.c owns it; imap_phase() changes it.
 *
 *   phase        the session                    next phase
 *   GREETING     waits for the greeting         LOGIN: the greeting
 *   LOGIN        CAPABILITY, then STARTTLS      TLS: STARTTLS is accepted
 *                or the login itself            SETUP: the login is accepted
 *   TLS          reads nothing; its owner       LOGIN: imap_session_secured()
 *                starts TLS
 *   SETUP        CAPABILITY, ID, ENABLE         LOGGED_IN: after logged_in()
 *                                               LISTING: in logged_in()
 *   LOGGED_IN    waits for its owner            LISTING: imap_session_watch()
 *   LISTING      learns the mailboxes           CATCHING_UP: end of the round
 *   CATCHING_UP  looks at changed mailboxes     WATCHING: none is left
 *   WATCHING     publishes what happens
 *   FAILED       is over; from each phase, by imap_fail()
 */

typedef enum {
    IMAP_PHASE_FAILED,
    IMAP_PHASE_GREETING,
    IMAP_PHASE_TLS,
    IMAP_PHASE_LOGIN,
    IMAP_PHASE_SETUP,
    IMAP_PHASE_LOGGED_IN,
    IMAP_PHASE_LISTING,
    IMAP_PHASE_CATCHING_UP,
    IMAP_PHASE_WATCHING
} imap_phase_t;


/*
 * IDLE (RFC 2177).  imap_idle.c owns it.  The tagged answer leads back to OFF.
 *
 *   OFF          no IDLE is in flight           SENT: nothing is left to do
 *   SENT         waits for "+"                  ON: "+"
 *   ON           the server tells changes       DONE: imap_idle_end()
 *   DONE         waits for the answer
 */

typedef enum {
    IMAP_IDLE_OFF,
    IMAP_IDLE_SENT,
    IMAP_IDLE_ON,
    IMAP_IDLE_DONE
} imap_idle_t;


#define IMAP_MAX_WORDS 256              /* bytes of a server's, for the log */

typedef void (*imap_answer_pt)(imap_session_t *s, imap_response_t *r);
/* An untagged response of it; 1: it is handled. */
typedef int (*imap_untagged_pt)(imap_session_t *s, imap_response_t *r);

typedef struct imap_update_s  imap_update_t;


struct imap_session_s {
    const imap_options_t    *o;
    const imap_io_t         *io;
    void                    *io_data;
    const imap_callbacks_t  *cb;
    void                    *data;

    imap_phase_t             phase;
    imap_idle_t              idle;
    char                    *why;       /* it failed */

    char                    *user;
    char                    *secret;
    char                    *authzid;
    char                    *client;    /* NULL: no address is told */
    imap_reader_t            in;
    uint32_t                 caps;
    uint32_t                 refused;   /* capabilities of no use */
    uint32_t                 ntag;

    /* the command in flight */
    imap_answer_pt           answer;    /* NULL: there is none */
    imap_untagged_pt         untagged;
    imap_answer_pt           on_continue;     /* at "+" */
    imap_command_t           command;   /* the part that waits for a "+" */
    size_t                   stop;
    uint64_t                 sent_at;
    uint64_t                 received_at;

    imap_mailbox_t         **mailboxes; /* by name */
    size_t                   n;
    size_t                   size;
    size_t                   next;      /* look for dirty ones from there */
    imap_missing_t           missing;
    imap_keywords_t          keywords;

    imap_selected_t          selected;
    json_t                  *batch;     /* events of the selected mailbox */

    uint64_t                 round_at;
    uint64_t                 round_end; /* the last one */
    uint64_t                 poll_at;
    uint64_t                 retry_at;  /* the first pause ends; 0: none */
    imap_pause_t             idle_pause;
    uint64_t                 overflow_at;   /* NOTIFY, the last one */

    imap_update_t           *updates;   /* the first one is carried out */
    size_t                   nupdates;

    uint32_t                 skipped;   /* responses, not understood */
    struct _GHashTable      *warnings;  /* hashes; NULL: none */

    unsigned                 bearer:1;
    unsigned                 starttls:1;    /* required, not yet done */
    unsigned                 baseline:1;    /* first time: no events */
    unsigned                 untold:1;  /* devices are to look at all */
    unsigned                 utf8:1;
    unsigned                 condstore:1;
    unsigned                 qresync:1;
    unsigned                 notify:1;  /* NOTIFY is set */
    unsigned                 selected_only:1;   /* to set it so */
    unsigned                 status:1;  /* STATUS of each mailbox is needed */
    unsigned                 extended:1;    /* the LIST of this round is */
    unsigned                 turn:1;    /* the selected mailbox is next */
    unsigned                 incomplete:1;  /* LIST: take none for deleted */
    unsigned                 challenged:1;  /* the login, with an error */
};


void imap_phase(imap_session_t *s, imap_phase_t phase);
/* Keeps the reason and tells the owner; updates end in imap_session.c. */
void imap_fail(imap_session_t *s, imap_fail_t reason, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void imap_log(imap_session_t *s, int level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* With its tag. */
void imap_command_begin(imap_session_t *s, imap_command_t *c);

/* Takes the command; -1 if it has an error: nothing is sent. */
int imap_send(imap_session_t *s, imap_command_t *c, imap_answer_pt answer,
    imap_untagged_pt untagged);
/* The same for a command without arguments from outside. */
void imap_send_text(imap_session_t *s, imap_answer_pt answer,
    const char *format, ...) __attribute__((format(printf, 3, 4)));
uint64_t imap_now(imap_session_t *s);
/* The words of a server for the log, cut to "size"; those of a condition. */
void imap_printable(char *text, size_t size, const bridge_str_t *s);
void imap_words(char *text, size_t size, const imap_response_t *r);

/* A warning for the operator, once for the same text. */
void imap_warn(imap_session_t *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));


#endif /* _IMAP_ENGINE_H_INCLUDED_ */
