
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * One update of a device: its states, and the steps that bring it from the
 * stream to its result in Redis.
 */


#ifndef _BRIDGE_UPDATE_H_INCLUDED_
#define _BRIDGE_UPDATE_H_INCLUDED_


#include "bridge_session.h"
#include "bridge_update_stream.h"


#define BRIDGE_UPDATE_RETRY  1000       /* msec */
#define BRIDGE_UPDATE_OFFER  2000       /* msec for another bridge to claim */


/*
 * bridge_update_entry.c changes the state; a step asks for it by advance().
 *
 *     (new)    -> HELD     it has no place in memory
 *              -> as LOADING, if it has one
 *     HELD     -> LOADING  it has a place
 *     LOADING  -> ROUTING  it is read
 *              -> ENDED    it is not in the stream any more
 *              -> ANSWERED it is no object: "invalid"
 *              -> DONE     it has no account or id
 *     ROUTING  -> WAITING  the account is ours
 *              -> OFFERED  another bridge has its lease
 *              -> RETRYING Redis has not answered, or no login is there
 *     RETRYING -> ROUTING  after BRIDGE_UPDATE_RETRY
 *              -> ANSWERED the deadline is over: "refused"
 *     WAITING  -> MARKING  the session is ready, it may not run twice
 *              -> SENT     the session is ready, it may run twice
 *              -> OFFERED  another bridge has got the lease
 *              -> ANSWERED the deadline is over: "refused"
 *     OFFERED  -> ENDED    another bridge has claimed it
 *              -> ROUTING  no bridge has claimed it
 *              -> ANSWERED the deadline is over: "refused"
 *     MARKING  -> MARKED   the mark is in Redis
 *              -> RETRYING Redis has not answered
 *              -> ANSWERED another bridge has begun it and died: "unknown"
 *     MARKED   -> SENT     it is its turn
 *              -> ANSWERED the deadline is over: "refused"
 *     SENT     -> ANSWERED the server has answered
 *              -> RETRYING it was not sent; or its answer was lost the first
 *                          time, and it may run twice
 *     ANSWERED -> DONE     the result is in Redis
 *     DONE     -> ENDED    it is removed from the stream
 *     ENDED                it is freed
 */

typedef enum {
    BRIDGE_UPDATE_HELD = 0,
    BRIDGE_UPDATE_LOADING,
    BRIDGE_UPDATE_ROUTING,
    BRIDGE_UPDATE_RETRYING,
    BRIDGE_UPDATE_WAITING,
    BRIDGE_UPDATE_OFFERED,
    BRIDGE_UPDATE_MARKING,
    BRIDGE_UPDATE_MARKED,
    BRIDGE_UPDATE_SENT,
    BRIDGE_UPDATE_ANSWERED,
    BRIDGE_UPDATE_DONE,
    BRIDGE_UPDATE_ENDED
} bridge_update_state_t;


typedef struct bridge_update_entry_s  bridge_update_entry_t;
typedef struct bridge_update_queue_s  bridge_update_queue_t;

struct bridge_update_entry_s {
    UT_hash_handle                      hh;
    TAILQ_ENTRY(bridge_update_entry_s)  link;       /* in its queue */
    bridge_update_queue_t              *queue;
    bridge_update_state_t               state;
    void                              (*advance)(bridge_update_entry_t *entry,
                                            bridge_update_state_t state);
    bridge_update_stream_t             *stream;
    char                               *entry;      /* the stream's id */
    char                               *name;       /* of all streams */
    char                               *account;
    char                               *device;
    char                               *id;
    json_t                             *body;
    char                               *result;
    char                               *why;        /* it was not sent */
    bridge_account_t                   *owner;      /* counts this update */
    bridge_msec_t                       deadline;
    struct event                        timer;
    bridge_command_t                   *command;    /* under way */
    unsigned                            again:1;    /* sent a second time */
    unsigned                            placed:1;   /* its body is here */
};


/*
 * bridge_update_queue.c owns the updates that this bridge has read.  Each
 * account has a fair part of the "max_waiting" places in memory.
 */

bridge_update_entry_t *bridge_update_queue_find(const char *name);
bridge_update_entry_t *bridge_update_queue_all(void);
bridge_update_entry_t *bridge_update_queue_first(const char *account);

/* Returns 0 if it has no place yet. */
int bridge_update_queue_add(bridge_update_entry_t *entry);
void bridge_update_queue_remove(bridge_update_entry_t *entry);

/* The next one that gets a place; NULL: there is none, or no place. */
bridge_update_entry_t *bridge_update_queue_turn(void);

unsigned bridge_update_queue_placed(void);
unsigned bridge_update_queue_held(void);

/* Too many are held to read more of them. */
int bridge_update_queue_full(void);


/* bridge_update_entry.c owns the updates that this bridge has read.  Those of
   an account are executed in the order in which they came. */

/* An entry of the stream: [ id, [ field, value, ... ] ]. */
void bridge_update_entry_add(bridge_update_stream_t *stream,
    redisReply *reply);

/* The bridge ends: what was not begun is left to another bridge. */
void bridge_update_entries_done(void);

/* The session of the account is ready, or another bridge has the lease. */
void bridge_update_entries_run(bridge_account_t *account);


/* bridge_update_route.c: which bridge executes it? */

void bridge_update_route(bridge_update_entry_t *entry);
void bridge_update_offer(bridge_update_entry_t *entry, const char *bridge);

/* The time of the offer is over: was it claimed? */
void bridge_update_check_offer(bridge_update_entry_t *entry);


/* bridge_update_execute.c */

/* True if it may be executed twice. */
int bridge_update_repeatable(bridge_update_entry_t *entry);

void bridge_update_mark(bridge_update_entry_t *entry);
void bridge_update_unmark(bridge_update_entry_t *entry);
void bridge_update_send(bridge_update_entry_t *entry);

/* A result of this bridge. */
void bridge_update_refuse(bridge_update_entry_t *entry, const char *status,
    const char *detail);

/* Writes the result into Redis. */
void bridge_update_answer(bridge_update_entry_t *entry);

/*
 * Removes the update from the stream.  It stays in the list until Redis has
 * confirmed that, else it would be read and executed again.
 */
void bridge_update_remove(bridge_update_entry_t *entry);


/*
 * bridge_update_consumer.c owns the consumer group of the bridges: entries of
 * dead ones, and late ones.
 */

void bridge_update_consumer_init(void);

/* Updates that were not begun are left to another bridge. */
void bridge_update_consumer_done(void);

/* The functions are in Redis; the settings of Redis are others. */
void bridge_update_consumer_redis_ready(void);
void bridge_update_consumer_changed(void);

/* Updates that some bridge has read over a lease ago, without a result. */
unsigned bridge_update_consumer_late(void);

/* True if one of them should have had its result long ago. */
int bridge_update_consumer_overdue(void);

/* A message: another bridge has got this entry, of an account of ours. */
void bridge_update_consumer_offered(const char *name, size_t len);


#endif /* _BRIDGE_UPDATE_H_INCLUDED_ */
