
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * One update, from the stream until its result is in Redis.
 */


#ifndef _BRIDGE_UPDATE_ENTRY_H_INCLUDED_
#define _BRIDGE_UPDATE_ENTRY_H_INCLUDED_


#include "bridge_account.h"


#define BRIDGE_UPDATE_RETRY  1000       /* msec, if Redis is away */


typedef enum {
    BRIDGE_UPDATE_LOOKING = 0,          /* whose account is it? */
    BRIDGE_UPDATE_WAITING,              /* for the session */
    BRIDGE_UPDATE_OFFERED,              /* to another bridge */
    BRIDGE_UPDATE_MARKING,
    BRIDGE_UPDATE_MARKED,
    BRIDGE_UPDATE_SENT,                 /* to the session */
    BRIDGE_UPDATE_ANSWERED
} bridge_update_state_t;


typedef struct bridge_update_entry_s  bridge_update_entry_t;

struct bridge_update_entry_s {
    TAILQ_ENTRY(bridge_update_entry_s)  link;
    bridge_update_state_t               state;
    char                               *entry;      /* the stream's id */
    char                               *account;
    char                               *device;
    char                               *id;
    json_t                             *body;
    char                               *result;
    bridge_msec_t                       deadline;
    struct event                        timer;
    bridge_command_t                   *command;    /* under way */
};


/* The list. */

/* An entry of the stream: [ id, [ field, value, ... ] ]. */
void bridge_update_entry_add(redisReply *reply);

/* Without those that were not begun: those are for another bridge. */
void bridge_update_entries_done(void);
int bridge_update_entries_leaving(void);

unsigned bridge_update_entries_count(void);

/* The session of the account is ready, or it is another bridge's, ... */
void bridge_update_entries_run(const char *account);

int bridge_update_entries_busy(const char *account);

void bridge_update_free(bridge_update_entry_t *entry);

/* The same, and others of its account may go on. */
void bridge_update_end(bridge_update_entry_t *entry);


/* Its place. */

void bridge_update_look(bridge_update_entry_t *entry);
void bridge_update_offer(bridge_update_entry_t *entry, const char *bridge);

/* Time is over: was it claimed? */
void bridge_update_check_offer(bridge_update_entry_t *entry);


/* What is done with it. */

/* It does no harm to carry it out twice. */
int bridge_update_repeatable(bridge_update_entry_t *entry);

void bridge_update_mark(bridge_update_entry_t *entry);
void bridge_update_unmark(bridge_update_entry_t *entry);
void bridge_update_send(bridge_update_entry_t *entry, imap_session_t *session);

/* A result of our own, and the result again. */
void bridge_update_refuse(bridge_update_entry_t *entry, const char *status,
    const char *detail);
void bridge_update_answer(bridge_update_entry_t *entry);

/* Takes it from the stream. */
void bridge_update_remove(bridge_update_entry_t *entry);


#endif /* _BRIDGE_UPDATE_ENTRY_H_INCLUDED_ */
